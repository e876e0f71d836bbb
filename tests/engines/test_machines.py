"""The tests of the other modules once more, each container behind the wall of a machine of its own (MVM-ENG-01 to -07).

What is left out is about namespaces, cgroups or devices of the host, which a guest's processes are not in.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.engines.conftest import cleaned
from tests.engines.containerd import Containerd
from tests.engines.engine import MACHINES, RUNTIME, Engine
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
from tests.engines.test_exec import (
    container,
    test_exec_has_its_own_user_environment_and_directory_if_it_wants,
    test_exec_keeps_output_and_errors_apart,
    test_standard_input_of_exec,
    test_ten_execs_at_once,
)
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
)
from tests.engines.test_terminal import (
    test_a_detached_container_with_a_terminal_can_be_attached,
)
from tests.microvm.conftest import kernel


@pytest.fixture
def engine(engine_name: str, kernel: str, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """docker, then podman, told to give every container a machine."""
    held: Engine = request.getfixturevalue(f"{engine_name}_engine")
    held.runtime = MACHINES
    yield from cleaned(held)
    held.runtime = RUNTIME


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
