"""The process: what it may say, and the program and home that are found for it."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ringfence.drivers.jail import program
from ringfence.drivers.jail.entry import is_released
from ringfence.errors import RingfenceError
from ringfence.spec.rules.jail.load import load_jail_process
from tests.unit.jail.configs import Document, loaded, plain, process, refused_at

LIMITS = [
    "AS",
    "CORE",
    "CPU",
    "DATA",
    "FSIZE",
    "MEMLOCK",
    "NOFILE",
    "NPROC",
    "RSS",
    "STACK",
    "SBSIZE",
    "NPTS",
    "SWAP",
    "KQUEUES",
    "UMTXP",
]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"cwd": "srv"}, "cwd"),
        ({"cwd": ""}, "cwd"),
        ({"args": []}, "args"),
        ({"env": ["A"]}, "env/0"),
        ({"user": {"uid": 2**32 - 1, "gid": 0}}, "user/uid"),
        ({"user": {"uid": 0, "gid": 2**32 - 1}}, "user/gid"),
        ({"user": {"uid": "root", "gid": 0}}, "user/uid"),
        ({"user": {"additionalGids": [1, 2**32 - 1]}}, "user/additionalGids/1"),
        ({"user": {"umask": 512}}, "user/umask"),
    ],
)
def test_a_process_that_there_cannot_be(fields: Document, field: str) -> None:
    """JAIL-PROC-02, JAIL-PROC-04, JAIL-PROC-07."""
    assert refused_at(process(**fields)) == f"/process/{field}"


@pytest.mark.parametrize("name", LIMITS)
def test_limits_of_freebsd(name: str) -> None:
    """JAIL-PROC-06."""
    loaded(process(rlimits=[{"type": f"RLIMIT_{name}", "soft": 1, "hard": 2}]))


@pytest.mark.parametrize("name", ["NICE", "RTPRIO", "RTTIME", "SIGPENDING", "MSGQUEUE", "LOCKS", "NOSUCH"])
def test_limits_of_others(name: str) -> None:
    """JAIL-PROC-06."""
    assert refused_at(process(rlimits=[{"type": f"RLIMIT_{name}", "soft": 1, "hard": 2}])) == "/process/rlimits/0/type"


def test_limits_that_contradict_each_other() -> None:
    """JAIL-PROC-06."""
    twice = [{"type": "RLIMIT_AS", "soft": 1, "hard": 2}] * 2
    assert refused_at(process(rlimits=twice)) == "/process/rlimits/1/type"
    assert refused_at(process(rlimits=[{"type": "RLIMIT_AS", "soft": 3, "hard": 2}])) == "/process/rlimits/0/soft"


IMPOSSIBLE: dict[str, Any] = {
    "apparmorProfile": "x",
    "selinuxLabel": "x",
    "noNewPrivileges": True,
    "capabilities": {"bounding": []},
    "scheduler": {"policy": "SCHED_OTHER"},
    "ioPriority": {"class": "IOPRIO_CLASS_BE"},
    "execCPUAffinity": {"initial": "0"},
    "oomScoreAdj": 5,
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_a_jail_has_nothing_like(name: str) -> None:
    """JAIL-CFG-13, JAIL-EXEC-02: refused by name, in config.json and in the process of an exec."""
    assert refused_at(process(**{name: IMPOSSIBLE[name]})) == f"/process/{name}"
    from ringfence.jsontext import dumps

    with pytest.raises(RingfenceError) as caught:
        load_jail_process(dumps({"args": ["x"], "cwd": "/", name: IMPOSSIBLE[name]}))
    assert caught.value.field == f"/{name}"


def test_there_has_to_be_a_process_and_a_root() -> None:
    """JAIL-CREATE-03, JAIL-PROC-07."""
    assert refused_at(plain(process=None)) == "/process"
    assert refused_at(plain(root=None)) == "/root/path"
    assert refused_at(plain(root={"path": ""})) == "/root/path"


@pytest.fixture
def passwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The jail's file of users."""
    path = tmp_path / "passwd"
    monkeypatch.setattr(program, "PASSWD", str(path))
    return path


