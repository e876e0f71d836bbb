"""docker with ``userns-remap``: every container in a user namespace, its files owned by ids of the range."""

from __future__ import annotations

import os

from tests.engines.docker import Docker
from tests.engines.test_terminal import WAIT_SIZE
from tests.support.image import NAME
from tests.support.poll import wait_until
from tests.support.terminal import Terminal

FIRST = 2000000  # of the range that holder.py gives


def test_root_of_a_container_is_another_user_of_the_host(remapped: Docker) -> None:
    container = remapped.running()
    assert container.exec("cat", "/proc/self/uid_map").ok().out.split() == ["0", str(FIRST), "65536"]
    assert remapped.sandbox.proc(container.pid, "status").split("Uid:")[1].split()[:4] == [str(FIRST)] * 4
    assert container.sh("id -u; stat -c %u / /bin/busybox").ok().out.split() == ["0", "0", "0"]


def test_files_on_the_host_belong_to_the_mapped_user(remapped: Docker) -> None:
    folder = remapped.sandbox.new_path("folder")
    os.mkdir(folder)
    os.chown(folder, FIRST, FIRST)
    remapped.sh(
        "touch /data/root && touch /data/alice && chown 1000:1000 /data/alice", "--volume", f"{folder}:/data"
    ).ok()
    assert os.stat(f"{folder}/root").st_uid == FIRST
    assert os.stat(f"{folder}/alice").st_uid == FIRST + 1000


def test_files_of_the_hosts_root_are_out_of_reach(remapped: Docker) -> None:
    folder = remapped.sandbox.new_path("folder")
    os.mkdir(folder, 0o700)
    result = remapped.sh("ls /data; touch /data/new", "--volume", f"{folder}:/data")
    assert result.code != 0
    assert "Permission denied" in result.err


def test_a_network_a_terminal_limits_and_seccomp_work_as_without(remapped: Docker, terminal: Terminal) -> None:
    options = ["--rm", "--interactive", "--tty", "--memory", "64m", "--publish", "127.0.0.1:18090:80"]
    script = WAIT_SIZE + "ip addr show eth0 | grep -c 'inet '; tty; grep Seccomp: /proc/self/status; exit 3"
    code, output = terminal.finish(remapped.spawn_on(terminal, "run", *options, NAME, "sh", "-c", script))
    assert (code, output.split()) == (3, ["1", "/dev/pts/0", "Seccomp:", "2"])


def test_exec_pause_and_stop(remapped: Docker) -> None:
    container = remapped.running()
    assert container.sh("id -u; exit 7").code == 7
    container("pause").ok()
    container("unpause").ok()
    container("stop").ok()
    assert container.exit_code == 0


def test_a_container_may_keep_the_users_of_the_host(remapped: Docker) -> None:
    assert remapped.sh("cat /proc/self/uid_map", "--userns", "host").ok().out.split() == ["0", "0", "4294967295"]


def test_a_health_check_sees_the_container(remapped: Docker) -> None:
    container = remapped.running("--health-cmd", "test $(id -u) = 0", "--health-interval", "100ms")
    wait_until(lambda: container.inspect("{{.State.Health.Status}}") == "healthy", "health")
