"""Flags and propagation of bind mounts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from tests.conformance.inside import inside, mounts_inside, own_mounts, refused, write_file
from tests.conformance.trees import mount, mounted
from tests.support import Bundle, Runtime, wait_until

ALL = "ro,nosuid,nodev,noexec,noatime"
Tree = Callable[..., AbstractContextManager[str]]


@pytest.fixture
def tree(runtime: Runtime) -> Tree:
    """Makes a mount on the host with another one in its folder `sub`."""
    return lambda *options, **how: mounted(runtime.new_path("tree"), *options, **how)


def shown(runtime: Runtime, bundle: Bundle, source: str, *words: str) -> list[str]:
    """The flags of a bind mount with these option words, inside."""
    bundle.mount("/mnt", "bind", source, *words)
    return sorted(mounts_inside(runtime, bundle)["/mnt"].options)


@pytest.mark.parametrize("words", [["bind"], ["rbind"], ["rbind", "rslave"], ["bind", "private"]])
def test_flags_of_the_source_are_kept(runtime: Runtime, bundle: Bundle, tree: Tree, words: list[str]) -> None:
    """LNX-BIND-01: with only `bind` or `rbind` (and propagation) all flags of the source mount are kept."""
    with tree(ALL) as source:
        assert shown(runtime, bundle, source, *words) == sorted(ALL.split(","))


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        (["nosuid"], ["nosuid", "rw"]),
        (["rw"], ["rw"]),
        (["ro"], ["ro"]),
        (["exec"], ["rw"]),
        (["nodev", "noexec", "ro"], ["nodev", "noexec", "ro"]),
    ],
)
def test_any_flag_makes_the_set_exact(
    runtime: Runtime, bundle: Bundle, tree: Tree, words: list[str], flags: list[str]
) -> None:
    """LNX-BIND-02: any other flag word, setting or clearing, clears the flags that are not named.

    runc 1.1 does not take a clearing word for one.
    """
    with tree("ro,nosuid,nodev,noexec,relatime") as source:
        assert shown(runtime, bundle, source, "bind", *words) == sorted([*flags, "relatime"])


@pytest.mark.parametrize("word", ["atime", "diratime", "norelatime", "nostrictatime", "nosuid"])
@pytest.mark.parametrize("before", ["noatime", "strictatime", "relatime"])
def test_atime_mode_stays(runtime: Runtime, bundle: Bundle, tree: Tree, word: str, before: str) -> None:
    """LNX-BIND-03: without an explicit new atime word the source's atime mode stays. runc 1.1 changes some."""
    with tree(before) as source:
        found = set(shown(runtime, bundle, source, "bind", word))
    assert found & {"noatime", "relatime"} == {before} - {"strictatime"}


@pytest.mark.parametrize(
    ("word", "flags"),
    [
        ("relatime", {"relatime"}),
        ("noatime", {"noatime"}),
        ("strictatime", set()),
        ("nodiratime", {"nodiratime", "relatime"}),
    ],
)
@pytest.mark.parametrize("before", ["noatime", "strictatime", "relatime"])
def test_explicit_atime_mode(
    runtime: Runtime, bundle: Bundle, tree: Tree, word: str, flags: set[str], before: str
) -> None:
    """LNX-BIND-04: an explicit word replaces the atime mode; `nodiratime` alone implies relatime.

    runc 1.1 drops `strictatime` of a noatime source.
    """
    with tree(before) as source:
        found = set(shown(runtime, bundle, source, "bind", word))
    assert found & {"noatime", "relatime", "nodiratime"} == flags


@pytest.mark.parametrize("words", [["ro"], ["nosuid"], ["nodev", "noexec"], ["rro"]])
def test_locked_flags_are_kept(runtime: Runtime, bundle: Bundle, tree: Tree, words: list[str]) -> None:
    """LNX-BIND-05: in a user namespace, flags the kernel locks and the config did not name are silently kept.

    runc 1.1 fails.
    """
    bundle.user_namespace()
    with tree(ALL) as source:
        assert shown(runtime, bundle, source, "rbind", *words) == sorted(ALL.split(","))


@pytest.mark.parametrize("word", ["rw", "dev", "suid", "exec", "relatime", "strictatime"])
def test_locked_flags_cannot_be_cleared(runtime: Runtime, bundle: Bundle, tree: Tree, word: str) -> None:
    """LNX-BIND-06: in a user namespace, clearing a locked flag or choosing another atime mode is an error.

    runc 1.1 keeps some in silence.
    """
    bundle.user_namespace()
    with tree(ALL) as source:
        bundle.mount("/mnt", "bind", source, "rbind", word)
        refused(runtime, bundle, "error mounting", "operation not permitted")


@pytest.mark.parametrize(("words", "kept"), [([], True), (["nosuid"], False), (["nosuid", "nosymfollow"], True)])
def test_nosymfollow_is_not_locked(runtime: Runtime, bundle: Bundle, tree: Tree, words: list[str], kept: bool) -> None:
    """LNX-BIND-07: nosymfollow is cleared whenever the flag set is exact, in a user namespace too."""
    bundle.user_namespace()
    with tree("nosuid,nosymfollow") as source:
        assert ("nosymfollow" in shown(runtime, bundle, source, "rbind", *words)) == kept


