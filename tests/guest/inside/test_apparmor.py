"""AppArmor profiles in effect."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.conformance.inside import inside, refused
from tests.support import Bundle, Runtime

NAME = "ringfence-test"
PROFILE = f"""
profile {NAME} flags=(attach_disconnected,mediate_deleted) {{
  file, capability, network, mount, umount, signal, ptrace, unix,
  deny /forbidden rw,
}}
"""


@pytest.fixture(scope="module")
def profile() -> Iterator[str]:
    """The name of a profile that is loaded and forbids one file."""
    load = ["apparmor_parser", "--skip-cache", "--replace"]
    subprocess.run(load, input=PROFILE, text=True, check=True)
    yield NAME
    subprocess.run(["apparmor_parser", "--remove"], input=PROFILE, text=True, check=True)


def test_a_profile_confines_the_program(runtime: Runtime, bundle: Bundle, profile: str) -> None:
    """LNX-LSM-01: the program runs under it from its exec on."""
    bundle.process["apparmorProfile"] = profile
    script = "cat /proc/self/attr/current; touch /forbidden 2>/dev/null || echo denied"
    assert inside(runtime, bundle, script) == f"{profile} (enforce)\ndenied\n"


def test_a_profile_that_is_not_loaded(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LSM-01: the error names it, in the words that callers know."""
    bundle.process["apparmorProfile"] = "no-such-profile"
    refused(runtime, bundle, "unable to apply apparmor profile")


def test_exec_takes_the_profile_of_the_container_or_its_own(runtime: Runtime, bundle: Bundle, profile: str) -> None:
    """LNX-EXEC-14: --apparmor overrides; when absent the configured one holds."""
    bundle.sleep()
    container = runtime.started(bundle)
    words = ["cat", "/proc/self/attr/current"]
    assert container.exec(*words).ok().out == "unconfined\n"
    assert container.exec(*words, options=["--apparmor", profile]).ok().out == f"{profile} (enforce)\n"
    bundle.process["apparmorProfile"] = profile
    assert runtime.started(bundle).exec(*words).ok().out == f"{profile} (enforce)\n"


def test_a_made_up_proc_gets_no_label(runtime: Runtime, bundle: Bundle, profile: str) -> None:
    """LNX-LSM-04: without /proc in the configuration the image's own folder of that name is not written to."""
    bundle.mounts[:] = [mount for mount in bundle.mounts if mount["destination"] != "/proc"]
    made = os.path.join(bundle.rootfs, "proc/self/attr/apparmor")
    os.makedirs(made)
    for name in ("exec", "current"):
        with open(os.path.join(made, name), "w", encoding="utf-8") as file:
            file.write("kept\n")
    bundle.process["apparmorProfile"] = profile
    script = "cat /proc/self/attr/apparmor/exec; touch /forbidden 2>/dev/null || echo denied"
    assert inside(runtime, bundle, script) == "kept\ndenied\n"


def test_a_covered_proc_gets_no_label(runtime: Runtime, bundle: Bundle, profile: str) -> None:
    """LNX-LSM-04: nor is a file system that a mount of the configuration puts over the attributes."""
    bundle.mount("/proc/self/attr", "tmpfs", "tmpfs")
    bundle.process["apparmorProfile"] = profile
    bundle.args("true")
    assert runtime.run_bundle(bundle).code == 1
