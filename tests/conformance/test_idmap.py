"""Id-mapped mounts, which runc 1.1 does not know."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.inside import host_folder, inside, refused
from tests.conformance.trees import mounted
from tests.support import Bundle, Runtime

NOBODY = 65534
Maps = list[tuple[int, int, int]]


def mappings(maps: Maps) -> list[dict[str, int]]:
    """Entries of a mapping list from (containerID, hostID, size)."""
    return [{"containerID": inner, "hostID": outer, "size": size} for inner, outer, size in maps]


def idmap(bundle: Bundle, source: str, destination: str, maps: Maps | None, *words: str) -> None:
    """Add an id-mapped bind mount; with None it has no maps of its own."""
    bundle.bind(source, destination, *words)
    if maps is not None:
        bundle.mounts[-1].update(uidMappings=mappings(maps), gidMappings=mappings(maps))


def fill(folder: str, *owners: int) -> str:
    """Make one file for every owner, named after it."""
    for owner in owners:
        path = os.path.join(folder, str(owner))
        with open(path, "w", encoding="utf-8"):
            pass
        os.chown(path, owner, owner)
    return folder


@pytest.fixture
def source(runtime: Runtime) -> str:
    """A folder with files of the owners 0, 1, 1000 and 5000, named after them."""
    return fill(host_folder(runtime), 0, 1, 1000, 5000)


def owners(runtime: Runtime, bundle: Bundle, *folders: str) -> list[dict[int, tuple[int, int]]]:
    """Shown (uid, gid) by owner on disk, for each folder."""
    script = "; ".join(f"cd {folder}; stat -c '%n %u %g' [0-9]*; echo -" for folder in folders)
    parts = inside(runtime, bundle, script).split("-\n")[:-1]
    lines = [[[int(word) for word in line.split()] for line in part.splitlines()] for part in parts]
    return [{name: (uid, gid) for name, uid, gid in part} for part in lines]


def both(*pairs: tuple[int, int]) -> dict[int, tuple[int, int]]:
    """Owners whose uid and gid are shown as the same number."""
    return {disk: (shown, shown) for disk, shown in pairs}


def test_without_a_user_namespace(runtime: Runtime, bundle: Bundle, source: str) -> None:
    """LNX-IDMAP-01, LNX-IDMAP-05: a mount has exactly the maps given, and ids without one show as 65534."""
    idmap(bundle, source, "/mnt", [(0, 100000, 10), (1000, 2000, 1)], "idmap")
    assert owners(runtime, bundle, "/mnt") == [both((0, 100000), (1, 100001), (1000, 2000), (5000, NOBODY))]


def test_the_disk_is_unchanged(runtime: Runtime, bundle: Bundle, source: str) -> None:
    """LNX-IDMAP-01: files made through the mount get the owner on disk that the map says, others keep theirs."""
    os.chown(source, 1000, 1000)
    idmap(bundle, source, "/mnt", [(1000, 0, 1)], "idmap")
    inside(runtime, bundle, "touch /mnt/made")
    found = {name: os.stat(os.path.join(source, name)).st_uid for name in os.listdir(source)}
    assert found == {"0": 0, "1": 1, "1000": 1000, "5000": 5000, "made": 1000}


def test_uids_and_gids_differ(runtime: Runtime, bundle: Bundle, source: str) -> None:
    """LNX-IDMAP-01: uidMappings and gidMappings are two maps."""
    bundle.bind(source, "/mnt", "idmap")
    bundle.mounts[-1].update(uidMappings=mappings([(0, 10, 2)]), gidMappings=mappings([(0, 20, 2)]))
    shown = owners(runtime, bundle, "/mnt")[0]
    assert (shown[0], shown[1]) == ((10, 20), (11, 21))


def test_every_mount_has_its_own_map(runtime: Runtime, bundle: Bundle, source: str) -> None:
    """LNX-IDMAP-01, LNX-IDMAP-06: the same source can be mounted several times with different maps."""
    idmap(bundle, source, "/mnt/a", [(0, 10, 2)], "idmap")
    idmap(bundle, source, "/mnt/b", [(0, 20, 2)], "idmap")
    idmap(bundle, source, "/mnt/c", None)
    first, second, plain = owners(runtime, bundle, "/mnt/a", "/mnt/b", "/mnt/c")
    assert (first[1], second[1], plain[1]) == ((11, 11), (21, 21), (1, 1))


@pytest.mark.parametrize("key", ["uidMappings", "gidMappings"])
def test_one_map_alone_is_refused(runtime: Runtime, bundle: Bundle, source: str, key: str) -> None:
    """LNX-IDMAP-02: only one of the two maps is an error."""
    bundle.bind(source, "/mnt", "idmap")
    bundle.mounts[-1][key] = mappings([(0, 10, 2)])
    refused(runtime, bundle)


def test_other_mounts_are_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-IDMAP-02: maps on a mount that is no bind are an error. runc 1.1 ignores some."""
    bundle.mount("/mnt", "tmpfs", "tmpfs")
    bundle.mounts[-1].update(uidMappings=mappings([(0, 10, 2)]), gidMappings=mappings([(0, 10, 2)]))
    refused(runtime, bundle)


