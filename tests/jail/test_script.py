"""The one command with which anybody who has FreeBSD checks the wall."""

from __future__ import annotations

import subprocess

from tests.jail.launchers import REPOSITORY

SCRIPT = f"{REPOSITORY}/tools/test-freebsd"


def called(*words: str) -> subprocess.CompletedProcess[str]:
    """What the script says and how it ends."""
    return subprocess.run(
        ["sh", SCRIPT, *words], capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin:/usr/sbin"}
    )  # fmt: skip


def test_it_tells_what_it_needs() -> None:
    """JAIL-PORT-04: elsewhere nothing is done, and the exit status says so."""
    told = called()
    assert (told.returncode, told.stdout.partition(";")[0]) == (2, "these tests need FreeBSD 14 or later")


def test_it_reports_each_id() -> None:
    """JAIL-PORT-04: pass, fail or skip for each; here with stand-ins for the tools."""
    told = called("--stand-ins", "from create to delete")
    lines = told.stdout.splitlines()
    assert told.returncode == 0, told
    assert "pass  JAIL-CREATE-04" in lines
    assert lines[-1] == "1 tests passed, 0 failed, 0 were skipped"
