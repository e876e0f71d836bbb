"""MVM-ENG-02: the tests of terminals once more, behind the wall of a machine; docker and podman."""

from __future__ import annotations

from tests.engines.test_machines import engine
from tests.engines.test_terminal import (
    inside,
    test_a_detached_container_with_a_terminal_can_be_attached,
    test_a_resize_outside_resizes_inside,
    test_a_shell_has_job_control_and_its_exit_status_is_passed_on,
)
from tests.microvm.conftest import kernel

__all__ = [
    "engine",
    "inside",
    "kernel",
    "test_a_detached_container_with_a_terminal_can_be_attached",
    "test_a_resize_outside_resizes_inside",
    "test_a_shell_has_job_control_and_its_exit_status_is_passed_on",
]
