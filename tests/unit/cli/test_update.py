"""The options of update as a Resources record."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.cli.log import Log
from ringfence.cli.options import VERBS, parse
from ringfence.cli.update import named_resources, read_resources, warn_of_kernel_memory
from ringfence.container.runtime import Runtime
from ringfence.errors import RingfenceError
from ringfence.spec.types import BlockIOResources, CPUResources, MemoryResources, PidsResources, Resources


def named(*words: str) -> Resources:
    return named_resources(parse(words, VERBS["update"].options, anywhere=True))


def runtime(cwd: Path) -> Runtime:
    return Runtime(root="/run/x", log=Log(), environment={}, cwd=str(cwd))


def test_without_options_nothing_is_named() -> None:
    """LNX-UPD-04."""
    assert named("x") == Resources()


def test_every_option_has_its_field() -> None:
    """LNX-UPD-01."""
    words = {
        "blkio-weight": "10",
        "cpu-period": "1",
        "cpu-quota": "2",
        "cpu-burst": "3",
        "cpu-share": "4",
        "cpu-rt-period": "5",
        "cpu-rt-runtime": "6",
        "cpuset-cpus": "0-1",
        "cpuset-mems": "0",
        "cpu-idle": "1",
        "memory": "7k",
        "memory-reservation": "8m",
        "memory-swap": "9G",
        "pids-limit": "11",
    }
    assert named("x", *(f"--{name}={value}" for name, value in words.items())) == Resources(
        memory=MemoryResources(limit=7 << 10, reservation=8 << 20, swap=9 << 30),
        cpu=CPUResources(
            period=1, quota=2, burst=3, shares=4, realtime_period=5, realtime_runtime=6, cpus="0-1", mems="0", idle=1
        ),
        pids=PidsResources(limit=11),
        block_io=BlockIOResources(weight=10),
    )


def test_minus_one_is_no_limit() -> None:
    """LNX-UPD-04, LNX-UPD-06, LNX-UPD-10."""
    found = named("x", "--memory", "-1", "--memory-swap=-1", "--cpu-quota", "-1", "--pids-limit", "-1")
    assert found.memory == MemoryResources(limit=-1, swap=-1)
    assert found.cpu == CPUResources(quota=-1)
    assert found.pids == PidsResources(limit=-1)


def test_zero_tasks_are_named() -> None:
    """LNX-UPD-10."""
    assert named("x", "--pids-limit", "0").pids == PidsResources(limit=0)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--memory", "abc"], "invalid value for memory: invalid size: 'abc'"),
        (["--memory-swap", "-2"], "invalid value for memory-swap: invalid size: '-2'"),
        (["--cpu-quota", "abc"], "invalid value for cpu-quota: "),
        (["--cpu-period", "-1"], "invalid value for cpu-period: "),
        (["--cpu-share", "18446744073709551616"], "invalid value for cpu-share: "),
        (["--cpu-idle", "2"], "invalid value for cpu-idle: "),
        (["--blkio-weight", "-1"], "invalid value for blkio-weight: "),
    ],
)
def test_garbage_is_named(words: list[str], text: str) -> None:
    """LNX-UPD-04, LNX-UPD-11."""
    with pytest.raises(RingfenceError) as caught:
        named("x", *words)
    assert str(caught.value).startswith(text)


@given(st.text(), st.sampled_from(["memory", "cpu-quota", "cpu-share", "cpu-idle"]))
def test_any_value_is_taken_or_refused(text: str, name: str) -> None:
    try:
        named("x", f"--{name}={text}")
    except RingfenceError as error:
        assert str(error).startswith(f"invalid value for {name}: ")


def test_resources_come_from_a_file_relative_to_the_caller(tmp_path: Path) -> None:
    """LNX-UPD-02."""
    (tmp_path / "r.json").write_text('{"memory": {"limit": 4096}}')
    assert read_resources(runtime(tmp_path), "r.json").memory == MemoryResources(limit=4096)


def test_resources_come_from_standard_input(tmp_path: Path) -> None:
    """LNX-UPD-02."""
    (tmp_path / "r.json").write_text('{"pids": {"limit": 7}}')
    saved = os.dup(0)
    given_file = os.open(tmp_path / "r.json", os.O_RDONLY)
    try:
        os.dup2(given_file, 0)
        assert read_resources(runtime(tmp_path), "-").pids == PidsResources(limit=7)
    finally:
        os.dup2(saved, 0)
        os.close(saved)
        os.close(given_file)


@pytest.mark.parametrize("text", ["", "{bad", '{"memory": {"limit": "x"}}', "[]", b"\xff"])
def test_resources_that_cannot_be(text: str | bytes, tmp_path: Path) -> None:
    """LNX-UPD-02."""
    path = tmp_path / "r.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RingfenceError) as caught:
        read_resources(runtime(tmp_path), str(path))
    assert str(path) in str(caught.value)
    assert caught.value.field == "", "it would be taken for a place in config.json"


def test_resources_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(RingfenceError, match="open none: no such file or directory"):
        read_resources(runtime(tmp_path), "none")


def test_kernel_memory_is_accepted_with_a_warning(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """LNX-UPD-03."""
    arguments = parse(["x", "--kernel-memory", "1g"], VERBS["update"].options, anywhere=True)
    warn_of_kernel_memory(runtime(tmp_path), arguments)
    assert "level=warning" in capfd.readouterr().err
    assert named_resources(arguments) == Resources()
