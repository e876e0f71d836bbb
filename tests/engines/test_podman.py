"""What only podman has: pods, user namespaces, its own health checks, root file systems without an image."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator

import pytest

from tests.engines.engine import Container
from tests.engines.podman import Podman
from tests.support.image import NAME
from tests.support.poll import wait_until
from tests.support.rootfs import make_rootfs
from tests.support.runtime import BINARY

SERVE = "mkdir /www && hostname > /www/index.html && httpd -f -p 80 -h /www"
MAPS = ["--uidmap", "0:200000:65536", "--gidmap", "0:300000:65536"]


# the runtime


def test_the_runtime_under_test_is_in_use(podman: Podman) -> None:
    found = json.loads(podman("info", "--format", "json").ok().out)["host"]["ociRuntime"]
    assert (found["name"], found["path"]) == ("ringfence", BINARY)
    assert "version" in found["version"]


@pytest.mark.parametrize(("program", "code"), [("/nope", 127), ("/etc/passwd", 126)])
def test_a_runtime_given_by_path_has_its_errors_told_apart_too(podman: Podman, program: str, code: int) -> None:
    result = podman("--runtime", BINARY, "run", "--rm", "--network", "none", NAME, program)
    assert result.code == code, result


def test_an_error_of_the_runtime_is_passed_on(podman: Podman) -> None:
    result = podman.sh("true", "--sysctl", "net.ipv4.no_such_knob=1")
    assert result.code in {125, 126, 127}
    assert "no_such_knob" in result.err
    assert "{" not in result.err


# pods


@pytest.fixture
def pod(podman: Podman) -> Iterator[str]:
    """A pod."""
    podman("pod", "create", "--name", "fleet", "--hostname", "flagship", "--infra-image", NAME, *INFRA).ok()
    yield "fleet"
    podman("pod", "rm", "--force", "--time", "1", "fleet").ok()


INFRA = ["--infra-command", "/bin/sleep 100000"]


def test_containers_of_a_pod_share_network_host_name_and_ipc(podman: Podman, pod: str) -> None:
    containers = [podman.running("--pod", pod) for _ in range(2)]
    script = "for kind in net uts ipc; do readlink /proc/self/ns/$kind; done; hostname"
    first, second = (container.sh(script).ok().out for container in containers)
    assert first == second
    assert first.endswith("flagship\n")


def test_containers_of_a_pod_reach_each_other_on_localhost(podman: Podman, pod: str) -> None:
    podman.started("--pod", pod, script=SERVE)
    script = "until wget -q -O - http://127.0.0.1/ 2> /dev/null; do sleep 0.05; done"
    assert podman.sh(script, "--pod", pod).ok().out == "flagship\n"


def test_a_pod_is_stopped_started_and_paused_as_one(podman: Podman, pod: str) -> None:
    containers = [podman.running("--pod", pod) for _ in range(2)]
    podman("pod", "pause", pod).ok()
    assert [container.frozen() for container in containers] == [True, True]
    podman("pod", "unpause", pod).ok()
    podman("pod", "stop", "--time", "1", pod).ok()
    assert [container.status for container in containers] == ["exited", "exited"]
    podman("pod", "start", pod).ok()
    assert [container.status for container in containers] == ["running", "running"]


def test_a_pod_of_containers_that_share_the_process_namespace(podman: Podman) -> None:
    podman("pod", "create", "--name", "open", "--share", "pid,net", "--infra-image", NAME, *INFRA).ok()
    try:
        podman.started("--pod", "open", script="sleep 4321")
        assert "sleep 4321" in podman.sh("ps", "--pod", "open").ok().out
    finally:
        podman("pod", "rm", "--force", "--time", "1", "open").ok()


# user namespaces


def test_root_of_a_mapped_container_is_nobody_outside(podman: Podman) -> None:
    container = podman.running(*MAPS)
    assert container.sh("id -u; id -g").ok().out.split() == ["0", "0"]
    status = podman.sandbox.proc(container.pid, "status")
    assert status.split("Uid:")[1].split()[:4] == ["200000"] * 4
    assert status.split("Gid:")[1].split()[:4] == ["300000"] * 4
    assert container.exec("cat", "/proc/self/uid_map").ok().out.split() == ["0", "200000", "65536"]


def test_a_mapped_root_owns_its_files_and_has_power_over_them_only(podman: Podman) -> None:
    script = "stat -c %u:%g /bin/busybox /; touch /new && chown 5:6 /new && stat -c %u:%g /new; mknod /kmsg c 1 11"
    result = podman.sh(script, *MAPS, "--cap-add", "MKNOD")
    assert (result.code, result.out.split()) == (1, ["0:0", "0:0", "5:6"])
    assert "Operation not permitted" in result.err


def test_a_mapped_container_has_all_the_usual_mounts_and_devices(podman: Podman) -> None:
    script = "echo x > /dev/null && test -c /dev/zero && ls /dev/pts /dev/shm /dev/mqueue > /dev/null && echo fine"
    assert podman.sh(script, *MAPS).ok().out == "fine\n"
    podman.sh("ip link set lo mtu 1234", *MAPS, "--cap-add", "NET_ADMIN").ok()


def test_exec_stop_and_pause_of_a_mapped_container(podman: Podman) -> None:
    container = podman.running(*MAPS)
    script = "readlink /proc/self/ns/user; cat /proc/self/uid_map"
    other = podman.sandbox.run("readlink", "/proc/self/ns/user").ok().out.strip()
    assert container.sh(script).ok().out.splitlines()[0] != other
    assert container.sh("id -u", "--user", "1000").ok().out == "1000\n"
    container("pause").ok()
    container("unpause").ok()
    container("stop").ok()
    assert container.exit_code == 0


def test_an_automatic_user_namespace(podman: Podman) -> None:
    container = podman.running("--userns", "auto:size=4096")
    inside, outside, size = container.exec("cat", "/proc/self/uid_map").ok().out.split()
    assert (inside, size) == ("0", "4096")
    assert int(outside) > 0


def test_the_user_namespace_of_another_container(podman: Podman) -> None:
    other = podman.running(*MAPS)
    script = "readlink /proc/self/ns/user"
    assert podman.sh(script, "--userns", f"container:{other.id}").ok().out == other.sh(script).ok().out


def test_a_volume_of_a_mapped_container_can_be_given_to_it(podman: Podman) -> None:
    assert podman.sh("touch /data/new && stat -c %u /data/new", *MAPS, "--volume", "/data").ok().out == "0\n"


# networks


def test_a_published_port_is_open_on_the_host(podman: Podman) -> None:
    podman.started("--hostname", "published", "--publish", "127.0.0.1:18080:80", script=SERVE)
    fetch = ["/bin/busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:18080/"]
    wait_until(lambda: podman.sandbox.run(*fetch).out == "published\n", "an answer at the published port")


# health, systemd and others


def test_a_health_check_runs_in_the_container(podman: Podman) -> None:
    options = ["--health-cmd", "test -e /well", "--health-interval", "disable", "--health-retries", "1"]
    container = podman.running(*options)
    assert podman("healthcheck", "run", container.id).code == 1
    container.wait_inspect("{{.State.Health.Status}}", "unhealthy")
    container.exec("touch", "/well").ok()
    podman("healthcheck", "run", container.id).ok()
    container.wait_inspect("{{.State.Health.Status}}", "healthy")


SEND = "import socket, sys; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'READY=1', sys.argv[1])"


def test_a_program_that_is_ready_tells_the_manager_of_the_host(podman: Podman) -> None:
    path = podman.sandbox.new_path("notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(20)
        words = ["run", "--detach", "--sdnotify", "container", NAME, "sh", "-c", "echo $NOTIFY_SOCKET; sleep 1000"]
        container = Container(podman, podman(*words, env={"NOTIFY_SOCKET": path}).ok().out.strip())
        assert manager.recv(4096) == f"MAINPID={container.inspect('{{.State.ConmonPid}}')}".encode()
        inside = container.wait_log("\n").strip()
        podman.sandbox.run(sys.executable, "-c", SEND, f"/proc/{container.pid}/root{inside}").ok()
        assert manager.recv(4096).strip() == b"READY=1"


def test_a_root_file_system_without_an_image(podman: Podman) -> None:
    folder = podman.sandbox.new_path("rootfs")
    os.mkdir(folder)
    make_rootfs(folder)
    assert podman("run", "--rm", "--rootfs", folder, "sh", "-c", "touch /new; ls /").ok().out.split()[0] == "bin"
    assert os.path.exists(f"{folder}/new")


def test_a_privileged_container_gets_every_capability_there_is(podman: Podman) -> None:
    bounding = podman.sandbox.run("grep", "CapBnd", "/proc/self/status").ok().out
    script = "grep CapBnd /proc/self/status; touch /sys/kernel/profiling 2> /dev/null; grep ' /sys ' /proc/mounts"
    lines = podman.sh(script, "--privileged").ok().out.splitlines()
    assert lines[0] + "\n" == bounding
    assert lines[1].split()[3].startswith("rw")


def test_descriptors_are_passed_on(podman: Podman) -> None:
    reader, writer = os.pipe()
    words = podman.placed(["run", "--rm", "--preserve-fds", "1", NAME, "sh", "-c", "echo through >&3"])
    shell = ["bash", "-c", f'exec "$@" 3>&{writer}', "-", *podman.words(), *words]
    podman.sandbox.spawn(shell, env=podman.env(), pass_fds=[writer]).wait().ok()
    assert os.read(reader, 100) == b"through\n"
    os.close(reader)
    os.close(writer)


def test_a_container_can_be_renamed_and_inspected_by_its_new_name(podman: Podman) -> None:
    container = podman.running("--name", "before")
    podman("rename", "before", "after").ok()
    assert Container(podman, "after").pid == container.pid
