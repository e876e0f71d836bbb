"""A machine for the configurations that have none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ringfence.container.bundle import read_config
from ringfence.container.runtime import Source
from ringfence.container.vm_file import with_machine
from ringfence.errors import RingfenceError
from tests.unit.namespaces.machines import plain_config

KERNEL = {"kernel": {"path": "/k"}}


def files(tmp_path: Path, *contents: str) -> tuple[str, ...]:
    """The two folders, in which these are."""
    folders = [tmp_path / "etc", tmp_path / "defaults"]
    for folder, content in zip(folders, contents, strict=False):
        folder.mkdir()
        if content:
            (folder / "vm.json").write_text(content)
    return tuple(map(str, folders))


@pytest.mark.parametrize(
    ("contents", "kernel"),
    [
        ((json.dumps({"vm": {"kernel": {"path": "/a"}}}), json.dumps({"kernel": {"path": "/b"}})), "/a"),
        (("", json.dumps({"kernel": {"path": "/b"}})), "/b"),
        ((json.dumps({"path": "/q", "kernel": {"path": "/c"}}),), "/c"),
    ],
    ids=["with vm around it", "the defaults", "the older form"],
)
def test_the_first_file_counts(tmp_path: Path, contents: tuple[str, ...], kernel: str) -> None:
    """MVM-CCOR-11."""
    assert with_machine({}, files(tmp_path, *contents))["vm"]["kernel"]["path"] == kernel


def test_the_configurations_own_machine_goes_before(tmp_path: Path) -> None:
    """MVM-CCOR-11."""
    document = {"vm": KERNEL}
    assert with_machine(document, files(tmp_path, "broken")) is document


def test_without_any_there_is_none(tmp_path: Path) -> None:
    """MVM-CCOR-11."""
    document: dict[str, Any] = {}
    assert with_machine(document, files(tmp_path)) is document


@pytest.mark.parametrize("broken", ['{"kernel": ', "[]", '{"vm": 3}', '"text"'])
def test_a_broken_file_is_an_error_and_no_other_is_looked_at(tmp_path: Path, broken: str) -> None:
    """MVM-CCOR-11."""
    places = files(tmp_path, broken, json.dumps(KERNEL))
    with pytest.raises(RingfenceError) as caught:
        with_machine({}, places)
    assert str(caught.value).startswith(places[0])


def test_what_was_converted_is_what_is_kept(tmp_path: Path) -> None:
    """MVM-CCOR-10: the container's own copy is read again by later verbs."""
    document = {**plain_config(), "vm": {"path": "/q", "kernel": {"path": "/k", "parameters": "a b"}}}
    (tmp_path / "config.json").write_text(json.dumps(document))
    found = read_config(Source(str(tmp_path)))
    assert found.config.vm
    assert found.config.vm.hypervisor
    assert found.config.vm.hypervisor.path == "/q"
    assert json.loads(found.text)["vm"]["kernel"]["parameters"] == ["a", "b"]
