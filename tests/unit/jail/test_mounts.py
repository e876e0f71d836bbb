"""Mounts: types, options and destinations, and where they are below the root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ringfence.drivers.jail.inroot import resolve
from ringfence.drivers.jail.steps import MountFilesystem, UseRuleset
from ringfence.errors import RingfenceError
from ringfence.spec.rules.jail.policy import Policy
from tests.unit.jail.configs import Document, jail, mounts, plan_of, refusal, refused_at, words_of


def mount_of(**fields: object) -> MountFilesystem:
    """The step of one mount."""
    plan = plan_of(mounts({"destination": "/mnt", **fields}))
    return next(step for step in plan.host if isinstance(step, MountFilesystem))


@pytest.mark.parametrize("destination", ["", "relative", "/", "/..", "/./", "/" + "x" * 1024, "/a\0b"])
def test_a_destination_that_there_cannot_be(destination: str) -> None:
    """JAIL-MNT-03."""
    entry = {"destination": destination, "type": "tmpfs"}
    assert refused_at(mounts(entry)).startswith("/mounts/0/destination")


@pytest.mark.parametrize("kind", [None, "nullfs", "none", "bind", "rbind"])
def test_what_is_bound(kind: str | None) -> None:
    """JAIL-MNT-04, JAIL-MNT-05: nullfs whatever it is called, its source relative to the bundle."""
    entry: Document = {"source": "../data"} if kind is None else {"source": "../data", "type": kind}
    made = mount_of(**entry)
    assert (made.kind, made.source) == ("nullfs", "/data")


@pytest.mark.parametrize("kind", ["tmpfs", "devfs", "fdescfs", "procfs", "linprocfs", "linsysfs"])
def test_file_systems_of_a_jail(kind: str) -> None:
    """JAIL-MNT-04."""
    assert mount_of(type=kind).kind == kind


@pytest.mark.parametrize("kind", ["ufs", "zfs", "nfs", "cd9660"])
def test_file_systems_that_the_administrator_permits(kind: str) -> None:
    """JAIL-MNT-04: only those in ringfence.toml."""
    document = mounts({"destination": "/mnt", "type": kind, "source": "tank/data"})
    assert refused_at(document) == "/mounts/0/type"
    plan = plan_of(document, policy=Policy(mount_types=(kind,)))
    assert [step.source for step in plan.host if isinstance(step, MountFilesystem)] == ["tank/data"]


@pytest.mark.parametrize("kind", ["proc", "sysfs", "overlay", "cgroup", ""])
def test_other_file_systems_are_refused(kind: str) -> None:
    """JAIL-MNT-04."""
    assert refused_at(mounts({"destination": "/mnt", "type": kind, "source": "x"})) == "/mounts/0/type"


def test_a_bind_needs_a_source() -> None:
    """JAIL-MNT-04, JAIL-MNT-05."""
    assert refused_at(mounts({"destination": "/mnt"})) == "/mounts/0/source"
    assert refused_at(mounts({"destination": "/mnt", "source": "-o"})) == "/mounts/0/source"


def test_options_that_are_passed_and_dropped() -> None:
    """JAIL-MNT-08."""
    passed = [
        "ro",
        "rw",
        "nosuid",
        "suid",
        "noexec",
        "exec",
        "noatime",
        "atime",
        "sync",
        "async",
        "nosymfollow",
        "union",
    ]
    dropped = [
        "bind",
        "rbind",
        "private",
        "rprivate",
        "slave",
        "rslave",
        "shared",
        "rshared",
        "nodev",
        "dev",
        "relatime",
        "strictatime",
        "defaults",
    ]
    assert mount_of(source="/a", options=[*passed, *dropped]).options == tuple(passed)


@pytest.mark.parametrize("option", ["rro", "idmap", "ro,suid", "size=1m", "-o", "ro\nrw", "", "x", "mode=1777"])
def test_any_other_option_is_refused(option: str) -> None:
    """JAIL-MNT-08: by its name, and one entry never becomes two options."""
    assert refused_at(mounts({"destination": "/mnt", "source": "/a", "options": [option]})) == "/mounts/0/options"


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("size=16m", ("size=16777216", "mode=1777")),
        ("size=1G", ("size=1073741824", "mode=1777")),
        ("size=4096", ("size=4096", "mode=1777")),
        ("mode=0755", ("mode=755",)),
        ("uid=5", ("uid=5", "mode=1777")),
        ("nr_inodes=100", ("inodes=100", "mode=1777")),
    ],
)
def test_options_of_tmpfs(option: str, words: tuple[str, ...]) -> None:
    """JAIL-MNT-09."""
    assert mount_of(type="tmpfs", options=[option]).options == words


@pytest.mark.parametrize(
    "option", ["size=50%", "size=", "size=-1", "size=1t", "mode=999", "mode=", "uid=root", "gid=-1"]
)
def test_values_of_tmpfs_that_are_not_understood(option: str) -> None:
    """JAIL-MNT-09."""
    assert refused_at(mounts({"destination": "/mnt", "type": "tmpfs", "options": [option]})) == "/mounts/0/options"


def test_a_copy_of_what_is_covered() -> None:
    """JAIL-MNT-09."""
    assert mount_of(type="tmpfs", options=["tmpcopyup"]).copies


def test_every_devfs_has_a_ruleset() -> None:
    """JAIL-MNT-10, JAIL-MNT-11, JAIL-MNT-13: one of ours, or the one that is named, each checked before."""
    plan = plan_of(mounts({"destination": "/dev", "type": "devfs"}, {"destination": "/x", "type": "devfs"}))
    assert [type(step).__name__ for step in plan.host[:4]] == ["UseRuleset", "MountFilesystem"] * 2
    named = plan_of(mounts({"destination": "/dev", "type": "devfs", "options": ["ruleset=7"]}))
    assert named.host[0] == UseRuleset("/mounts/0", 7, (), fallback=False)
    usual = plan_of(mounts({"destination": "/dev", "type": "devfs", "options": ["ruleset=4"]})).host[0]
    assert isinstance(usual, UseRuleset)
    assert usual.fallback


@pytest.mark.parametrize(
    "option", ["ruleset=0", "ruleset=", "ruleset=x", "ruleset=65536", "rule=hide", "rule=path x y"]
)
def test_rulesets_and_rules_that_there_are_not(option: str) -> None:
    """JAIL-MNT-13."""
    assert refused_at(mounts({"destination": "/dev", "type": "devfs", "options": [option]})) == "/mounts/0/options"


def test_a_jail_that_mounts_devfs_itself_sees_no_more() -> None:
    """JAIL-CFG-09, JAIL-MNT-10: the kernel enforces a ruleset on its mounts, one that has been looked at."""
    document = jail(enforceStatfs=1, allow={"mount": ["devfs"]}) | {"mounts": []}
    assert "devfs_ruleset=29286" in words_of(document)
    assert isinstance(plan_of(document).host[0], UseRuleset)


def test_rules_in_ocijails_form() -> None:
    """JAIL-MNT-13: parsed and put together again."""
    options = ["rule=path  bpf*   unhide", "rule=path bpf mode 0640"]
    plan = plan_of(mounts({"destination": "/dev", "type": "devfs", "options": options}))
    texts = [row.text for row in plan.rows() if row.verb == "devfs"]
    assert texts == ["path bpf* unhide  on /dev", "path bpf mode 0640  on /dev"]


def test_devfs_shows_what_every_program_expects() -> None:
    """JAIL-MNT-12: and no memory, disks or packet filters."""
    plan = plan_of(mounts({"destination": "/dev", "type": "devfs"}))
    rules = plan.host[0].rules if isinstance(plan.host[0], UseRuleset) else ()
    assert rules[0] == "hide"
    shown = {rule.split()[1] for rule in rules[1:]}
    assert {"null", "zero", "random", "urandom", "crypto", "fd/*", "ptmx", "pts/*"} <= shown
    assert not shown & {"mem", "kmem", "io", "pci", "bpf", "pf", "*"}


def test_fdescfs_and_its_options() -> None:
    """JAIL-MNT-15."""
    assert mount_of(type="fdescfs", options=["linrdlnk", "nodup"]).options == ("linrdlnk", "nodup")
    assert "not supported" in str(refusal(mounts({"destination": "/p", "type": "procfs", "options": ["linrdlnk"]})))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root file system with links that lead out, next to a secret."""
    made = tmp_path / "root"
    (made / "a/b").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (made / "absolute").symlink_to("/a")
    (made / "up").symlink_to("../../../outside")
    (made / "host").symlink_to(tmp_path / "outside")
    (made / "loop").symlink_to("loop")
    (made / "file").write_text("")
    return made


