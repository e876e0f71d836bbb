"""``make test-freebsd``, as far as it can be seen elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.jail import freebsd
from tests.jail.freebsd import FAIL, PASS, SKIP, Outcome, perform, report, rows_of
from tests.jail.harness import Host, Skip
from tests.jail.launchers import REPOSITORY


def test_elsewhere_it_refuses() -> None:
    """JAIL-PORT-04: by FreeBSD's own make as by the script, with a reason and without having done anything."""
    assert shutil.which("bmake"), "install bmake: tools/install-needs test"
    shown = subprocess.run(["bmake", "-n", "test-freebsd"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert shown.stdout == "tools/test-freebsd \n"
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable}
    line = [f"{REPOSITORY}/tools/test-freebsd"]
    told = subprocess.run(line, env=environment, cwd="/", capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (
        2,
        f"these tests need FreeBSD 14 or later; this is {os.uname().sysname}\n",
    )


def test_it_is_installed_without_a_compiler(tmp_path: Path) -> None:
    """JAIL-PORT-02, JAIL-COMPAT-01: by FreeBSD's own make, with the names that mean a jail."""
    line = ["bmake", "install-freebsd", f"PREFIX={tmp_path}", f"PYTHON={sys.executable}"]
    subprocess.run(line, cwd=REPOSITORY, capture_output=True, check=True)
    assert sorted(os.listdir(tmp_path / "bin")) == ["ringfence", "ringfence-jail", "runj"]
    told = subprocess.run([tmp_path / "bin" / "runj", "--version"], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("runj version ")


def test_it_runs_with_the_standard_library_alone(parts: object) -> None:
    """JAIL-PORT-04, JAIL-PORT-05: the same tests, no pytest, a line for each test and each row, and nothing left."""
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable}
    line = [
        f"{REPOSITORY}/tools/test-freebsd",
        "--stand-ins",
        "can be killed and deleted",
        "enforce",
        "first instruction",
    ]
    told = subprocess.run(line, env=environment, cwd="/", capture_output=True, text=True, check=False)
    rows = told.stdout.splitlines()
    assert told.returncode == 0, told
    assert rows[1].startswith("pass    1 of 2  life: a created container can be killed and deleted"), rows
    assert rows[2].startswith("skip    2 of 2  limits:"), rows
    assert "pass  JAIL-DEL-02" in rows
    assert "skip  JAIL-UPD-06  the stand-ins keep rules and enforce none" in rows
    assert rows[-1] == "1 tests passed, 0 failed, 1 were skipped"


def test_every_test_of_any_host_is_found() -> None:
    """JAIL-PORT-05: each file's functions with ``host`` are tests of both, and name their rows."""
    found = freebsd.tests([])
    assert len(found) > 50
    assert all(rows_of(test) for _, test in found)
    assert [name for name, _ in freebsd.tests(["read only root"])] == ["mounts: a read only root"]


def failing(_: Host) -> None:
    """JAIL-X-01: it fails."""
    raise AssertionError("because")


def skipped(_: Host) -> None:
    """JAIL-X-01, JAIL-X-02."""
    raise Skip("not here")


class Nothing(Host):
    """A machine on which nothing is done."""

    def __init__(self) -> None:
        super().__init__("/nonexistent", "", [], {})

    def close(self) -> None:
        """Nothing has to be removed."""


def test_what_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """JAIL-PORT-04: a failure is one however it looks, a row is as bad as its worst test; the status tells."""
    outcomes = [perform("one", failing, Nothing), perform("two", skipped, Nothing)]
    assert [(outcome.result, outcome.rows) for outcome in outcomes] == [
        (FAIL, ["JAIL-X-01"]),
        (SKIP, ["JAIL-X-01", "JAIL-X-02"]),
    ]
    assert "because" in outcomes[0].text
    outcomes.append(Outcome("three", ["JAIL-X-03"], PASS, ""))
    assert report(outcomes) == 1
    assert capsys.readouterr().out.splitlines() == [
        "FAIL  JAIL-X-01  one",
        "skip  JAIL-X-02  not here",
        "pass  JAIL-X-03",
        "1 tests passed, 1 failed, 1 were skipped",
    ]
    assert report(outcomes[1:]) == 0


def test_root_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """JAIL-PORT-04: what is missing is said before anything is made."""
    here = os.uname()
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("FreeBSD", *here[1:])))
    monkeypatch.setattr(os, "geteuid", lambda: 1001)
    assert "as root" in freebsd.unfit()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert freebsd.unfit().startswith("tools are missing: /usr/sbin/jail, ")
