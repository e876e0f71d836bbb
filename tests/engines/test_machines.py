"""The tests of the other modules once more, each container behind the wall of a machine of its own.

MVM-ENG-01: those of test_run; MVM-ENG-02: standard input, attach and logs; MVM-ENG-03: of test_exec and
test_lifecycle; MVM-ENG-04: of test_storage, cp and commit; MVM-ENG-05: of networks; MVM-ENG-06: of memory; MVM-ENG-07:
podman's, whose calls have hardly any environment. What is left out is about namespaces, cgroups or devices of the host,
which a guest's processes are not in, and about ``top``: docker seeks the guest's numbers among the host's processes.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.engines.conftest import cleaned
from tests.engines.containerd import Containerd
from tests.engines.docker import Docker
from tests.engines.engine import MACHINES, RUNTIME, Engine
from tests.engines.podman import Podman
from tests.engines.test_containerd import (
    inside,
    task,
    test_a_program_that_cannot_be_started,
    test_a_terminal_has_the_size_of_the_one_outside_and_follows_it,
    test_delete_returns_the_exit_status,
    test_pause_and_resume,
    test_run_returns_the_exit_status,
    test_standard_input_reaches_the_program_and_so_does_its_end,
    test_term_ends_the_task,
)
from tests.engines.test_docker import (
    network,
    test_a_published_port_is_closed_after_the_end,
    test_a_published_port_is_open_on_the_host,
    test_containers_of_a_network_reach_each_other_by_name,
    test_the_network_is_there_before_the_program_starts,
)
from tests.engines.test_exec import (
    container,
    test_exec_has_its_own_user_environment_and_directory_if_it_wants,
    test_exec_keeps_output_and_errors_apart,
    test_standard_input_of_exec,
    test_ten_execs_at_once,
    test_the_end_of_process_1_ends_an_exec,
)
from tests.engines.test_isolation import test_network_none_has_a_loopback_only
from tests.engines.test_lifecycle import (
    test_attach_connects_all_three_streams,
    test_commit_of_a_running_container_makes_an_image_and_lets_it_run_on,
    test_files_are_copied_into_a_running_container_and_out_of_it,
    test_kill_delivers_any_signal_to_process_1,
    test_logs_hold_both_streams_of_a_detached_container,
    test_pause_freezes_and_unpause_thaws,
    test_restart_gives_a_new_process_in_the_same_container,
    test_stop_kills_a_program_that_does_not_end,
    test_stop_lets_the_program_end_by_itself,
    test_stop_sends_the_stop_signal,
    test_wait_returns_the_exit_status,
)
from tests.engines.test_podman import (
    test_a_published_port_is_open_on_the_host as test_a_published_port_of_podmans,
)
from tests.engines.test_resources import (
    test_a_program_that_takes_more_memory_than_it_may_is_killed,
)
from tests.engines.test_run import (
    test_environment_hostname_and_working_directory_are_the_given_ones,
    test_run_passes_every_argument_unchanged,
    test_run_returns_126_for_a_file_that_is_not_executable,
    test_run_returns_127_for_a_program_that_is_not_there,
    test_run_returns_the_exit_status_of_the_program,
    test_user_given_by_name_gets_the_groups_of_the_image,
)
from tests.engines.test_storage import (
    folder,
    test_a_bind_mount_is_read_and_written,
    test_a_file_is_mounted_over_a_file,
    test_a_named_volume_outlives_its_containers,
    test_a_read_only_bind_mount_is_only_read,
    test_a_tmpfs_has_the_wanted_size_and_mode,
)
from tests.microvm.conftest import kernel
from tests.support import wait_until


@pytest.fixture
def engine(engine_name: str, kernel: str, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """docker, then podman, told to give every container a machine."""
    held: Engine = request.getfixturevalue(f"{engine_name}_engine")
    held.runtime = MACHINES
    yield from cleaned(held)
    held.runtime = RUNTIME


@pytest.fixture
def docker(docker_engine: Docker, kernel: str) -> Iterator[Docker]:
    """docker, told to give every container a machine."""
    docker_engine.runtime = MACHINES
    yield from cleaned(docker_engine)
    docker_engine.runtime = RUNTIME


@pytest.fixture
def podman(podman_engine: Podman, kernel: str) -> Iterator[Podman]:
    """podman, likewise."""
    podman_engine.runtime = MACHINES
    yield from cleaned(podman_engine)
    podman_engine.runtime = RUNTIME


@pytest.fixture
def containerd(containerd_engine: Containerd, kernel: str) -> Iterator[Containerd]:
    """containerd, told by ctr to give every container a machine."""
    plain = containerd_engine.binary
    containerd_engine.binary = os.path.join(containerd_engine.folder, MACHINES)
    if not os.path.islink(containerd_engine.binary):
        os.symlink(plain, containerd_engine.binary)
    yield from cleaned(containerd_engine)
    containerd_engine.binary = plain


def test_each_has_a_kernel_of_its_own(engine: Engine) -> None:
    """MVM-ENG-01: by one changed word."""
    assert engine.sh("uname -r").ok().out.strip() != os.uname().release


def test_five_at_once(engine: Engine) -> None:
    """MVM-ENG-09: each with its own output and status, and nothing is left of them."""
    with ThreadPoolExecutor(5) as pool:
        results = list(pool.map(lambda number: engine.sh(f"echo {number}; exit {number}"), range(5)))
    assert [(result.out, result.code) for result in results] == [(f"{number}\n", number) for number in range(5)]


def test_the_end_of_an_execs_client_leaves_the_container(engine: Engine) -> None:
    """MVM-ENG-03: the client is killed, not asked."""
    box = engine.running()
    client = engine.spawn("exec", box.id, "sh", "-c", "echo in >/tmp/in; sleep 1000")
    wait_until(lambda: box.sh("cat /tmp/in").out == "in\n", "the program")
    assert engine.sandbox.end(client, signal.SIGKILL).code == 128 + signal.SIGKILL
    assert box.sh("echo on").ok().out == "on\n"


def test_limits_are_changed_and_changes_of_files_are_seen(engine: Engine) -> None:
    """MVM-ENG-03, MVM-ENG-04: update is taken, and diff finds what the guest has written."""
    box = engine.running()
    engine("update", "--cpus", "0.5", box.id).ok()
    box.sh("touch /made").ok()
    assert "A /made" in engine("diff", box.id).ok().out.splitlines()


def test_a_machine_has_its_network_for_itself(engine: Engine) -> None:
    """MVM-ENG-05, MVM-NET-11: the network of a container in a machine cannot be shared by a second one."""
    first = engine.running()
    result = engine.sh("true", "--network", f"container:{first.id}")
    assert result.code in (125, 126, 127)
    assert "another machine holds this network namespace" in result.err
    assert first.sh("ls /sys/class/net").ok().out.split() == ["eth0", "lo"]


def test_a_network_namespace_for_ctr(containerd: Containerd) -> None:
    """MVM-ENG-05: one that somebody else has made, as for Kubernetes."""
    ip = ("ip", "-n", "harbour")
    containerd.sandbox.run("ip", "netns", "add", "harbour").ok()
    try:
        words = ("ip", "link", "add", "pier", "type", "veth", "peer", "name", "eth0", "netns", "harbour")
        containerd.sandbox.run(*words).ok()
        containerd.sandbox.run("ip", "addr", "add", "10.78.0.1/24", "dev", "pier").ok()
        containerd.sandbox.run("ip", "link", "set", "pier", "up").ok()
        containerd.sandbox.run(*ip, "addr", "add", "10.78.0.2/24", "dev", "eth0").ok()
        containerd.sandbox.run(*ip, "link", "set", "eth0", "up").ok()
        option = ("--with-ns", "network:/run/netns/harbour", "--cap-add", "CAP_NET_RAW")
        assert " 0% packet loss" in containerd.sh("ping -c 1 10.78.0.1", *option).ok().out
        assert "ingress" not in containerd.sandbox.run("ip", "netns", "exec", "harbour", "tc", "qdisc").ok().out
    finally:
        containerd.sandbox.run("ip", "netns", "delete", "harbour").ok()
