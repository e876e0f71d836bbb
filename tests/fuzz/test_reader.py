"""The init's reader under hostile plans: each is read whole or refused, never half, and never out of bounds.

The reader is compiled with AddressSanitizer and UndefinedBehaviorSanitizer, which end it with another status.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.plan.plan import Plan
from tests.unit.plan.decode import decode_plan
from tests.unit.plan.strategies import plans

ROOT = Path(__file__).resolve().parents[2]
READ, REFUSED = 0, 3
SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reader's program."""
    folder = tmp_path_factory.mktemp("reader")
    header = subprocess.run(
        [sys.executable, ROOT / "tools/steps_header.py"], env={"PYTHONPATH": str(ROOT / "src")}, check=True, stdout=-1
    )
    (folder / "steps.h").write_bytes(header.stdout)
    program = folder / "reader"
    sanitizers = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    sources = [ROOT / "tests/fuzz/reader.c", ROOT / "init/plan.c"]
    subprocess.run(
        ["gcc", "-D_GNU_SOURCE", "-std=gnu11", *sanitizers, f"-I{folder}", f"-I{ROOT}/init", *sources, "-o", program],
        check=True,
    )
    return program


def status(reader: Path, data: bytes) -> int:
    """How the reader ended."""
    return subprocess.run([reader], input=data, capture_output=True, check=False).returncode


@SLOW
@given(plan=plans)
def test_a_whole_plan_is_read(reader: Path, plan: Plan) -> None:
    assert status(reader, plan.encode()) == READ


@SLOW
@given(plan=plans, data=st.data())
def test_a_plan_that_was_cut_is_refused(reader: Path, plan: Plan, data: st.DataObject) -> None:
    encoded = plan.encode()
    size = data.draw(st.integers(0, len(encoded) - 1))
    assert status(reader, encoded[:size]) == REFUSED


@SLOW
@given(plan=plans, data=st.data())
def test_a_plan_with_changed_bytes_is_read_or_refused(reader: Path, plan: Plan, data: st.DataObject) -> None:
    encoded = bytearray(plan.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    assert status(reader, bytes(encoded)) == expected(bytes(encoded))


@SLOW
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused(reader: Path, data: bytes) -> None:
    assert status(reader, data) == REFUSED


def expected(data: bytes) -> int:
    """What the independent reader of the tests makes of it."""
    try:
        words, steps = decode_plan(data)
    except (AssertionError, IndexError):
        return REFUSED
    return READ if words[2] + words[3] == len(steps) else REFUSED
