"""The table of mount options."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.conformance.inside import Mounted, mounts_inside
from tests.conformance.trees import mounted
from tests.support import Bundle, Runtime


def mounted_with(runtime: Runtime, bundle: Bundle, *lists: list[str]) -> list[Mounted]:
    """One tmpfs for every list of options, as the container sees them."""
    for number, options in enumerate(lists):
        bundle.mount(f"/mnt/{number}", "tmpfs", "tmpfs", *options)
    table = mounts_inside(runtime, bundle)
    return [table[f"/mnt/{number}"] for number in range(len(lists))]


def flags(entry: Mounted) -> list[str]:
    """The options of the mount itself, in order."""
    return sorted(entry.options)


def test_defaults_and_readonly(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-OPT-01: `defaults` is nothing, `rw` and `ro` clear and set MS_RDONLY, the last word counts.

    runc 1.1 hands `defaults` to the kernel.
    """
    found = mounted_with(runtime, bundle, [], ["defaults"], ["ro"], ["ro", "rw"], ["rw", "ro"], ["defaults", "ro"])
    shown = [["relatime", word] for word in ("rw", "rw", "ro", "rw", "ro", "ro")]
    assert [flags(entry) for entry in found] == [sorted(words) for words in shown]


@pytest.mark.parametrize("word", ["suid", "dev", "exec"])
def test_suid_dev_exec(runtime: Runtime, bundle: Bundle, word: str) -> None:
    """LNX-OPT-02: `nosuid`, `nodev`, `noexec` set the flag, `suid`, `dev`, `exec` clear it."""
    no = f"no{word}"
    plain, on, off, again = mounted_with(runtime, bundle, [word], [no], [no, word], [word, no])
    assert [flags(entry) for entry in (plain, off)] == [["relatime", "rw"]] * 2
    assert [flags(entry) for entry in (on, again)] == [sorted(["relatime", "rw", no])] * 2


