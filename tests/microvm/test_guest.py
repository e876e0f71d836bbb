"""What a program finds in its guest: mounts, devices, users, hooks, and what was handed to it."""

from __future__ import annotations

import json
import os

import pytest

from tests.conformance.inside import inside, write_file
from tests.conformance.test_files import shell
from tests.microvm.helpers import qemu
from tests.support import Bundle, Runtime, wait_until
from tests.support.process import read_text

EVERY = ("bounding", "effective", "permitted")


@pytest.fixture
def shared(bundle: Bundle) -> Bundle:
    """A bundle with a writable root."""
    bundle.config["root"]["readonly"] = False
    return bundle


def test_mounts_in_their_order(machines: Runtime, bundle: Bundle) -> None:
    """MVM-GUEST-06, MVM-FILES-09: the usual kinds with their options, tmpfs by size and mode, in the guest's memory."""
    bundle.mount("/mnt", "tmpfs", "tmpfs", "size=1m", "mode=1755", "uid=5", "gid=6", "noexec")
    bundle.mount("/mnt/pts", "devpts", "devpts", "newinstance", "ptmxmode=0666")
    bundle.mount("/mnt/mq", "mqueue", "mqueue", "nosuid")
    bundle.mount("/mnt/cgroup", "cgroup", "cgroup", "ro")
    script = "stat -c '%a %u %g' /mnt; grep ' /mnt' /proc/mounts; cat /mnt/cgroup/cgroup.controllers"
    told = inside(machines, bundle, script).splitlines()
    assert told[0] == "1755 5 6"
    assert [line.split()[1:3] for line in told[1:5]] == [
        ["/mnt", "tmpfs"], ["/mnt/pts", "devpts"], ["/mnt/mq", "mqueue"], ["/mnt/cgroup", "cgroup2"],
    ]  # fmt: skip
    assert {"noexec", "size=1024k"} <= set(told[1].split()[3].split(","))
    assert {"memory", "pids"} <= set(told[5].split())


def test_tmpcopyup(machines: Runtime, shared: Bundle) -> None:
    """MVM-FILES-09: the image's files are in the new tmpfs too, and stay as they were in the image."""
    shared.file("data/one", "1\n")
    shared.mount("/data", "tmpfs", "tmpfs", "tmpcopyup")
    assert inside(machines, shared, "cat /data/one; echo 2 > /data/one; cat /data/one") == "1\n2\n"
    assert read_text(os.path.join(shared.rootfs, "data/one")) == "1\n"


def test_propagation_words(machines: Runtime, bundle: Bundle) -> None:
    """MVM-GUEST-06: are accepted and kept."""
    folder = machines.new_path("volume")
    os.mkdir(folder)
    bundle.bind(folder, "/mnt", "rslave")
    bundle.linux["rootfsPropagation"] = "rprivate"
    assert " /mnt " in inside(machines, bundle, "cat /proc/self/mountinfo")


def test_devices(machines: Runtime, bundle: Bundle) -> None:
    """MVM-GUEST-08: the usual ones and their links, a configured one, and none of the machine's own."""
    bundle.linux["devices"] = [
        {"path": "/dev/again", "type": "c", "major": 1, "minor": 5, "fileMode": 0o644, "uid": 3, "gid": 4}
    ]
    bundle.resources["devices"] = [
        {"allow": False, "access": "rwm"}, {"allow": True, "type": "c", "major": 1, "minor": 5, "access": "r"},
    ]  # fmt: skip
    script = (
        "ls /dev; stat -c '%a %u %g' /dev/again; readlink /dev/stdin; head -c 3 /dev/again | wc -c; echo > /dev/null"
    )
    told = inside(machines, bundle, script).splitlines()
    assert told[-3:] == ["644 3 4", "/proc/self/fd/0", "3"]
    assert {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "fd", "stdout", "stderr"} <= set(told)
    assert not any(name.startswith(("vport", "hvc", "vd")) for name in told)


def test_a_device_that_is_not_allowed_cannot_be_used(machines: Runtime, bundle: Bundle) -> None:
    """MVM-GUEST-08, MVM-CTL-08: not even the machine's own, by a node that root of the guest makes."""
    bundle.process["capabilities"] = {kind: ["CAP_MKNOD"] for kind in EVERY}
    bundle.resources["devices"] = [{"allow": False, "access": "rwm"}]
    bundle.mount("/mnt", "tmpfs", "tmpfs", "dev")
    tries = "mknod /mnt/$m$n c $m $n; echo < /mnt/$m$n && echo opened"
    bundle.sh(f"(for m in 229 240; do for n in 0 1 2 3 4 5 6 7; do {tries}; done; done) 2>&1; echo still here")
    told = machines.run_bundle(bundle).ok().out
    assert told.endswith("still here\n")
    assert "opened" not in told


