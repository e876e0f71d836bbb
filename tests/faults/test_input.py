"""Bad input: one clear line, exit status 1, nothing left."""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import Bundle, Runtime
from tests.support.mark import unlike_runc

MALFORMED = [
    "", " ", "{", "}", "nonsense", "true", "[]", '"text"', '{"ociVersion": "1.0.0",}', "{'a': 1}",
    '{"ociVersion": "1.0.0"} trailing', '{"process": {"args": ["a"}}', '{"a": 1e}', "\x00\x01\x02", "[" * 100_000,
    '{"a":' * 100_000,
]  # fmt: skip


NULL = pytest.param("null", marks=unlike_runc("crashes"))


@pytest.mark.parametrize("text", [*MALFORMED, NULL], ids=[repr(text[:20]) for text in [*MALFORMED, "null"]])
def test_malformed_json(runtime: Runtime, bundle: Bundle, text: str) -> None:
    """config.json that is no JSON object is refused."""
    bundle.write_text(text)
    runtime.refuses("", "create", "-b", bundle.path, runtime.new_id())


def test_bytes_that_are_no_text(runtime: Runtime, bundle: Bundle) -> None:
    """config.json that is not UTF-8 is refused, or its bytes are passed on as they are; it is no internal error."""
    with open(os.path.join(bundle.path, "config.json"), "wb") as file:
        file.write(b'{"ociVersion": "\xff\xfe", "process": "\xff"}')
    runtime.refuses("", "create", "-b", bundle.path, runtime.new_id())


def test_a_missing_bundle(runtime: Runtime) -> None:
    """A bundle that is not there is refused."""
    runtime.refuses("", "create", "-b", "/no/such/bundle", runtime.new_id())


def test_a_bundle_that_is_a_file(runtime: Runtime) -> None:
    """So is a bundle that is a file."""
    runtime.refuses("", "create", "-b", "/etc/passwd", runtime.new_id())


def test_a_config_that_is_a_folder(runtime: Runtime, bundle: Bundle) -> None:
    """So is a config.json that is a folder."""
    os.mkdir(os.path.join(bundle.path, "config.json"))
    runtime.refuses("is a directory", "create", "-b", bundle.path, runtime.new_id())


def test_a_missing_rootfs(runtime: Runtime, bundle: Bundle) -> None:
    """A root file system that is not there is refused."""
    shutil.rmtree(bundle.rootfs)
    runtime.refuses_bundle("no such file or directory", bundle)


def test_a_rootfs_that_is_a_file(runtime: Runtime, bundle: Bundle) -> None:
    """So is one that is a file."""
    shutil.rmtree(bundle.rootfs)
    with open(bundle.rootfs, "w", encoding="utf-8"):
        pass
    runtime.refuses_bundle("", bundle)


WRONG = [
    ("/ociVersion", 1), ("/process", "sh"), ("/process/args", "sh"), ("/process/args", [1]), ("/process/args", []),
    ("/process/env", {"A": "b"}), ("/process/env", ["A"]), ("/process/cwd", 1), ("/process/cwd", "relative"),
    ("/process/user/uid", "0"), ("/process/user/uid", -1), ("/process/user/uid", 1.5), ("/process/user/uid", 2**40),
    ("/process/capabilities", "CAP_KILL"),
    ("/process/capabilities/bounding", "CAP_KILL"), ("/process/rlimits/0/type", "RLIMIT_FOO"),
    ("/process/rlimits/0/soft", -1), ("/process/rlimits/0/soft", "1024"), ("/process/noNewPrivileges", "yes"),
    ("/process/terminal", 1), ("/process/oomScoreAdj", 5000), ("/process/oomScoreAdj", "1"), ("/root", []),
    ("/root/path", ["rootfs"]), ("/root/readonly", "yes"), ("/hostname", 5), ("/mounts", {}), ("/mounts/0", "proc"),
    ("/mounts/1/options", "nosuid"), ("/mounts/1/destination", 7), ("/linux", []), ("/linux/namespaces", {}),
    ("/linux/namespaces/0/type", "bogus"), ("/linux/namespaces/0/type", 1), ("/linux/namespaces/0/path", "/no/such"),
    ("/linux/resources", 5), ("/linux/resources/devices/0/allow", "no"), ("/linux/resources/memory", {"limit": "1g"}),
    ("/linux/resources/pids", {"limit": 1.5}), ("/linux/resources/cpu", {"shares": -5}), ("/linux/maskedPaths", "x"),
    ("/linux/cgroupsPath", 1), ("/linux/devices", [{"path": "/dev/x", "type": "q"}]), ("/linux/sysctl", ["a=b"]),
    ("/linux/sysctl", {"kernel.hostname": "x"}), ("/linux/rootfsPropagation", "sideways"),
    ("/linux/seccomp", {"defaultAction": "SCMP_ACT_MAYBE"}), ("/linux/seccomp", {"defaultAction": 1}),
    ("/hooks", []), ("/hooks", {"prestart": [{"path": "relative"}]}), ("/hooks", {"prestart": "x"}),
    ("/annotations", []), ("/annotations", {"a": 1}),
]  # fmt: skip


