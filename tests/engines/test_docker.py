"""What only docker has: its networks, its health checks, its daemon that may restart, its events."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.engines.docker import Docker
from tests.engines.engine import FOREVER, Container
from tests.support.image import NAME
from tests.support.poll import wait_until
from tests.support.runtime import BINARY

SERVE = "mkdir /www && hostname > /www/index.html && httpd -f -p 80 -h /www"


@pytest.fixture
def network(docker: Docker) -> Iterator[str]:
    """A network of the user's own."""
    docker("network", "create", "harbour").ok()
    yield "harbour"
    docker.remove_all()
    docker("network", "rm", "harbour").ok()


# the runtime


def test_the_runtime_under_test_is_the_default(docker: Docker) -> None:
    found = json.loads(docker("info", "--format", "{{json .}}").ok().out)
    assert found["DefaultRuntime"] == "ringfence"
    assert found["Runtimes"]["ringfence"]["path"] == BINARY
    assert docker.running().inspect("{{.HostConfig.Runtime}}") == "ringfence"


def test_the_daemon_can_read_the_version_of_the_runtime(docker: Docker) -> None:
    assert json.loads(docker("info", "--format", "{{json .RuncCommit.ID}}").ok().out) not in ("", "N/A")


def test_an_error_of_the_runtime_is_passed_on_and_nothing_remains(docker: Docker) -> None:
    result = docker.sh("true", "--sysctl", "net.ipv4.no_such_knob=1")
    assert result.code in {125, 127}
    assert "OCI runtime create failed" in result.err or "failed to create task" in result.err
    assert "net.ipv4.no_such_knob" in result.err or "net/ipv4/no_such_knob" in result.err
    assert "unable to retrieve OCI runtime error" not in result.err


# networks


def test_the_network_is_there_before_the_program_starts(docker: Docker) -> None:
    container = docker.started(script="ip -4 addr show eth0; echo up; " + FOREVER)
    address = container.inspect("{{.NetworkSettings.IPAddress}}")
    assert f"inet {address}/" in container.wait_log("up")


def test_containers_of_a_network_reach_each_other_by_name(docker: Docker, network: str) -> None:
    docker.started("--network", network, "--name", "beacon", "--hostname", "beacon-host", script=SERVE)
    script = "until wget -q -O - http://beacon/ 2> /dev/null; do sleep 0.05; done"
    assert docker.sh(script, "--network", network).ok().out == "beacon-host\n"


def test_a_container_joins_and_leaves_a_network_while_it_runs(docker: Docker, network: str) -> None:
    container = docker.running()
    docker("network", "connect", network, container.id).ok()
    assert "eth1" in container.exec("ls", "/sys/class/net").ok().out.split()
    docker("network", "disconnect", network, container.id).ok()
    assert "eth1" not in container.exec("ls", "/sys/class/net").ok().out.split()


def test_a_published_port_is_open_on_the_host(docker: Docker, network: str) -> None:
    options = ["--network", network, "--hostname", "published", "--publish", "127.0.0.1:18080:80"]
    container = docker.started(*options, script=SERVE)
    assert docker("port", container.id, "80").ok().out.strip() == "127.0.0.1:18080"
    fetch = ["/bin/busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:18080/"]
    wait_until(lambda: docker.sandbox.run(*fetch).out == "published\n", "an answer at the published port")


def test_a_published_port_is_closed_after_the_end(docker: Docker) -> None:
    container = docker.running("--publish", "127.0.0.1:18081:80")
    container("stop").ok()
    assert docker.sandbox.run("/bin/busybox", "nc", "-z", "127.0.0.1", "18081").code != 0


# health


def test_a_health_check_tells_healthy_from_unhealthy(docker: Docker) -> None:
    check = ["--health-cmd", "echo looked; test -e /well", "--health-interval", "100ms", "--health-retries", "1"]
    container = docker.running(*check)
    container.wait_inspect("{{.State.Health.Status}}", "unhealthy")
    container.exec("touch", "/well").ok()
    container.wait_inspect("{{.State.Health.Status}}", "healthy")
    assert "looked" in container.inspect("{{(index .State.Health.Log 0).Output}}")


# a daemon that restarts


def test_a_container_outlives_a_restart_of_the_daemon(docker: Docker) -> None:
    container = docker.running()
    pid = container.pid
    docker.stop()
    assert not container.ended(pid)
    docker.start()
    assert (container.status, container.pid) == ("running", pid)
    assert container.sh("echo still here").ok().out == "still here\n"
    container("pause").ok()
    container("unpause").ok()
    container("stop").ok()
    assert container.exit_code == 0


def test_a_container_that_ends_without_its_daemon_is_found_ended(docker: Docker) -> None:
    script = "until test -e /tmp/go/on; do sleep 0.05; done; exit 11"
    folder = docker.sandbox.new_path("go")
    container = docker.started("--volume", f"{folder}:/tmp/go", script=script)
    pid = container.pid
    docker.stop()
    with open(f"{folder}/on", "w", encoding="utf-8"):
        pass
    wait_until(lambda: container.ended(pid), "the end of the container")
    docker.start()
    container.wait_status("exited")
    # Docker 26 does not ask its shim for the status and tells 255, with runc too.
    assert container.exit_code in (11, 255)


def test_a_daemon_that_was_killed_finds_its_containers(docker: Docker) -> None:
    container = docker.running()
    pid = container.pid
    docker.kill()
    docker.start()
    assert (container.status, container.pid) == ("running", pid)
    container.exec("true").ok()
    container("kill").ok()
    assert container.wait() == 137


# events


def test_events_come_in_order(docker: Docker) -> None:
    container = docker.started(script="exit 4")
    container.wait()
    container.wait_status("exited")
    until = docker.sandbox.run("date", "+%s.%N").ok().out.strip()
    words = ["events", "--since", "0", "--until", until, "--format", "{{json .}}"]
    rows = [json.loads(row) for row in docker(*words, "--filter", f"container={container.id}").ok().out.splitlines()]
    assert [row["Action"] for row in rows if row["Type"] == "container"] == ["create", "start", "die"]
    assert rows[-1]["Actor"]["Attributes"].get("exitCode", "4") == "4"


def test_a_container_of_an_image_with_a_program_of_its_own(docker: Docker) -> None:
    container = Container(docker, docker("create", "--entrypoint", "cat", NAME, "/proc/self/comm").ok().out.strip())
    assert docker("start", "--attach", container.id).ok().out == "cat\n"
