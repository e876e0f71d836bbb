"""What the words of a mount's options ask for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.spec import options as table
from ringfence.spec.options import FLAGS, OPTION_WORDS, PROPAGATIONS, RECURSIVE, MountOptions, parse_options

WORDS = st.lists(st.sampled_from(OPTION_WORDS))

PAIRS = [
    ("rw", "ro", table.MS_RDONLY),  # LNX-OPT-01
    ("suid", "nosuid", table.MS_NOSUID),  # LNX-OPT-02
    ("dev", "nodev", table.MS_NODEV),
    ("exec", "noexec", table.MS_NOEXEC),
    ("async", "sync", table.MS_SYNCHRONOUS),  # LNX-OPT-03
    ("loud", "silent", table.MS_SILENT),  # LNX-OPT-04
    ("nomand", "mand", table.MS_MANDLOCK),
    ("atime", "noatime", table.MS_NOATIME),  # LNX-OPT-05
    ("diratime", "nodiratime", table.MS_NODIRATIME),
    ("norelatime", "relatime", table.MS_RELATIME),  # LNX-OPT-06
    ("nostrictatime", "strictatime", table.MS_STRICTATIME),
    ("noiversion", "iversion", table.MS_I_VERSION),  # LNX-OPT-07
    ("nolazytime", "lazytime", table.MS_LAZYTIME),
    ("symfollow", "nosymfollow", table.MS_NOSYMFOLLOW),  # LNX-OPT-08
]


@pytest.mark.parametrize(("clearing", "setting", "flag"), PAIRS)
def test_a_flag_is_set_by_one_word_and_cleared_by_the_other(clearing: str, setting: str, flag: int) -> None:
    """LNX-OPT-01 to LNX-OPT-08: words in pairs; the last one counts."""
    assert parse_options((setting,)) == MountOptions(flags=flag, given=(setting,))
    assert parse_options((clearing,)) == MountOptions(cleared=flag, given=(clearing,))
    assert parse_options((setting, clearing)) == MountOptions(cleared=flag, given=(setting, clearing))
    assert parse_options((clearing, setting)) == MountOptions(flags=flag, given=(clearing, setting))


def test_words_that_stand_alone() -> None:
    """LNX-OPT-01, LNX-OPT-03, LNX-OPT-09: defaults, dirsync, bind, rbind and remount."""
    assert parse_options(("defaults",)) == MountOptions()
    assert parse_options(("dirsync",)) == MountOptions(flags=table.MS_DIRSYNC, given=("dirsync",))
    assert parse_options(("bind",)) == MountOptions(flags=table.MS_BIND)
    assert parse_options(("rbind",)) == MountOptions(flags=table.MS_BIND | table.MS_REC)
    assert parse_options(("remount",)) == MountOptions(flags=table.MS_REMOUNT)


def test_propagations_keep_their_order() -> None:
    """LNX-OPT-10: several propagations are applied in order."""
    parsed = parse_options(("rslave", "bind", "shared", "private", "runbindable"))
    assert parsed.propagation == (
        table.MS_SLAVE | table.MS_REC,
        table.MS_SHARED,
        table.MS_PRIVATE,
        table.MS_UNBINDABLE | table.MS_REC,
    )
    assert parsed.flags == table.MS_BIND


@pytest.mark.parametrize(
    ("setting", "clearing", "attribute"),
    [
        ("rro", "rrw", table.MOUNT_ATTR_RDONLY),
        ("rnosuid", "rsuid", table.MOUNT_ATTR_NOSUID),
        ("rnodev", "rdev", table.MOUNT_ATTR_NODEV),
        ("rnoexec", "rexec", table.MOUNT_ATTR_NOEXEC),
        ("rnodiratime", "rdiratime", table.MOUNT_ATTR_NODIRATIME),
        ("rnosymfollow", "rsymfollow", table.MOUNT_ATTR_NOSYMFOLLOW),
    ],
)
def test_recursive_attributes(setting: str, clearing: str, attribute: int) -> None:
    """LNX-OPT-11: attributes of the whole tree, set by one word and cleared by another; the last one counts."""
    assert parse_options((setting,)) == MountOptions(set_recursive=attribute)
    assert parse_options((clearing, setting)) == MountOptions(set_recursive=attribute)
    assert parse_options((setting, clearing)) == MountOptions(clear_recursive=attribute)


@pytest.mark.parametrize(
    ("word", "mode"),
    [
        ("rnoatime", table.MOUNT_ATTR_NOATIME),
        ("rstrictatime", table.MOUNT_ATTR_STRICTATIME),
        ("rrelatime", table.MOUNT_ATTR_RELATIME),
        ("ratime", table.MOUNT_ATTR_RELATIME),
        ("rnorelatime", table.MOUNT_ATTR_RELATIME),
        ("rnostrictatime", table.MOUNT_ATTR_RELATIME),
    ],
)
def test_recursive_access_time(word: str, mode: int) -> None:
    """LNX-OPT-12: the mode replaces another one, which is why the whole field is cleared (mount_setattr(2))."""
    expected = MountOptions(set_recursive=mode, clear_recursive=table.MOUNT_ATTR__ATIME)
    assert parse_options((word,)) == expected
    assert parse_options(("rstrictatime", word)) == expected
    assert parse_options(("rnoatime", word)) == expected


def test_words_for_the_runtime_itself() -> None:
    """LNX-OPT-13: tmpcopyup, idmap and ridmap never reach the kernel; of the last two the last one counts."""
    assert parse_options(("tmpcopyup",)) == MountOptions(tmpcopyup=True)
    assert parse_options(("ridmap", "idmap")) == MountOptions(idmap=True)
    assert parse_options(("idmap", "ridmap")) == MountOptions(ridmap=True)


def test_other_words_are_data() -> None:
    """LNX-OPT-14, LNX-MNT-12: acl and all other words are data, joined by commas in order."""
    parsed = parse_options(("size=1m", "nosuid", "acl", "mode=755", "noacl", "RO"))
    assert parsed == MountOptions(flags=table.MS_NOSUID, given=("nosuid",), data="size=1m,acl,mode=755,noacl,RO")


@given(WORDS)
def test_no_bit_is_both_set_and_cleared(words: list[str]) -> None:
    parsed = parse_options(tuple(words))
    assert not parsed.flags & parsed.cleared
    assert not parsed.set_recursive & parsed.clear_recursive & ~table.MOUNT_ATTR__ATIME


@given(WORDS)
def test_every_listed_word_is_recognised(words: list[str]) -> None:
    """LNX-FEAT-05: what ``features`` lists is never passed on as data."""
    assert parse_options(tuple(words)).data == ""


def test_the_listed_words_are_sorted_and_complete() -> None:
    """LNX-FEAT-05: every word of the table, once, sorted."""
    words = {*FLAGS, *PROPAGATIONS, *RECURSIVE, "idmap", "ridmap", "tmpcopyup"}
    assert list(OPTION_WORDS) == sorted(words)
    assert len(OPTION_WORDS) == 33 + 8 + 18 + 3
