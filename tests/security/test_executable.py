"""CVE-2019-5736: the runtime's own executable, reached through the processes it sends into a container."""

from __future__ import annotations

import pytest

from tests.conformance.test_safety import executables
from tests.security.attack import install_attack
from tests.support import Bundle, Runtime

PTRACE = "CAP_SYS_PTRACE"
HELD = "holds an executable"


@pytest.mark.parametrize("given", [[], [PTRACE]], ids=["usual", "ptrace"])
@pytest.mark.parametrize("program", ["true", "/proc/self/exe", "/entry"])
def test_kept_executables_cannot_be_written_to(
    runtime: Runtime, bundle: Bundle, program: str, given: list[str]
) -> None:
    """A process inside keeps every executable that comes by open and writes to it later: only a sealed copy came by.

    Without CAP_SYS_PTRACE it cannot even open them: what comes by is not dumpable (CVE-2016-9962).
    /entry is a script for the interpreter /proc/self/exe, so the runtime runs itself, dumpable, as the program.
    """
    install_attack(bundle)
    before = executables(runtime)
    for held in bundle.process["capabilities"].values():
        held.extend(given)
    bundle.config["root"]["readonly"] = False
    bundle.file("/entry", "#!/proc/self/exe\n", 0o755)
    bundle.args("attack", "overwrite")
    container = runtime.started(bundle)
    container.wait_output("ready\n")
    for _ in range(10):
        container.exec(program, "features")
    seen = set(container.output().splitlines())
    assert not [line for line in seen if "wrote to" in line]
    assert HELD in seen or not given, "the attack has not been tried"
    assert HELD not in seen or given or program != "true"
    assert executables(runtime) == before


def test_the_container_that_is_the_runtime(runtime: Runtime, bundle: Bundle) -> None:
    """The program of the container itself is the runtime's executable, and the image could choose its libraries."""
    before = executables(runtime)
    bundle.config["root"]["readonly"] = False
    bundle.file("/etc/ld.so.preload", "/lib/evil.so\n")
    bundle.file("/entry", "#!/proc/self/exe\n", 0o755)
    bundle.env.extend(["LD_PRELOAD=/lib/evil.so", "LD_LIBRARY_PATH=/lib"])
    for program in ("/entry", "/proc/self/exe"):
        bundle.args(program, "init")
        runtime.run_bundle(bundle)
    assert executables(runtime) == before
