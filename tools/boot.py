"""The first code of an installed ringfence: it takes our modules from one file, the pack, instead of from a tree.

Finding, reading and checking a hundred .pyc files one by one costs more than the rest of a ``run`` in Python. The pack
holds the code of all modules, and for each verb engines call the ones it needs as one piece, in the order in which
they can be run. tools/pack.py writes it and compiles this file into its head.
"""

from __future__ import annotations

import _frozen_importlib
import gc
import marshal
import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType

    Place = tuple[int, int]
    Piece = tuple[str, str, CodeType]


class Pack:
    """Finds and loads single modules of a pack.

    ``index`` tells by name where a module's code lies (offset, size) and the path of its source.
    """

    def __init__(self, descriptor: int, index: dict[str, tuple[int, int, str]]):
        self.descriptor = descriptor
        self.index = index

    def find_spec(self, name: str, *_path_and_target: object) -> ModuleSpec | None:
        """A spec for a module of ours, None for another."""
        if name not in self.index:
            return None
        source = self.index[name][2]
        package = source.endswith("/__init__.py")
        spec: ModuleSpec = _frozen_importlib.ModuleSpec(name, self, origin=source, is_package=package)  # type: ignore[arg-type]
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """The standard kind of module."""

    def exec_module(self, module: ModuleType) -> None:
        """Run a module's code."""
        offset, size, source = self.index[module.__name__]
        module.__file__ = source
        exec(marshal.loads(posix.pread(self.descriptor, size, offset)), module.__dict__)


def load(pieces: list[Piece]) -> None:
    """Make and run modules whose needs are all met by those before them; packages come first."""
    modules, make = sys.modules, type(sys)
    for name, source, code in pieces:
        module = make(name)
        held = module.__dict__
        parent, _, last = name.rpartition(".")
        held["__file__"] = source
        if source.endswith("/__init__.py"):
            held["__package__"], held["__path__"] = name, []
        else:
            held["__package__"] = parent
        modules[name] = module
        exec(code, held)
        if parent:
            setattr(modules[parent], last, module)


def boot(descriptor: int, index: dict[str, tuple[int, int, str]], groups: dict[str, Place]) -> None:
    """Run ringfence from the pack. The first word that is a verb chooses the group, rightly or for nothing."""
    # A verb lives for milliseconds and leaves no cycles that matter; collections cost 4 % of a run.
    gc.disable()
    sys.meta_path.insert(0, Pack(descriptor, index))
    for word in sys.argv:
        if word in groups:
            size, offset = groups[word]
            load(marshal.loads(posix.pread(descriptor, size, offset)))
            break
    from ringfence.cli.main import main

    main()
