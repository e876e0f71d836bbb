"""The cache of compiled filters, and the flags they are loaded with."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ringfence.errors import RingfenceError
from ringfence.seccomp import calls, filter
from ringfence.seccomp.filter import compile_filter, filter_flags
from ringfence.spec.types import Seccomp, SeccompSyscall

SECTION = Seccomp("SCMP_ACT_ALLOW", syscalls=(SeccompSyscall(("unshare",), "SCMP_ACT_ERRNO"),))
OTHER = Seccomp("SCMP_ACT_ALLOW", syscalls=(SeccompSyscall(("unshare",), "SCMP_ACT_KILL"),))
ASKING = (SeccompSyscall(("mkdir",), "SCMP_ACT_NOTIFY"),)
LOG, SPEC_ALLOW, NEW_LISTENER, WAIT_KILLABLE_RECV = 2, 4, 8, 32
SOURCES = str(Path(filter.__file__).parents[2])


@pytest.fixture
def cache(tmp_path: Path) -> str:
    """A path for a cache that does not exist yet."""
    return str(tmp_path / "cache")


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one for each section that is really compiled."""
    from ringfence.seccomp import compile as module

    count: list[str] = []
    real = module.compile_program

    def counted(section: Seccomp, machine: str) -> bytes:
        count.append(machine)
        return real(section, machine)

    monkeypatch.setattr(module, "compile_program", counted)
    return count


def only_file(cache: str) -> Path:
    """The one file in the cache."""
    (name,) = os.listdir(cache)
    return Path(cache, name)


def test_a_section_is_compiled_once(cache: str, compiled: list[str]) -> None:
    """The second time the same program comes from the cache."""
    assert compile_filter(SECTION, "x86_64", cache) == compile_filter(SECTION, "x86_64", cache)
    assert len(compiled) == 1


def test_another_section_or_machine_is_compiled(cache: str, compiled: list[str]) -> None:
    """The file's name is a digest of both."""
    compile_filter(SECTION, "x86_64", cache)
    assert compile_filter(OTHER, "x86_64", cache) != compile_filter(SECTION, "aarch64", cache)
    assert len(compiled) == len(os.listdir(cache)) == 3


def test_without_a_cache_nothing_is_kept(tmp_path: Path, compiled: list[str]) -> None:
    """``explain`` compiles and leaves no trace."""
    compile_filter(SECTION, "x86_64", None)
    compile_filter(SECTION, "x86_64", None)
    assert len(compiled) == 2
    assert not list(tmp_path.iterdir())


def test_the_cache_is_for_its_owner_alone(cache: str) -> None:
    """Who could write there could switch off the filter of any container."""
    compile_filter(SECTION, "x86_64", cache)
    assert os.stat(cache).st_mode & 0o777 == 0o700
    assert only_file(cache).stat().st_mode & 0o777 == 0o600
    assert only_file(cache).suffix == ".bpf"


def spoil_shortened(content: bytes) -> bytes:
    return content[:-8]


def spoil_empty(content: bytes) -> bytes:
    return b""


def spoil_changed(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def spoil_longer(content: bytes) -> bytes:
    return content + bytes(8)


@pytest.mark.parametrize("spoil", [spoil_shortened, spoil_empty, spoil_changed, spoil_longer])
def test_a_damaged_file_is_ignored_and_replaced(cache: str, compiled: list[str], spoil: object) -> None:
    """Its sum is checked before a word of it is used."""
    assert callable(spoil)
    first = compile_filter(SECTION, "x86_64", cache)
    whole = only_file(cache).read_bytes()
    only_file(cache).write_bytes(spoil(whole))
    assert compile_filter(SECTION, "x86_64", cache) == first
    assert only_file(cache).read_bytes() == whole
    assert len(compiled) == 2


def test_a_file_of_another_section_is_ignored(cache: str, compiled: list[str]) -> None:
    """A whole file under a wrong name would be a wrong filter."""
    compile_filter(OTHER, "x86_64", cache)
    os.rename(only_file(cache), Path(cache, f"{filter.digest(SECTION, 'x86_64')}.bpf"))
    compile_filter(SECTION, "x86_64", cache)
    assert len(compiled) == 2


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o722, 0o777])
def test_a_cache_others_can_write_to_is_not_used(cache: str, compiled: list[str], mode: int) -> None:
    """Neither read nor written."""
    compile_filter(SECTION, "x86_64", cache)
    os.chmod(cache, mode)
    compile_filter(SECTION, "x86_64", cache)
    assert len(compiled) == 2
    compile_filter(OTHER, "x86_64", cache)
    only_file(cache)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_cache_of_somebody_else_is_not_used(cache: str, compiled: list[str]) -> None:
    """Its owner can write there at any time."""
    compile_filter(SECTION, "x86_64", cache)
    os.chown(cache, 1234, 1234)
    compile_filter(SECTION, "x86_64", cache)
    assert len(compiled) == 2


