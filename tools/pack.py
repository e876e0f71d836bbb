"""Write the pack of an installed ringfence and its launcher: pack.py PACKAGES PACK LAUNCHER [DESTDIR].

PACKAGES is the folder that holds the package, PACK and LAUNCHER the files to write; all three lie below DESTDIR, which
the machine that runs them does not know. The pack is a marshalled (boot code, index, groups), then the groups, then
each module's code (see boot.py); the launcher knows the size of the first part.
"""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
from pathlib import Path
from types import CodeType

from tools.lean import lean_code

VERBS = ("create", "delete", "exec", "kill", "list", "pause", "ps", "resume", "run", "start", "state", "update")
LAUNCHER = """#!{python} -IS
import marshal, posix
pack = posix.open("{pack}", posix.O_RDONLY | posix.O_CLOEXEC)
space = {{}}
boot, index, groups = marshal.loads(posix.pread(pack, {size}, 0))
exec(boot, space)
space["boot"](pack, index, groups)
"""
# Imports a verb's modules from the tree and prints them in the order in which their code ended.
RECORD = """
import sys, _frozen_importlib_external
loader = _frozen_importlib_external.SourceFileLoader
run = loader.exec_module
def record(self, module):
    run(self, module)
    print(module.__name__)
loader.exec_module = record
sys.dont_write_bytecode = True
sys.path.insert(0, {packages!r})
import ringfence.cli.main
import ringfence.cli.{verb}
"""


def code_of(path: Path, shown: str) -> CodeType:
    """A module's code, without what only people read."""
    return lean_code(path.read_bytes(), shown)


def module_name(path: Path) -> str:
    """``ringfence.plan`` for ringfence/plan/__init__.py."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def without(path: Path, destdir: str) -> str:
    """A path as the machine that runs ringfence knows it."""
    return "/" + str(path.relative_to(destdir or "/"))


def needed_by(verb: str, packages: Path) -> list[str]:
    """Our modules that a verb imports, packages first, then in the order in which they can be run."""
    script = RECORD.format(packages=str(packages), verb=verb)
    told = subprocess.run([sys.executable, "-IS", "-c", script], check=True, stdout=subprocess.PIPE, text=True).stdout
    names = [name for name in told.split() if name.partition(".")[0] == "ringfence"]
    return sorted(names, key=lambda name: not is_package(name, packages))


def is_package(name: str, packages: Path) -> bool:
    """Whether a module is a folder."""
    return (packages / name.replace(".", "/")).is_dir()


def head(boot: CodeType, blobs: dict[str, bytes], sources: dict[str, str], start: int) -> bytes:
    """The first part of the pack, when the blobs begin at ``start``."""
    index, groups, offset = {}, {}, start
    for name, blob in blobs.items():
        if name in sources:
            index[name] = (offset, len(blob), sources[name])
        else:
            groups[name] = (len(blob), offset)
        offset += len(blob)
    return marshal.dumps((boot, index, groups))


def write_pack(packages: Path, pack: Path, destdir: str) -> int:
    """Write the pack; returns the size of its first part."""
    paths = {module_name(path.relative_to(packages)): path for path in sorted(packages.glob("ringfence/**/*.py"))}
    sources = {name: without(path, destdir) for name, path in paths.items()}
    codes = {name: code_of(path, sources[name]) for name, path in paths.items()}
    blobs = {
        verb: marshal.dumps([(name, sources[name], codes[name]) for name in needed_by(verb, packages)])
        for verb in VERBS
    }
    blobs |= {name: marshal.dumps(code) for name, code in codes.items()}
    boot = code_of(Path(__file__).with_name("boot.py"), "boot.py")
    # Offsets below 2**31 are all marshalled to the same size, so a second round settles them.
    size = len(head(boot, blobs, sources, 0))
    first = head(boot, blobs, sources, size)
    assert len(first) == size
    pack.write_bytes(first + b"".join(blobs.values()))
    return size


def main() -> None:
    """Write both files."""
    packages, pack, launcher = (Path(word).absolute() for word in sys.argv[1:4])
    destdir = os.path.abspath(sys.argv[4]) if len(sys.argv) > 4 and sys.argv[4] else ""
    size = write_pack(packages, pack, destdir)
    python = os.path.realpath(sys.executable)
    launcher.write_text(LAUNCHER.format(python=python, pack=without(pack, destdir), size=size))
    launcher.chmod(0o755)


if __name__ == "__main__":
    main()
