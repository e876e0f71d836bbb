"""Walk one container through its life and tell what happens: ``sudo make demo``.

Everything is made below one temporary folder, the state folder included; at the end it is removed and the machine is
checked for what ringfence may have left.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from pathlib import Path

from tools.demo.machine import guest_kernel, no_machine
from tools.demo.story import Stage, StoryError
from tools.demo.world import BUNDLE, leftovers, make_bundle

REPOSITORY = Path(__file__).resolve().parents[2]
IDENTITY = f"hello-{os.getpid()}"
HEAD = 24


def explain(stage: Stage) -> None:
    stage.title("What ringfence would do, which it tells without doing it (the first lines)")
    told = stage.ringfence("explain", "--bundle", BUNDLE, quiet=True).splitlines()
    stage.some(told, HEAD)


def run(stage: Stage) -> None:
    stage.title("The same, done: one command from a folder to a finished process")
    stage.ringfence("run", "--bundle", BUNDLE, IDENTITY)


def walk(stage: Stage) -> None:
    stage.title("Step by step, as an engine does it")
    make_bundle(stage, ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait; done"])
    stage.ringfence("create", "--bundle", BUNDLE, IDENTITY, silent=True)
    stage.note("the container exists: its namespaces, mounts and cgroups are made, its init waits")
    stage.status(IDENTITY, "created")
    stage.ringfence("start", IDENTITY)
    stage.status(IDENTITY, "running")
    stage.ringfence("exec", IDENTITY, "/bin/sh", "-c", 'echo "a second process: pid $$ on host $(hostname)"')
    stage.ringfence("pause", IDENTITY)
    stage.status(IDENTITY, "paused")
    stage.ringfence("resume", IDENTITY)
    stage.ringfence("kill", IDENTITY, "TERM")
    stage.wait_for(IDENTITY, "stopped")
    stage.ringfence("delete", IDENTITY)


def machine(stage: Stage) -> None:
    stage.title("The same bundle behind another wall: a machine of its own, by one word")
    stage.say(f"kernel: {guest_kernel(stage)}")
    make_bundle(stage, ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait; done"])
    wall = ("--driver", "microvm")
    told = stage.ringfence(*wall, "explain", "--bundle", BUNDLE, quiet=True).splitlines()
    stage.some([line for line in told if " machine " in line or " guest " in line], 8)
    stage.ringfence(*wall, "run", "--detach", "--bundle", BUNDLE, IDENTITY, silent=True)
    stage.ringfence("exec", IDENTITY, "/bin/sh", "-c", 'echo "its own kernel: $(cat /proc/sys/kernel/osrelease)"')
    stage.ringfence("ps", IDENTITY)
    stage.ringfence("kill", IDENTITY, "TERM")
    stage.wait_for(IDENTITY, "stopped")
    stage.ringfence("delete", IDENTITY)


def perform(stage: Stage) -> None:
    version = stage.ringfence("--version", quiet=True, told=False).splitlines()[0]
    stage.say(f"{version} on Linux {platform.release()}")
    stage.title("A bundle: one folder with a root file system and a config.json")
    size = make_bundle(stage, ["/bin/sh", "-c", 'echo "hello from pid $$, user $(id -un), host $(hostname)"'])
    stage.say(f"{BUNDLE}: busybox in rootfs ({size // 1024} KiB), config.json by `ringfence spec`")
    explain(stage)
    run(stage)
    walk(stage)
    if lacking := no_machine():
        stage.say(f"\nno machines here, which would be another wall: {lacking}")
    else:
        machine(stage)


def demonstrate(scratch: Path) -> int:
    stage = Stage(REPOSITORY / "bin" / "ringfence", scratch)
    try:
        perform(stage)
    except StoryError as failure:
        stage.say(f"\nthe demonstration failed: {failure}")
        return 1
    finally:
        stage.clear(IDENTITY)
    return 0


def main() -> int:
    if os.geteuid() != 0:
        print("this demonstration makes containers as root: sudo make demo", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="ringfence-demo-") as scratch:
        os.chmod(scratch, 0o755)
        status = demonstrate(Path(scratch))
    left = leftovers(IDENTITY, scratch)
    print("\nleft behind: " + (", ".join(left) or "nothing"))
    return status or bool(left)


if __name__ == "__main__":
    sys.exit(main())