def put(config: dict[str, Any], pointer: str, value: object) -> None:
    """Set what the JSON pointer names."""
    *folders, last = pointer.strip("/").split("/")
    held: Any = config
    for name in folders:
        held = held[int(name) if isinstance(held, list) else name]
    held[int(last) if isinstance(held, list) else last] = value


@pytest.mark.parametrize(("pointer", "value"), WRONG, ids=[f"{pointer}={value}"[:60] for pointer, value in WRONG])
def test_wrong_values(runtime: Runtime, bundle: Bundle, pointer: str, value: object) -> None:
    """A value of the wrong type, or one that means nothing, is refused."""
    put(bundle.config, pointer, value)
    runtime.refuses_bundle("", bundle)


@unlike_runc("does not tell the place")
@pytest.mark.parametrize("pointer", ["/process/user/uid", "/mounts/1/destination", "/linux/resources/devices/0/allow"])
def test_the_place_is_told(runtime: Runtime, bundle: Bundle, pointer: str) -> None:
    """The refusal names the file and the place in it."""
    put(bundle.config, pointer, ["wrong"])
    runtime.refuses_bundle(f"config.json#{pointer}", bundle)


def leaves(value: object, pointer: str = "") -> Iterator[str]:
    """JSON pointers of everything in ``value``."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        yield f"{pointer}/{key}"
        yield from leaves(below, f"{pointer}/{key}")


VALUES: tuple[object, ...] = (None, {}, [], "x", -1, 2**70)


@pytest.mark.parametrize("first", [0, 3])
def test_no_value_is_an_internal_error(runtime: Runtime, bundle: Bundle, first: int) -> None:
    """Any value at any place is taken or refused in one line; ``spec``'s own config is the starting point.

    A process for each place: the values take turns. tests/unit/spec/test_any_value.py has them all in one process.
    """
    whole = bundle.config
    for index, pointer in enumerate(leaves(copy.deepcopy(whole)), first):
        value = VALUES[index % len(VALUES)]
        bundle.config = copy.deepcopy(whole)
        bundle.args("true")
        put(bundle.config, pointer, value)
        bundle.write()
        before = len(runtime.errors())
        result = runtime.run("explain", "--bundle", bundle.path)
        if result.code:
            told = runtime.errors()[before:]
            assert (result.code, len(told)) == (1, 1), (pointer, result, told)
            assert "internal error" not in told[0], (pointer, told)


CONTRADICTIONS = [
    ({"hostname": "x", "drop": "uts"}, "UTS namespace"),
    ({"drop": "mount"}, "MNT namespace"),
    pytest.param(
        {"uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]},
        "ser namespace",
        marks=unlike_runc("lets it pass"),
    ),
    ({"add": "user"}, "mappings found"),
    ({"add": "pid"}, "duplicated ns"),
    ({"sysctl": {"net.ipv4.ip_forward": "1"}, "drop": "network"}, "net.ipv4.ip_forward"),
    ({"sysctl": {"kernel.shmmax": "1000000"}, "drop": "ipc"}, "kernel.shmmax"),
]


@pytest.mark.parametrize(("change", "text"), CONTRADICTIONS)
def test_contradictions(runtime: Runtime, bundle: Bundle, change: dict[str, Any], text: str) -> None:
    """Settings that exclude each other are refused."""
    change = dict(change)
    if "hostname" in change:
        bundle.config["hostname"] = change.pop("hostname")
    if "drop" in change:
        bundle.drop_namespace(change.pop("drop"))
    if "add" in change:
        bundle.namespaces.append({"type": change.pop("add")})
    bundle.linux.update(change)
    runtime.refuses_bundle(text, bundle)


@unlike_runc("does not know time namespaces")
def test_time_offsets_without_a_time_namespace(runtime: Runtime, bundle: Bundle) -> None:
    """Offsets need a namespace they are for."""
    bundle.linux["timeOffsets"] = {"monotonic": {"secs": 1}}
    runtime.refuses_bundle("", bundle)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--console-socket", "/run/x"], "cannot use console socket"),
        pytest.param(["--preserve-fds", "-1"], "", marks=unlike_runc("lets it pass")),
        (["--preserve-fds", "many"], ""),
        (["--pid-file"], ""),
        (["--bundle"], ""),
    ],
)
def test_contradictory_options(runtime: Runtime, bundle: Bundle, words: list[str], text: str) -> None:
    """Options that make no sense are refused."""
    bundle.write()
    runtime.refuses(text, "create", runtime.new_id(), *words, cwd=bundle.path)


@pytest.mark.parametrize("name", ["a/b", "../x", "..", ".", "/", "a/../b", "", "x\ny", "x" * 1025])
def test_ids(runtime: Runtime, bundle: Bundle, name: str) -> None:
    """An id that could leave the state root, or that cannot be a file name, is refused."""
    bundle.write()
    runtime.refuses("", "create", "-b", bundle.path, name)
    runtime.refuses("", "state", name)
    assert runtime.run("delete", "--force", name).code in (0, 1)
    assert json.loads(runtime.run("list", "-f", "json").out or "null") in (None, []) or not os.path.exists(runtime.root)
