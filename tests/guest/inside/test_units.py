"""A call without a verb as the ExecStart= of a systemd unit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.probe import SOURCE
from tests.guest.inside.helpers import output, shown
from tests.legacy.conftest import OldBundle
from tests.support import Bundle, Runtime, cgroup
from tests.support.compiled import compiled
from tests.support.poll import wait_for, wait_until

MIB = 1 << 20


class Unit:
    """A transient service that runs an old bundle; its files end with the test."""

    def __init__(self, old: OldBundle) -> None:
        self.old = old
        self.id = old.runtime.new_id()
        self.name = f"rf-{self.id}.service"
        self.file = Path("/run/systemd/system") / self.name

    def write(self, *settings: str) -> None:
        """Write bundle and unit, with these lines in [Service]."""
        self.old.write()
        start = f'{self.old.runtime.binary} --root "{self.old.runtime.root}" --id {self.id}'
        lines = ["[Service]", f"ExecStart={start}", f"WorkingDirectory={self.old.path}", *settings]
        self.file.write_text("\n".join(lines) + "\n")
        output("systemctl", "daemon-reload")

    def start(self) -> None:
        output("systemctl", "start", self.name)

    def show(self, *names: str) -> dict[str, str]:
        return shown(self.name, *names)

    def wait(self, **wanted: str) -> None:
        """Until properties have these values."""
        wait_until(lambda: self.show(*wanted) == wanted, f"{wanted}, it is {self.show(*wanted)}", 60.0)

    def journal(self) -> str:
        """What it has written."""
        return output("journalctl", "--output=cat", "--unit", self.name)

    def init(self) -> int:
        """The pid of the container's init, once it runs."""
        runtime = self.old.runtime
        found = wait_for(lambda: [runtime.container(self.id).pid] if self.running() else [], "the container", 60.0)
        return found[0]

    def running(self) -> bool:
        runtime = self.old.runtime
        told = runtime.run("state", self.id)
        return told.code == 0 and json.loads(told.out)["status"] == "running"

    def end(self) -> None:
        subprocess.run(["systemctl", "kill", "--signal=KILL", self.name], check=False, capture_output=True)
        subprocess.run(["systemctl", "stop", self.name], check=False, capture_output=True)
        subprocess.run(["systemctl", "reset-failed", self.name], check=False, capture_output=True)
        self.file.unlink(missing_ok=True)
        output("systemctl", "daemon-reload")


@pytest.fixture
def unit(runtime: Runtime, bundle: Bundle) -> Iterator[Unit]:
    held = Unit(OldBundle(runtime, bundle))
    yield held
    held.end()


def test_no_more_than_a_folder(unit: Unit) -> None:
    """OLD-SYSTEMD-01: ExecStart= and WorkingDirectory= are enough; output and error arrive in the journal."""
    unit.old.sh("echo to stdout; echo to stderr >&2; sleep 1000")
    unit.write()
    unit.start()
    unit.init()
    assert unit.show("ActiveState") == {"ActiveState": "active"}
    wait_until(lambda: {"to stdout", "to stderr"} <= set(unit.journal().splitlines()), "both in the journal", 30.0)


def test_a_terminal_without_one(unit: Unit) -> None:
    """OLD-SYSTEMD-02: the sample's terminal is a pty of the program's own, its output is copied, with one warning."""
    unit.old.config["process"]["terminal"] = True
    unit.old.sh("tty; sleep 1000")
    unit.write()
    unit.start()
    unit.init()
    wait_until(lambda: "/dev/pts/0" in unit.journal(), "the output", 30.0)
    assert unit.journal().count("level=warning") == 1


def test_limits_of_the_unit(unit: Unit) -> None:
    """OLD-SYSTEMD-03, OLD-SYSTEMD-04: the container is below the unit, whose limits bind it, without Delegate=."""
    unit.old.sh("sleep 1000")
    unit.write("CPUQuota=50%", f"MemoryMax={64 * MIB}", "TasksMax=33")
    unit.start()
    folder = cgroup.of_process(unit.init())[""]
    above = f"/sys/fs/cgroup/system.slice/{unit.name}"
    assert folder == f"{above}/{unit.id}"
    assert cgroup.read(above, "memory.max") == str(64 * MIB)
    assert cgroup.read(above, "cpu.max") == "50000 100000"
    assert cgroup.read(above, "pids.max") == "33"
    assert cgroup.read(above, "cgroup.subtree_control") == ""


