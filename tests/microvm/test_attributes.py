"""A process' attributes: the tests of the first wall once more, each container in a machine (MVM-GUEST-13)."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from tests.conformance import (
    test_args,
    test_capabilities,
    test_cwd,
    test_env,
    test_privileges,
    test_rlimits,
    test_user,
    test_uts,
)
from tests.guest.share import REPOSITORY
from tests.microvm.conftest import in_machines
from tests.support import Bundle, Runtime

MODULES = (test_args, test_capabilities, test_cwd, test_env, test_privileges, test_rlimits, test_user, test_uts)
USERS, CALLER = "user namespaces", "limits, OOM score and capabilities of the caller"
NAME, EMULATED = "the host's name", "warning that machines are emulated"
DIFFERENT = {
    "test_every_name_is_known": EMULATED,
    "test_capability_the_caller_lacks": CALLER,
    "test_oom_score_adj_of_the_caller": CALLER,
    "test_types_not_listed_keep_the_callers_values": CALLER,
    "test_exec_keeps_the_callers_values": CALLER,
    "test_folder_made_in_a_user_namespace": USERS,
    "test_cwd_for_the_user_only": USERS,
    "test_unmapped_ids_are_refused": USERS,
    "test_without_hostname_the_hosts_is_seen": NAME,
}
"""The tests that do not hold behind this wall, and the words by which docs/microvm.md names the difference."""


def is_fixture(value: object) -> bool:
    """Whether pytest has made a fixture of a function."""
    return "fixture" in type(value).__name__.lower() or hasattr(value, "_pytestfixturefunction")


def taken(module: ModuleType) -> dict[str, Any]:
    """A module's fixtures and tests without those that do not hold."""
    return {
        name: value
        for name, value in vars(module).items()
        if name not in DIFFERENT and (name.startswith("test_") or is_fixture(value))
    }


for one in MODULES:
    globals().update(taken(one))


@pytest.fixture
def runtime(runtime: Runtime, kernel: str) -> Runtime:
    """The runtime, whose new containers get a machine each."""
    return in_machines(runtime)


def test_the_differences_are_documented() -> None:
    """MVM-GUEST-13: every test left out is one of the modules', and its difference is in the docs."""
    text = (REPOSITORY / "docs/microvm.md").read_text(encoding="utf-8")
    for name, difference in DIFFERENT.items():
        assert any(hasattr(module, name) for module in MODULES), name
        assert difference in text, difference


def test_the_callers_limits_are_not_the_guests(runtime: Runtime, bundle: Bundle) -> None:
    """MVM-GUEST-13: what config.json does not name is what the guest's kernel gives its first process."""
    runtime.prefix = ["prlimit", "--nofile=777:777", "--"]
    bundle.process["rlimits"] = []
    bundle.sh("ulimit -n; cat /proc/self/oom_score_adj; hostname")
    del bundle.config["hostname"]
    assert runtime.run_bundle(bundle).ok().out.split() == ["1024", "0", "(none)"]