def test_a_cache_that_is_a_link_is_not_used(cache: str, tmp_path: Path, compiled: list[str]) -> None:
    """Where a link leads can be changed."""
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    os.symlink(tmp_path / "elsewhere", cache)
    compile_filter(SECTION, "x86_64", cache)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_link_or_fifo_in_the_cache_is_no_file(cache: str, tmp_path: Path, compiled: list[str]) -> None:
    """It is replaced, not followed or waited for."""
    compile_filter(SECTION, "x86_64", cache)
    path = only_file(cache)
    for link in (True, False):
        os.rename(path, tmp_path / "other")
        os.symlink(tmp_path / "other", path) if link else os.mkfifo(path)
        compile_filter(SECTION, "x86_64", cache)
        assert not path.is_symlink()
        assert path.is_file()
    assert len(compiled) == 3


def test_a_cache_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    """The container runs with a filter compiled for it alone."""
    (tmp_path / "file").write_text("")
    assert compile_filter(SECTION, "x86_64", str(tmp_path / "file/cache")).program


def test_the_cached_way_loads_no_heavy_module(cache: str) -> None:
    """The engine verbs' rule: ctypes, struct and json are left alone when the program is cached."""
    compile_filter(SECTION, "x86_64", cache)
    script = (
        f"import sys; sys.path.insert(0, {SOURCES!r})\n"
        "from ringfence.spec.types import Seccomp, SeccompSyscall\n"
        "section = Seccomp('SCMP_ACT_ALLOW', syscalls=(SeccompSyscall(('unshare',), 'SCMP_ACT_ERRNO'),))\n"
        "before = set(sys.modules)\n"
        "from ringfence.seccomp.filter import compile_filter\n"
        f"assert compile_filter(section, 'x86_64', {cache!r}).program\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    loaded = subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True, capture_output=True, text=True)
    foreign = {name for name in loaded.stdout.split() if not name.startswith("ringfence.")}
    assert foreign <= {"_blake2", "_stat"}
    assert "ringfence.seccomp.calls" not in loaded.stdout.split()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, SPEC_ALLOW),
        ((), 0),
        (("SECCOMP_FILTER_FLAG_TSYNC",), 0),
        (("SECCOMP_FILTER_FLAG_LOG",), LOG),
        (("SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"), LOG | SPEC_ALLOW),
        (("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",), 0),
    ],
)
def test_flags(given: tuple[str, ...] | None, expected: int) -> None:
    """LNX-SEC-08: absent is SPEC_ALLOW, empty is none; without a listener the kernel takes no WAIT_KILLABLE_RECV."""
    assert filter_flags(Seccomp("SCMP_ACT_ALLOW", flags=given)) == expected


def test_notify_asks_for_a_listener() -> None:
    """LNX-SEC-08: NEW_LISTENER is added, and WAIT_KILLABLE_RECV means something."""
    flags = ("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",)
    found = compile_filter(Seccomp("SCMP_ACT_ALLOW", flags=flags, syscalls=ASKING), os.uname().machine, None)
    assert found.flags == NEW_LISTENER | WAIT_KILLABLE_RECV
    assert found.listener
    assert not compile_filter(SECTION, "x86_64", None).listener


@pytest.mark.parametrize(
    ("missing", "text"), [(NEW_LISTENER, "seccomp notify unsupported: "), (WAIT_KILLABLE_RECV, "is not supported")]
)
def test_an_older_kernel(monkeypatch: pytest.MonkeyPatch, missing: int, text: str) -> None:
    """LNX-SEC-08, LNX-SEC-12: a flag the kernel does not know is an error before anything is done."""
    monkeypatch.setattr(calls, "kernel_takes", lambda flags: not flags & missing)
    flags = ("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",)
    with pytest.raises(RingfenceError, match=text):
        compile_filter(Seccomp("SCMP_ACT_ALLOW", flags=flags, syscalls=ASKING), os.uname().machine, None)


def test_the_kernel_is_asked_about_flags() -> None:
    """LNX-SEC-08: bits it has, and one it cannot have."""
    assert calls.kernel_takes(SPEC_ALLOW | LOG)
    assert not calls.kernel_takes(1 << 30)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install, and that only a seccomp section needs it."""

    def absent(name: str) -> ctypes.CDLL:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", absent)
    with pytest.raises(RingfenceError, match=r"cannot load libseccomp\.so\.2") as caught:
        compile_filter(SECTION, "x86_64", None)
    assert "libseccomp2" in caught.value.hint
    assert caught.value.field == "/linux/seccomp"
    assert calls.library_version() == ""


def test_the_library_tells_its_version() -> None:
    """Three numbers."""
    assert [part.isdigit() for part in calls.library_version().split(".")] == [True] * 3