def test_the_last_of_a_name_counts_and_home_is_added(passwd: Path) -> None:
    """JAIL-PROC-03: from the jail's own file, else ``/``; never from the host's environment."""
    passwd.write_text("root:*:0:0::/root:/bin/sh\n\nweb:*:80:80::/srv:/bin/sh\nodd:*:81\nempty:*:82:82:::\n")
    made = program.environment_of(("A=1", "B=2", "A=3"))
    assert program.with_home(made, 80) == {"A": "3", "B": "2", "HOME": "/srv"}
    assert program.with_home({"HOME": "/x"}, 80) == {"HOME": "/x"}
    assert program.with_home({"HOME": ""}, 0) == {"HOME": "/root"}
    assert program.home_of(81) == program.home_of(82) == program.home_of(5) == "/"


def test_a_file_of_users_that_is_none(passwd: Path) -> None:
    """JAIL-PROC-03: neither a link nor a FIFO is opened."""
    import os

    os.mkfifo(passwd)
    assert program.home_of(0) == "/"
    passwd.unlink()
    passwd.symlink_to("/etc/passwd")
    assert program.home_of(0) == "/"


def test_a_program_is_found_in_path(tmp_path: Path) -> None:
    """JAIL-CREATE-05, JAIL-PROC-07."""
    for folder, mode in (("one", 0o644), ("two", 0o755)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tool").write_text("")
        (tmp_path / folder / "tool").chmod(mode)
    path = {"PATH": f"{tmp_path}/none:{tmp_path}/one:{tmp_path}/two"}
    assert program.find_program("tool", path) == f"{tmp_path}/two/tool"
    assert program.find_program(f"{tmp_path}/two/tool", {}) == f"{tmp_path}/two/tool"


@pytest.mark.parametrize(
    ("name", "text", "number"),
    [
        ("nosuch", 'exec: "nosuch": executable file not found in $PATH', errno.ENOENT),
        ("/no/such", 'exec: "/no/such": stat /no/such: no such file or directory', errno.ENOENT),
        ("/etc", 'exec: "/etc": permission denied', errno.EACCES),
        ("/etc/passwd", 'exec: "/etc/passwd": permission denied', errno.EACCES),
    ],
)
def test_the_words_for_a_program_that_is_not_there(name: str, text: str, number: int) -> None:
    """JAIL-CREATE-05, JAIL-ERR-02: those that engines look for."""
    for environment in ({}, {"PATH": "/nowhere"}):
        with pytest.raises(RingfenceError) as caught:
            program.find_program(name, environment)
        assert (str(caught.value), caught.value.errno, caught.value.field) == (text, number, "/process/args")


class Kernel:
    """kqueue(2) with one event that has come."""

    KQ_FILTER_READ, KQ_FILTER_VNODE, KQ_EV_ADD, KQ_NOTE_DELETE = -1, -4, 1, 1

    def __init__(self, came: int) -> None:
        self.came = came
        self.asked: list[tuple[int, ...]] = []

    def kevent(self, *words: int) -> tuple[int, ...]:
        self.asked.append(words)
        return words

    def kqueue(self) -> Kernel:
        return self

    def control(self, changes: list[tuple[int, ...]], most: int) -> list[Any]:
        assert (changes, most) == (self.asked, 1)
        return [SimpleNamespace(filter=self.came)]

    def close(self) -> None:
        self.asked = []


def test_a_process_whose_record_is_removed_does_not_wait_for_ever() -> None:
    """JAIL-CREATE-06: it waits for a byte at its gate or for the end of its record, whatever comes first."""
    assert is_released(Kernel(Kernel.KQ_FILTER_READ), 5, 6)
    assert not is_released(Kernel(Kernel.KQ_FILTER_VNODE), 5, 6)