@pytest.fixture
def tree(runtime: Runtime) -> Iterator[str]:
    """A mount on the host with another one in its folder `sub`, both with a file of owner 1."""
    with mounted(os.path.join(runtime.folder, "tree")) as path:
        fill(path, 1)
        fill(os.path.join(path, "sub"), 1)
        yield path


@pytest.mark.parametrize(
    ("words", "below"), [(["rbind"], 1), (["rbind", "idmap"], 1), (["rbind", "ridmap"], 11)], ids=str
)
def test_mounts_below(runtime: Runtime, bundle: Bundle, tree: str, words: list[str], below: int) -> None:
    """LNX-IDMAP-03: maps without a word act as `idmap`: the top mount only; `ridmap` covers the whole tree."""
    bundle.mount("/mnt", "bind", tree, *words)
    bundle.mounts[-1].update(uidMappings=mappings([(0, 10, 2)]), gidMappings=mappings([(0, 10, 2)]))
    top, sub = owners(runtime, bundle, "/mnt", "/mnt/sub")
    assert (top[1][0], sub[1][0]) == (11, below)


@pytest.mark.parametrize("word", ["idmap", "ridmap"])
def test_maps_of_the_user_namespace(runtime: Runtime, bundle: Bundle, source: str, word: str) -> None:
    """LNX-IDMAP-04: without maps those of the container's user namespace are used, so ids show as on disk."""
    bundle.user_namespace(size=2000)
    idmap(bundle, source, "/mnt", None, word)
    assert owners(runtime, bundle, "/mnt") == [both((0, 0), (1, 1), (1000, 1000), (5000, NOBODY))]


@pytest.mark.parametrize("word", ["idmap", "ridmap"])
def test_no_maps_and_no_namespace_is_refused(runtime: Runtime, bundle: Bundle, source: str, word: str) -> None:
    """LNX-IDMAP-04: without maps and without a user namespace it is an error."""
    idmap(bundle, source, "/mnt", None, word)
    refused(runtime, bundle)


def test_maps_of_a_joined_user_namespace(runtime: Runtime, bundle: Bundle, make_bundle: Any, source: str) -> None:
    """LNX-IDMAP-04: the maps of a joined user namespace are used as well."""
    first = make_bundle("first")
    first.user_namespace()
    first.sleep()
    container = runtime.started(first)
    bundle.user_namespace()
    bundle.namespace("user", f"/proc/{container.pid}/ns/user")
    del bundle.linux["uidMappings"], bundle.linux["gidMappings"]
    idmap(bundle, source, "/mnt", None, "idmap")
    assert owners(runtime, bundle, "/mnt") == [both((0, 0), (1, 1), (1000, 1000), (5000, 5000))]


def test_mount_map_then_namespace_map(runtime: Runtime, bundle: Bundle, source: str) -> None:
    """LNX-IDMAP-05: the shown ids are the mount map followed by the reverse namespace map."""
    bundle.user_namespace(host_id=100000, size=1000)
    idmap(bundle, source, "/mnt", [(0, 100100, 1), (1000, 100200, 1), (5000, 300000, 1)], "idmap")
    assert owners(runtime, bundle, "/mnt") == [both((0, 100), (1, NOBODY), (1000, 200), (5000, NOBODY))]


def test_details(runtime: Runtime, bundle: Bundle, source: str) -> None:
    """LNX-IDMAP-06: relative destination, symlinked source, a propagation word and flags work together with maps."""
    link = runtime.new_path("link")
    os.symlink(source, link)
    idmap(bundle, link, "mnt/here", [(0, 10, 1), (1, 20, 1)], "idmap", "rprivate", "ro", "nosuid")
    shown = owners(runtime, bundle, "/mnt/here")[0]
    assert (shown[0], shown[1]) == ((10, 10), (20, 20))
    bundle.sh("touch /mnt/here/0")
    assert "Read-only file system" in runtime.run_bundle(bundle).err


def test_a_file(runtime: Runtime, bundle: Bundle, source: str) -> None:
    """LNX-IDMAP-06: a single file can be id-mapped."""
    idmap(bundle, os.path.join(source, "1000"), "/etc/file", [(1000, 3, 1)], "idmap")
    assert inside(runtime, bundle, "stat -c %u /etc/file") == "3\n"