def test_sync(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-OPT-03: `sync` and `async` set and clear MS_SYNCHRONOUS, `dirsync` sets MS_DIRSYNC."""
    found = mounted_with(runtime, bundle, ["async"], ["sync"], ["sync", "async"], ["dirsync"])
    assert [entry.super_options & {"sync", "dirsync"} for entry in found] == [set(), {"sync"}, set(), {"dirsync"}]


def test_words_without_a_trace(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-OPT-04, LNX-OPT-07: `loud`, `silent`, `mand`, `nomand`, `iversion`, `noiversion` are flags, not data."""
    words = ["loud", "silent", "nomand", "mand", "iversion", "noiversion"]
    found = mounted_with(runtime, bundle, *[[word] for word in words], ["mand", "nomand"])
    assert [flags(entry) for entry in found] == [["relatime", "rw"]] * 7
    assert "mand" not in found[-1].super_options


def test_atime(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-OPT-05: `noatime` and `nodiratime` set their flag, `atime` and `diratime` clear it."""
    found = mounted_with(
        runtime, bundle, ["noatime"], ["noatime", "atime"], ["nodiratime"], ["nodiratime", "diratime"], ["atime"]
    )
    expected = [["noatime"], ["relatime"], ["nodiratime", "relatime"], ["relatime"], ["relatime"]]
    assert [sorted(entry.options - {"rw"}) for entry in found] == expected


def test_relatime_and_strictatime(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-OPT-06: `relatime` and `strictatime` set, `norelatime` and `nostrictatime` clear their flag."""
    found = mounted_with(
        runtime,
        bundle,
        ["relatime"],
        ["strictatime"],
        ["strictatime", "nostrictatime"],
        ["norelatime"],
        ["strictatime", "relatime", "norelatime"],
    )
    assert [sorted(entry.options - {"rw"}) for entry in found] == [["relatime"], [], ["relatime"], ["relatime"], []]


def test_lazytime(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-OPT-07: `lazytime` and `nolazytime` set and clear MS_LAZYTIME. runc 1.1 does not know them."""
    found = mounted_with(runtime, bundle, ["lazytime"], ["lazytime", "nolazytime"], [])
    assert ["lazytime" in entry.super_options for entry in found] == [True, False, False]


def test_symfollow(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-OPT-08: `nosymfollow` and `symfollow` set and clear MS_NOSYMFOLLOW. runc 1.1 does not know them."""
    found = mounted_with(runtime, bundle, ["nosymfollow"], ["nosymfollow", "symfollow"], ["symfollow"])
    assert ["nosymfollow" in entry.options for entry in found] == [True, False, False]


@pytest.fixture
def tree(runtime: Runtime) -> Iterator[str]:
    """A mount on the host with another one in its folder `sub`."""
    with mounted(os.path.join(runtime.folder, "tree")) as path:
        yield path


def test_bind_and_rbind(runtime: Runtime, bundle: Bundle, tree: str) -> None:
    """LNX-OPT-09: `bind` takes the one mount, `rbind` what is below it too."""
    bundle.mount("/mnt", "bind", tree, "bind")
    bundle.mount("/srv", "bind", tree, "rbind")
    points = mounts_inside(runtime, bundle).keys()
    assert {"/mnt", "/srv", "/srv/sub"} <= points
    assert "/mnt/sub" not in points


def test_remount(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-OPT-09: `remount` changes the mount an earlier entry made."""
    bundle.mount("/mnt", "tmpfs", "tmpfs", "size=1m")
    bundle.mount("/mnt", "tmpfs", "tmpfs", "remount", "ro", "nosuid")
    entry = mounts_inside(runtime, bundle)["/mnt"]
    assert {"ro", "nosuid"} <= entry.options


@pytest.mark.parametrize(
    ("words", "tags"),
    [
        (["shared"], ("shared",)),
        (["rshared"], ("shared",)),
        (["private"], ()),
        (["rprivate"], ()),
        (["unbindable"], ("unbindable",)),
        (["runbindable"], ("unbindable",)),
        (["slave"], ()),
        (["shared", "private"], ()),
        (["private", "shared"], ("shared",)),
        (["unbindable", "rshared"], ("shared",)),
    ],
)
def test_propagation_of_a_new_mount(runtime: Runtime, bundle: Bundle, words: list[str], tags: tuple[str, ...]) -> None:
    """LNX-OPT-10: propagation words are applied after the mount, several of them in order."""
    assert mounted_with(runtime, bundle, words)[0].tags == tags


def test_recursive_propagation(runtime: Runtime, bundle: Bundle, tree: str) -> None:
    """LNX-OPT-10: the forms with r cover the mounts below, the others do not."""
    bundle.mount("/mnt", "bind", tree, "rbind", "shared")
    bundle.mount("/srv", "bind", tree, "rbind", "rshared")
    table = mounts_inside(runtime, bundle)
    shown = [table[point].tags for point in ("/mnt", "/mnt/sub", "/srv", "/srv/sub")]
    assert shown == [("shared",), (), ("shared",), ("shared",)]


RECURSIVE = {"rro": "ro", "rnosuid": "nosuid", "rnodev": "nodev", "rnoexec": "noexec", "rnosymfollow": "nosymfollow"}


@pytest.mark.parametrize("word", [*RECURSIVE, "rnodiratime"])
def test_recursive_attributes(runtime: Runtime, bundle: Bundle, tree: str, word: str) -> None:
    """LNX-OPT-11: the recursive words set the attribute on the whole tree. runc 1.1 does not know rnosymfollow."""
    shown = RECURSIVE.get(word, "nodiratime")
    bundle.mount("/mnt", "bind", tree, "rbind", word)
    bundle.mount("/srv", "bind", tree, "rbind")
    table = mounts_inside(runtime, bundle)
    found = [shown in table[point].options for point in ("/mnt", "/mnt/sub", "/srv", "/srv/sub")]
    assert found == [True, True, False, False]


@pytest.mark.parametrize("word", ["rrw", "rsuid", "rdev", "rexec"])
def test_recursive_clearing(runtime: Runtime, bundle: Bundle, word: str) -> None:
    """LNX-OPT-11: their opposites clear it on the whole tree."""
    flag = {"rrw": "ro"}.get(word, f"no{word[1:]}")
    with mounted(os.path.join(runtime.folder, "locked"), flag, flag) as path:
        bundle.mount("/mnt", "bind", path, "rbind")
        bundle.mount("/srv", "bind", path, "rbind", word)
        table = mounts_inside(runtime, bundle)
    found = [flag in table[point].options for point in ("/mnt", "/mnt/sub", "/srv", "/srv/sub")]
    assert found == [True, True, False, False]


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("rnoatime", {"noatime"}),
        ("rstrictatime", set()),
        ("rrelatime", {"relatime"}),
        ("ratime", {"relatime"}),
        ("rnorelatime", {"relatime"}),
        ("rnostrictatime", {"relatime"}),
    ],
)
@pytest.mark.parametrize("before", ["noatime", "strictatime", "relatime"])
def test_recursive_atime(runtime: Runtime, bundle: Bundle, word: str, shown: set[str], before: str) -> None:
    """LNX-OPT-12: the recursive atime words choose the mode on every mount of the tree.

    runc 1.1 fails with the last four.
    """
    with mounted(os.path.join(runtime.folder, "timed"), before, before) as path:
        bundle.mount("/mnt", "bind", path, "rbind", word)
        table = mounts_inside(runtime, bundle)
    for point in ("/mnt", "/mnt/sub"):
        assert table[point].options & {"noatime", "relatime"} == shown


def test_words_of_the_runtime_are_no_data(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-OPT-13: `tmpcopyup` is never passed to the kernel; on other types it has no effect."""
    bundle.mount("/mnt", "tmpfs", "tmpfs", "tmpcopyup")
    bundle.mount("/srv", "mqueue", "mqueue", "tmpcopyup")
    bundle.bind(bundle.rootfs, "/opt", "tmpcopyup")
    assert {"/mnt", "/srv", "/opt"} <= mounts_inside(runtime, bundle).keys()


@pytest.mark.parametrize("word", ["acl", "noacl"])
def test_acl_is_data(runtime: Runtime, bundle: Bundle, word: str) -> None:
    """LNX-OPT-14: `acl` and `noacl` are data, which tmpfs does not know. runc 1.1 takes them for flags."""
    bundle.mount("/mnt", "tmpfs", "tmpfs", word)
    bundle.args("true")
    assert runtime.run_bundle(bundle).code == 1
    assert "invalid argument" in runtime.last_error()


def test_devpts_data(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-OPT-14: `newinstance`, `ptmxmode=`, `mode=`, `gid=` reach devpts as data."""
    assert {"gid=5", "mode=620", "ptmxmode=666"} <= mounts_inside(runtime, bundle)["/dev/pts"].super_options