@pytest.mark.parametrize(
    ("words", "readonly"), [(["ro"], [True, False]), (["rro"], [True, True]), (["ro", "rro"], [True, True])]
)
def test_readonly_and_recursive_readonly(
    runtime: Runtime, bundle: Bundle, tree: Tree, words: list[str], readonly: list[bool]
) -> None:
    """LNX-BIND-08: `rbind,ro` makes only the top mount read-only, `rbind,rro` all of the tree."""
    with tree() as source:
        bundle.mount("/mnt", "bind", source, "rbind", *words)
        table = mounts_inside(runtime, bundle)
        assert [table[point].readonly for point in ("/mnt", "/mnt/sub")] == readonly
        assert not own_mounts()[source].readonly


def test_readonly_is_enforced(runtime: Runtime, bundle: Bundle, tree: Tree) -> None:
    """LNX-BIND-08: writing to a read-only bind fails, writing to the source on the host still works."""
    with tree() as source:
        bundle.mount("/mnt", "bind", source, "rbind", "rro")
        bundle.sh("echo x >/mnt/mark; echo x >/mnt/sub/mark; cat /mnt/mark /mnt/sub/mark")
        result = runtime.run_bundle(bundle)
        assert result.err.count("Read-only file system") == 2
        assert result.out == os.path.basename(source) + "sub"
        write_file(os.path.join(source, "mark"), "host")


@pytest.fixture
def shared(tree: Tree) -> Iterator[str]:
    """A shared mount on the host."""
    with tree(propagation="shared") as path:
        yield path


def allow_mounting(bundle: Bundle) -> None:
    """Let the program mount."""
    for kind in ("bounding", "effective", "permitted"):
        bundle.process["capabilities"][kind].append("CAP_SYS_ADMIN")


@pytest.mark.parametrize("words", [["bind"], ["rbind", "rprivate"], ["rbind", "rslave"], ["bind", "ro"]])
def test_mounts_do_not_reach_the_host(runtime: Runtime, bundle: Bundle, shared: str, words: list[str]) -> None:
    """LNX-BIND-09: without `shared`, a mount made in the container never appears on the host."""
    allow_mounting(bundle)
    os.mkdir(os.path.join(shared, "target"))
    bundle.mount("/mnt", "bind", shared, *words)
    bundle.sh("mount -t tmpfs inside /mnt/target && echo mounted && exec sleep 1000")
    container = runtime.started(bundle)
    container.wait_output("mounted\n")
    assert os.path.join(shared, "target") not in own_mounts()


def test_default_is_at_most_a_slave(runtime: Runtime, bundle: Bundle, shared: str) -> None:
    """LNX-BIND-09: without a propagation word the mount is at most a slave of its source."""
    bundle.mount("/mnt", "bind", shared, "bind")
    assert mounts_inside(runtime, bundle)["/mnt"].tags in ((), ("master",))


def test_shared_shows_as_shared(runtime: Runtime, bundle: Bundle, tree: Tree) -> None:
    """LNX-BIND-10: `shared` on a bind shows as shared inside."""
    with tree() as source:
        bundle.mount("/mnt", "bind", source, "bind", "shared")
        assert mounts_inside(runtime, bundle)["/mnt"].tags == ("shared",)


def test_slave_gets_later_host_mounts(runtime: Runtime, bundle: Bundle, shared: str) -> None:
    """LNX-BIND-10: `rslave` gets host mounts made later."""
    os.mkdir(os.path.join(shared, "late"))
    bundle.mount("/mnt", "bind", shared, "rbind", "rslave")
    bundle.sleep()
    container = runtime.started(bundle)
    mount("-t", "tmpfs", "late", os.path.join(shared, "late"))
    write_file(os.path.join(shared, "late/mark"), "text")
    assert container.sh("cat /mnt/late/mark").out == "text"


def test_shared_passes_mounts_back(runtime: Runtime, bundle: Bundle, shared: str) -> None:
    """LNX-BIND-10: `rshared` passes mounts back to the host if the source is in a shared peer group."""
    allow_mounting(bundle)
    target = os.path.join(shared, "target")
    os.mkdir(target)
    bundle.linux["rootfsPropagation"] = "shared"
    bundle.mount("/mnt", "bind", shared, "rbind", "rshared")
    bundle.sh("mount -t tmpfs inside /mnt/target && exec sleep 1000")
    runtime.started(bundle)
    wait_until(lambda: target in own_mounts(), "the container's mount on the host")


def test_readonly_file(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-BIND-11: a file bind with `ro` works, as engines do for /etc/resolv.conf."""
    for name in ("resolv.conf", "hosts", "hostname"):
        bundle.bind(write_file(runtime.new_path(), name), f"/etc/{name}", "rprivate", "ro")
    script = "cd /etc; cat resolv.conf hosts hostname; touch hosts 2>&1"
    bundle.sh(script)
    result = runtime.run_bundle(bundle)
    assert result.out.startswith("resolv.confhostshostname")
    assert "Read-only file system" in result.out


def test_readonly_file_in_a_user_namespace(runtime: Runtime, bundle: Bundle, tree: Tree) -> None:
    """LNX-BIND-11: a file from a nodev,nosuid,noexec source works as well in a user namespace. runc 1.1 fails."""
    bundle.user_namespace()
    with tree("nodev,nosuid,noexec") as source:
        bundle.bind(os.path.join(source, "mark"), "/etc/hosts", "rprivate", "ro")
        assert inside(runtime, bundle, "cat /etc/hosts") == os.path.basename(source)
        flags = mounts_inside(runtime, bundle)["/etc/hosts"].options
        assert {"ro", "nodev", "nosuid", "noexec"} <= flags