@pytest.mark.parametrize(
    ("destination", "found"),
    [("/a/b", "a/b"), ("/../../a", "a"), ("/absolute/b", "a/b"), ("/a/../a/./b", "a/b"), ("/", "")],
)
def test_a_destination_is_found_below_the_root(root: Path, destination: str, found: str) -> None:
    """JAIL-MNT-02: without a link in what comes out."""
    assert resolve(str(root), destination) == (str(root / found).rstrip("/"), True)


def test_links_lead_nowhere_outside(root: Path) -> None:
    """JAIL-MNT-02, JAIL-MNT-07: what they mean is made inside, and told before."""
    made: list[str] = []
    path, is_folder = resolve(str(root), "/up/x", made.append)
    assert (path, is_folder) == (str(root / "outside/x"), True)
    assert made == [str(root / "outside"), str(root / "outside/x")]
    assert (root / "outside/x").stat().st_mode & 0o7777 == 0o755
    inside, _ = resolve(str(root), "/host", made.append)
    assert Path(inside).is_relative_to(root)
    assert os.listdir(root.parent / "outside") == []


def test_a_file_is_made_for_a_file(root: Path) -> None:
    """JAIL-MNT-06."""
    path, is_folder = resolve(str(root), "/etc/hosts", lambda _: None, as_file=True)
    assert not is_folder
    assert Path(path).read_text() == ""
    assert os.stat(path).st_mode & 0o7777 == 0o644


@pytest.mark.parametrize("destination", ["/loop", "/file/x", "/nosuch"])
def test_destinations_that_lead_nowhere(root: Path, destination: str) -> None:
    """JAIL-MNT-02."""
    with pytest.raises(RingfenceError):
        resolve(str(root), destination)
