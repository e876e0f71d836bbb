"""Process 1 of an engine's sandbox: gives it a machine of its own to change, tells so, and reaps whoever ends in it.

It runs in new mount, network and pid namespaces. It ends as soon as its standard input does, and with it, by the
kernel's hand, every process, mount and network device of the sandbox; so nothing outlives the tests even if they are
killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys


def call(*words: str) -> None:
    """Run a command that has to work."""
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)


def mount_system(folder: str) -> None:
    """Mount the /proc and /sys of the new namespaces, with the cgroup hierarchies of the host."""
    call("mount", "-t", "proc", "-o", "nosuid,nodev,noexec", "proc", "/proc")
    kept = os.path.join(folder, "cgroup")
    os.mkdir(kept)
    call("mount", "--rbind", "/sys/fs/cgroup", kept)
    call("umount", "--recursive", "--lazy", "/sys")
    call("mount", "-t", "sysfs", "-o", "nosuid,nodev,noexec", "sysfs", "/sys")
    mount_cgroups(kept)
    call("umount", "--recursive", "--lazy", kept)


def mount_cgroups(source: str) -> None:
    """Mount the hierarchies below ``source``: v2 as it is, v1 below a read-only tmpfs as systemd has it.

    podman would otherwise make plain folders there for controllers without a hierarchy.
    """
    if os.path.exists(f"{source}/cgroup.controllers"):
        return call("mount", "--rbind", source, "/sys/fs/cgroup")
    call("mount", "-t", "tmpfs", "-o", "mode=0755,nosuid,nodev,noexec", "tmpfs", "/sys/fs/cgroup")
    for name in sorted(os.listdir(source)):
        at = f"/sys/fs/cgroup/{name}"
        if os.path.islink(f"{source}/{name}"):
            os.symlink(os.readlink(f"{source}/{name}"), at)
        elif os.path.ismount(f"{source}/{name}"):
            os.mkdir(at)
            call("mount", "--bind", f"{source}/{name}", at)
    mount_further_hierarchies()
    return call("mount", "-o", "remount,bind,ro", "/sys/fs/cgroup")


def mount_further_hierarchies() -> None:
    """Mount the v1 hierarchies that the host has mounted elsewhere, if at all: containerd wants to see every one."""
    with open("/proc/self/cgroup", encoding="ascii") as file:
        rows = [line.split(":") for line in file]
    for _, controllers, _ in rows:
        name = controllers.removeprefix("name=")
        if name and not any(os.path.exists(f"/sys/fs/cgroup/{word}") for word in (name, *name.split(","))):
            os.mkdir(f"/sys/fs/cgroup/{name}")
            call("mount", "-t", "cgroup", "-o", controllers, "cgroup", f"/sys/fs/cgroup/{name}")


def give_subordinate_ids(folder: str) -> None:
    """Put ranges for podman's automatic user namespaces and docker's remapping over subuid(5) and subgid(5)."""
    for path in ("/etc/subuid", "/etc/subgid"):
        if os.path.exists(path):
            own = os.path.join(folder, os.path.basename(path))
            with open(own, "w", encoding="ascii") as file:
                file.write("containers:1000000:1000000\nnobody:2000000:65536\nnogroup:2000000:65536\n")
            call("mount", "--bind", own, path)


def main(folder: str, *private: str) -> None:
    """Set up the sandbox with empty file systems at the ``private`` paths, print "ready" and stay."""
    mount_system(folder)
    for path in private:
        mode = "1777" if path == "/dev/shm" else "0755"
        call("mount", "-t", "tmpfs", "-o", f"mode={mode}", "tmpfs", path)
    give_subordinate_ids(folder)
    # As systemd has it: a mount that a runtime fails to keep to itself then shows up outside of the container.
    call("mount", "--make-rshared", "/")
    call("ip", "link", "set", "lo", "up")
    signal.signal(signal.SIGCHLD, reap)
    print("ready", flush=True)
    sys.stdin.read()


def reap(*_: object) -> None:
    """Wait for every process that has ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