def test_hooks_of_the_host_run_there(machines: Runtime, bundle: Bundle) -> None:
    """MVM-HOOKS-01, MVM-HOOKS-02, MVM-HOOKS-04: at their moments, with the supervisor's pid and network."""
    mark = machines.new_path("hooks")
    for kind in ("prestart", "createRuntime", "createContainer", "poststart", "poststop"):
        script = f"cat > {mark}.{kind}; echo {kind} $(readlink /proc/self/ns/net) >> {mark}"
        bundle.hook(kind, "/bin/sh", "-c", script)
    bundle.sleep()
    container = machines.create(bundle)
    pid, network = container.pid, os.readlink(f"/proc/{container.pid}/ns/net")
    ran = [line.split() for line in read_text(mark).splitlines()]
    assert [kind for kind, _ in ran] == ["prestart", "createRuntime", "createContainer"]
    assert ran[2][1] == network
    assert json.loads(read_text(f"{mark}.prestart"))["pid"] == pid
    container.start()
    container.end()
    container.delete("--force").ok()
    assert [line.split()[0] for line in read_text(mark).splitlines()][3:] == ["poststart", "poststop"]


def test_the_containers_own_hook_runs_inside(machines: Runtime, bundle: Bundle) -> None:
    """MVM-HOOKS-03: its program is the container's, and the state comes on its input."""
    bundle.config["root"]["readonly"] = False
    bundle.hook("startContainer", "/bin/sh", "-c", "cat > /hook; uname -r >> /hook")
    state, end = json.JSONDecoder().raw_decode(inside(machines, bundle, "cat /hook"))
    assert state["status"] in ("created", "creating")
    assert read_text(os.path.join(bundle.rootfs, "hook"))[end:].strip() not in ("", os.uname().release)


@pytest.mark.parametrize("kind", ["prestart", "createRuntime", "createContainer"])
def test_a_failing_hook_is_the_end(machines: Runtime, bundle: Bundle, kind: str) -> None:
    """MVM-HOOKS-04: of the machine too."""
    bundle.hook(kind, "/bin/false")
    machines.refuses_bundle("hook #0", bundle)


def test_later_changes_of_the_config_have_no_effect(machines: Runtime, bundle: Bundle) -> None:
    """MVM-CREATE-04."""
    bundle.sh("echo first")
    container = machines.create(bundle)
    write_file(os.path.join(bundle.path, "config.json"), "{}")
    container.start()
    container.wait_output("first")


def test_detached_and_kept(machines: Runtime, bundle: Bundle) -> None:
    """MVM-RUN-02: run returns when the program runs; --keep leaves the record, --pid-file has the supervisor."""
    bundle.sleep()
    path = machines.new_path("pid")
    container = machines.run_detached(bundle, "--keep", "--pid-file", path)
    assert int(read_text(path)) == container.pid
    container.end()
    assert container.status() == "stopped"
    container.delete().ok()


def test_descriptors_do_not_cross(machines: Runtime, bundle: Bundle) -> None:
    """MVM-STDIO-06: they are refused by name, in exec too; what systemd hands on is dropped with a warning."""
    with shell(machines, 'exec "$@" 3</dev/null'):
        machines.refuses_bundle("descriptors cannot cross into a guest", bundle, "--preserve-fds", "1")
    bundle.sh("echo $NOTIFY_SOCKET; exit 4")
    result = machines.run_bundle(bundle, env={"NOTIFY_SOCKET": "/run/nobody"})
    assert (result.code, result.out) == (4, "\n")
    told = [record["msg"] for record in machines.log_records() if record["level"] == "warning"]
    assert "NOTIFY_SOCKET cannot cross into a guest and are ignored" in told


@pytest.mark.parametrize("kind", ["file", "null", "closed"])
def test_kinds_of_standard_streams(machines: Runtime, bundle: Bundle, kind: str) -> None:
    """MVM-STDIO-04: a file keeps its offset, nothing and /dev/null do no harm, /dev/stdout can be opened again."""
    bundle.write()
    bundle.sh("echo one; echo two > /dev/stdout; cat; exit 6")
    bundle.write()
    path = machines.new_path("stream")
    write_file(path, "before\n")
    redirect = {"file": f">>{path} </dev/null", "null": ">/dev/null </dev/null", "closed": ">&- <&-"}[kind]
    words = " ".join([machines.binary, *machines.globals(), "run", "--bundle", bundle.path, machines.new_id()])
    script = write_file(machines.new_path("script"), f"{words} {redirect}; echo $?\n")
    plain = machines.binary
    machines.binary = "/bin/sh"
    told = machines.run(script, options=[]).out
    machines.binary = plain
    assert told == "6\n"
    assert read_text(path) == ("before\none\ntwo\n" if kind == "file" else "before\n")


