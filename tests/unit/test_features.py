"""What ``features`` says is what the tables of the code say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ringfence.container.runtime import MICROVM, XEN
from ringfence.drivers.xen.refusals import REFUSED
from ringfence.errors import RingfenceError
from ringfence.features import features
from ringfence.jsontext import dumps
from ringfence.seccomp import calls
from ringfence.seccomp.names import ACTIONS, ARCHITECTURES, FLAGS
from ringfence.spec.options import OPTION_WORDS
from ringfence.version import SPEC_VERSION, VERSION


def linux(program: str = "ringfence") -> dict[str, object]:
    held = features(program)["linux"]
    assert isinstance(held, dict)
    return held


def seccomp() -> dict[str, Any]:
    held = linux()["seccomp"]
    assert isinstance(held, dict)
    return held


def version_texts(program: str) -> dict[str, str]:
    held = features(program)["annotations"]
    assert isinstance(held, dict)
    return held


def test_it_can_be_written_as_json() -> None:
    """LNX-FEAT-02: the writer of the engine verbs gives what json reads."""
    assert json.loads(dumps(features("ringfence"))) == features("ringfence")


@pytest.mark.parametrize("wall", [MICROVM, XEN])
def test_what_a_guest_cannot_have_is_not_announced(wall: str) -> None:
    """XEN-EXEC-03, LNX-FEAT-13: what a configuration is refused for, or what has no effect there."""
    told: Any = features("ringfence", wall)
    section = told["linux"]
    for name in ("intelRdt", "netDevices", "apparmor", "selinux"):
        assert section[name] == {"enabled": False}
    assert {"time", "user"}.isdisjoint(section["namespaces"])
    assert section["mountExtensions"]["idmap"] == {"enabled": False}
    assert section["cgroup"]["v2"] == (wall == MICROVM)
    assert told["annotations"]["org.opencontainers.runc.checkpoint.enabled"] == str(wall == MICROVM).lower()
    assert section["seccomp"] == linux()["seccomp"]


def test_a_domain_refuses_what_is_not_announced() -> None:
    """XEN-EXEC-03: by the table of its driver."""
    refused = {field for field, _, _ in REFUSED}
    assert {"/linux/intelRdt", "/linux/netDevices", "/linux/uidMappings"} <= refused


def test_versions_come_from_one_place() -> None:
    """LNX-FEAT-03, LNX-FEAT-11: the specification's and our own."""
    assert features("ringfence")["ociVersionMax"] == SPEC_VERSION
    assert version_texts("ringfence")["org.ringfence.version"] == VERSION


def test_mount_options_are_those_of_the_parser() -> None:
    """LNX-FEAT-05: sorted, and every word."""
    assert features("ringfence")["mountOptions"] == sorted(OPTION_WORDS)


def test_seccomp_words_are_those_of_the_tables() -> None:
    """LNX-FEAT-08: sorted; an action that cannot be carried out is left out."""
    held = seccomp()
    assert held["actions"] == sorted(held["actions"])
    assert set(held["actions"]) <= set(ACTIONS)
    assert held["knownFlags"] == sorted(FLAGS)
    assert set(held["supportedFlags"]) <= set(FLAGS)


def test_only_architectures_with_a_table_are_told() -> None:
    """LNX-FEAT-13: every one that is told can be compiled for, an unknown one would be refused."""
    told = seccomp()["archs"]
    assert told == sorted(told)
    loaded = calls.library()
    assert {name for name in ARCHITECTURES if calls.Calls(loaded, ARCHITECTURES[name]).number("execve") >= 0} == set(
        told
    )


@pytest.mark.parametrize("known", [True, False])
def test_an_older_kernel_supports_fewer_flags(monkeypatch: pytest.MonkeyPatch, known: bool) -> None:
    """LNX-FEAT-08: knownFlags stays, supportedFlags depends on the kernel."""
    monkeypatch.setattr(calls, "kernel_takes", lambda flags: known)
    assert ("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" in seccomp()["supportedFlags"]) is known
    assert "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" in seccomp()["knownFlags"]


def test_without_libseccomp_it_still_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """LNX-FEAT-02: nothing has to be installed; what is missing is not announced."""

    def missing() -> None:
        raise RingfenceError("cannot load libseccomp.so.2")

    monkeypatch.setattr(calls, "library", missing)
    assert (seccomp()["enabled"], seccomp()["archs"]) == (False, [])
    assert "SECCOMP_FILTER_FLAG_LOG" in seccomp()["supportedFlags"]
    assert "io.github.seccomp.libseccomp.version" not in version_texts("ringfence")


def test_the_library_version_is_told() -> None:
    """LNX-FEAT-11: under the key runc uses."""
    assert version_texts("ringfence")["io.github.seccomp.libseccomp.version"] == calls.library_version()


def test_called_as_runc_it_tells_no_other_name() -> None:
    """LNX-FEAT-11: callers of runc find runc's keys and no more."""
    assert not [key for key in version_texts("runc") if "ringfence" in key]


def test_every_annotation_is_text_without_a_line_end() -> None:
    """LNX-FEAT-11: values are text, ``true`` and ``false`` too."""
    assert all(isinstance(value, str) and "\n" not in value for value in version_texts("ringfence").values())