def test_the_units_memory_limit_kills(unit: Unit) -> None:
    """OLD-SYSTEMD-03: a program that takes more than the unit's MemoryMax= is killed."""
    unit.old.sh("head -c 100000000 /dev/zero | tail -c 99000000 | wc -c; echo survived; sleep 1000")
    unit.write(f"MemoryMax={32 * MIB}", "MemorySwapMax=0", "OOMPolicy=continue")
    unit.start()
    above = f"/sys/fs/cgroup/system.slice/{unit.name}"
    wait_until(lambda: "oom_kill 0" not in cgroup.read(above, "memory.events"), "the kill", 60.0)


def test_own_limits_need_delegation(unit: Unit) -> None:
    """OLD-SYSTEMD-04: limits of the config are refused by name without Delegate=yes, and hold with it."""
    unit.old.config["linux"]["resources"]["memory"]["limit"] = 48 * MIB
    unit.old.sh("sleep 1000")
    unit.write()
    unit.start()
    unit.wait(ActiveState="failed")
    assert "memory" in unit.journal()
    assert "Delegate=yes" in unit.journal()
    unit.write("Delegate=yes")
    unit.start()
    pid = unit.init()
    assert cgroup.read(cgroup.of_process(pid)[""], "memory.max") == str(48 * MIB)
    main = int(unit.show("MainPID")["MainPID"])
    assert cgroup.of_process(main)[""].endswith("/supervisor")


def test_stop_leaves_nothing(unit: Unit) -> None:
    """OLD-SYSTEMD-05, OLD-SYSTEMD-06: stop ends everything, and the next start works."""
    unit.old.sh("trap 'exit 0' TERM; echo ready; while :; do sleep 1; done")
    unit.write()
    for _ in range(2):
        unit.start()
        unit.init()
        output("systemctl", "stop", unit.name)
        assert unit.show("ActiveState")["ActiveState"] in ("inactive", "failed")
        assert unit.old.runtime.ids() == []
        assert not os.path.exists(f"/sys/fs/cgroup/system.slice/{unit.name}")


def test_a_killed_runtime(unit: Unit) -> None:
    """OLD-SYSTEMD-05: what a KILL of the whole unit leaves does not hinder the next start."""
    unit.old.sh("sleep 1000")
    unit.write()
    unit.start()
    unit.init()
    output("systemctl", "kill", "--signal=KILL", unit.name)
    unit.wait(ActiveState="failed")
    assert unit.old.runtime.ids() == [unit.id]
    unit.start()
    unit.init()


def test_restart_on_failure(unit: Unit) -> None:
    """OLD-SYSTEMD-06: Restart=on-failure starts a fresh container each time."""
    marker = unit.old.runtime.new_path("starts")
    os.mkdir(marker)
    unit.old.config["mounts"].append({"type": "bind", "source": marker, "destination": "/mnt", "options": "rw"})
    unit.old.sh("n=$(ls /mnt | wc -l); : >/mnt/$n; test $n -ge 2 && sleep 1000; exit 3")
    unit.write("Restart=on-failure", "RestartSec=0")
    unit.start()
    wait_until(lambda: len(os.listdir(marker)) == 3, "three starts", 90.0)
    unit.init()
    assert unit.show("NRestarts") == {"NRestarts": "2"}


@pytest.mark.parametrize(("script", "state", "status"), [("exit 0", "inactive", "0"), ("exit 9", "failed", "9")])
def test_exit_statuses(unit: Unit, script: str, state: str, status: str) -> None:
    """OLD-SYSTEMD-06: 0 is inactive, any other number failed with it."""
    unit.old.sh(script)
    unit.write("Type=oneshot")
    subprocess.run(["systemctl", "start", unit.name], check=False, capture_output=True)
    found = unit.show("ActiveState", "ExecMainStatus")
    assert found == {"ActiveState": state, "ExecMainStatus": status}, unit.journal()


def test_readiness(unit: Unit) -> None:
    """OLD-SYSTEMD-07: the socket lies at the caller's own path inside; READY=1 makes a Type=notify unit active."""
    script = "echo $NOTIFY_SOCKET; test -S $NOTIFY_SOCKET && sleep 1 && /bin/probe notify; sleep 1000"
    unit.old.sh(script)
    shutil.copy(compiled(SOURCE), f"{unit.old.rootfs}/bin/probe")
    unit.write("Type=notify", "NotifyAccess=main")
    unit.start()
    assert unit.show("ActiveState", "SubState") == {"ActiveState": "active", "SubState": "running"}
    assert "/run/systemd/notify" in unit.journal()