def test_fifos_and_sockets_of_the_image_work_inside(machines: Runtime, shared: Bundle) -> None:
    """MVM-FILES-10: a FIFO on the share; a device node there is dead."""
    os.mknod(os.path.join(shared.rootfs, "node"), 0o20666, os.makedev(1, 3))
    script = "mkfifo /pipe; (echo through > /pipe &) ; cat /pipe; cat /node 2>&1; true"
    told = inside(machines, shared, script)
    assert told.startswith("through\n")
    assert "ermission denied" in told


def test_two_machines_share_a_volume(machines: Runtime, bundle: Bundle) -> None:
    """MVM-FILES-11: what one writes the other reads."""
    folder = machines.new_path("volume")
    os.mkdir(folder)
    bundle.bind(folder, "/mnt")
    bundle.sleep()
    first, second = machines.started(bundle), machines.started(bundle)
    first.sh("echo one > /mnt/file").ok()
    wait_until(lambda: second.sh("cat /mnt/file").out == "one\n", "the other's write")
    second.sh("echo two >> /mnt/file").ok()
    assert read_text(os.path.join(folder, "file")) == "one\ntwo\n"


def test_orphans_are_reaped(machines: Runtime, bundle: Bundle) -> None:
    """MVM-GUEST-12: without a pid namespace of its own the program's orphans are the guest's init's to reap."""
    bundle.drop_namespace("pid")
    orphans = "for i in 1 2 3; do sh -c 'sleep 0.01 &'; done; sleep 0.1"
    bundle.sh(
        f"{orphans}; for i in $(seq 50); do ps | grep -q '[Z] ' || break; sleep 0.1; done; ps | grep -c '[Z] '; echo $$"
    )
    told = machines.run_bundle(bundle).ok().out.split()
    assert told[0] == "0"
    assert told[1] != "1"


def test_the_ramdisk_is_nobody_elses(machines: Runtime, bundle: Bundle) -> None:
    """MVM-RAMDISK-03: it is a sealed file in memory, which only root and QEMU's descriptor lead to."""
    bundle.process["env"].append("SECRET=hunter2")
    bundle.sleep()
    machine = qemu(machines.started(bundle))
    links = {number: os.readlink(f"/proc/{machine}/fd/{number}") for number in os.listdir(f"/proc/{machine}/fd")}
    (held,) = (number for number, link in links.items() if link.startswith("/memfd:ramdisk"))
    with pytest.raises(PermissionError), open(f"/proc/{machine}/fd/{held}", "r+b", buffering=0) as file:
        file.write(b"x")
    assert "hunter2" not in read_text(f"/proc/{machine}/cmdline")


@pytest.mark.parametrize("size", [1 << 20, 2 << 20])
def test_a_large_plan(machines: Runtime, bundle: Bundle, size: int) -> None:
    """MVM-RAMDISK-04: arguments and environment up to what a kernel takes."""
    count = size // 100_000
    bundle.process["env"] += [f"V{number}={'x' * 99_990}" for number in range(count - 1)]
    bundle.process["rlimits"] = [{"type": "RLIMIT_STACK", "soft": 64 << 20, "hard": 64 << 20}]
    bundle.sh("env | wc -c")
    assert int(machines.run_bundle(bundle).ok().out) > (count - 1) * 99_990


def test_parties_are_in_the_containers_cgroup(machines: Runtime, bundle: Bundle) -> None:
    """MVM-QEMU-10, MVM-STATS-03: the supervisor, the machine and the daemon, so that engines read their use."""
    bundle.sleep()
    container = machines.started(bundle)
    machine = qemu(container)
    own = [line for line in read_text(f"/proc/{container.pid}/cgroup").splitlines() if container.id in line]
    assert own
    assert set(own) <= set(read_text(f"/proc/{machine}/cgroup").splitlines())
    assert read_text(f"/proc/{machine}/stat").rpartition(") ")[2].split()[3] == str(machine)
    stats = json.loads(machines.run("events", "--stats", container.id).ok().out)
    assert stats["data"]["cpu"]["usage"]["total"] > 0
