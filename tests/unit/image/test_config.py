"""From an image's config to a config.json."""

from __future__ import annotations

import ast
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import RingfenceError
from ringfence.features import features
from ringfence.image.document import Document
from ringfence.image.platform import Platform
from ringfence.image.runtime_config import OBEYED, Choices, runtime_config
from ringfence.image.users import User, resolve_user
from ringfence.spec.load import load_document
from ringfence.spec.template import template
from tests.unit.image.archives import Layout, archive, entry, folder, names, symlink
from tests.unit.image.test_commands import SOURCE
from tests.unit.image.test_layout import bundle, fails

LINUX = Choices(system="linux", cgroup_v2=True, hostname="test")
FREEBSD = Choices(system="freebsd", cgroup_v2=False, hostname="test")


def image(system: str = "linux", extra: dict[str, Any] | None = None, **config: Any) -> Document:
    return Document({"os": system, "architecture": "amd64", "config": config, **(extra or {})}, "config")


def made(document: Document, choices: Choices = LINUX, user: User | None = None) -> tuple[dict[str, Any], list[str]]:
    """The config.json and the warnings."""
    warnings: list[str] = []
    return runtime_config(document, user or User(0, 0), [], choices, warnings.append), warnings


def process(document: Document, choices: Choices = LINUX) -> dict[str, Any]:
    found: dict[str, Any] = made(document, choices)[0]["process"]
    return found


def but(choices: Choices, **fields: Any) -> Choices:
    return Choices(**{**dict(choices.items()), **fields})


# program


@pytest.mark.parametrize(
    ("entrypoint", "command", "words", "args"),
    [
        (["/e"], ["c"], None, ["/e", "c"]),
        (["/e"], None, None, ["/e"]),
        (None, ["c", "d"], None, ["c", "d"]),
        (["/e"], ["c"], ("x", "y"), ["/e", "x", "y"]),
        (None, ["c"], ("x",), ["x"]),
    ],
)
def test_entrypoint_and_command(entrypoint: Any, command: Any, words: Any, args: list[str]) -> None:
    """IMG-CONF-01: words given take the place of Cmd."""
    assert process(image(Entrypoint=entrypoint, Cmd=command), but(LINUX, args=words))["args"] == args


def test_without_a_program_there_is_a_shell() -> None:
    """IMG-CONF-01."""
    config, warnings = made(image(Entrypoint=[], Cmd=None))
    assert config["process"]["args"] == ["/bin/sh"]
    assert "neither Entrypoint nor Cmd" in warnings[0]


def test_the_environment_stays_as_it_is() -> None:
    """IMG-CONF-02: PATH is added only if it is absent."""
    held = ["Z=1", "A= b=c", "Z=2", "PATH=/x", "E="]
    assert process(image(Env=held))["env"] == held
    assert process(image(Env=["A=1"]))["env"][0] == "A=1"
    assert process(image(Env=["A=1"]))["env"][1].startswith("PATH=/usr/local/sbin:")
    assert process(image("freebsd", Env=[]))["env"][0].startswith("PATH=/sbin:/bin:")
    assert process(image("plan9", Env=[]))["env"] == []


@pytest.mark.parametrize("text", ["NAME", "", "=x", "A=\0"])
def test_an_entry_that_is_no_variable_is_refused(text: str) -> None:
    """IMG-CONF-02."""
    with pytest.raises(RingfenceError, match=r"Env\[1\]"):
        made(image(Env=["A=1", text]))


@pytest.mark.parametrize(("text", "cwd", "warned"), [("", "/", False), ("/srv", "/srv", False), ("srv", "/srv", True)])
def test_the_working_directory(text: str, cwd: str, warned: bool) -> None:
    """IMG-CONF-02."""
    config, warnings = made(image(WorkingDir=text, Cmd=["c"]))
    assert config["process"]["cwd"] == cwd
    assert bool(warnings) == warned


@pytest.mark.parametrize("field", ["Cmd", "Entrypoint", "Env"])
@pytest.mark.parametrize("value", ["text", [1], {"a": "b"}, 7])
def test_values_of_the_wrong_kind_are_refused(field: str, value: Any) -> None:
    with pytest.raises(RingfenceError, match=field):
        made(Document({"os": "linux", "config": {field: value}}, "config"))


# user

PASSWD = "root:x:0:0::/:/bin/sh\nalice:x:1000:100::/:/bin/sh\nalice:x:7:7::/:/bin/sh\n123:x:4:4::/:\nbroken:x:y:z\n\n"
GROUP = "root:x:0:\nusers:x:100:\nextra:x:50:bob,alice\nmore:x:51:alice\nagain:x:50:alice\n123:x:9:\nbad:x:x:alice\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root"
    (path / "etc").mkdir(parents=True)
    (path / "etc/passwd").write_text(PASSWD)
    (path / "etc/group").write_text(GROUP)
    return path


def user(root: Path, text: str) -> User:
    descriptor = os.open(root, os.O_RDONLY)
    try:
        return resolve_user(text, descriptor)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", User(0, 0)),
        ("0", User(0, 0)),
        ("alice", User(1000, 100, (50, 51))),
        ("alice:extra", User(1000, 50)),
        ("alice:77", User(1000, 77)),
        ("1000", User(1000, 100)),
        ("4242", User(4242, 0)),
        ("4242:extra", User(4242, 50)),
        ("1000:0", User(1000, 0)),
        ("123", User(123, 0)),
        ("0:123", User(0, 123)),
        ("4294967294", User(4294967294, 0)),
    ],
)
def test_a_user_by_name_or_number(root: Path, text: str, found: User) -> None:
    """IMG-CONF-03, IMG-CONF-04: digits are an id, also where an account has them for a name (CVE-2016-3697)."""
    assert user(root, text) == found


@pytest.mark.parametrize(
    "text",
    [
        "4294967295", "4294967296", "-1", "+1", "0:-1", "0:4294967295", "alice:", ":", ":0", "a:b:c", "nobody",
        "alice:nogroup", "99999999999999999999999", "broken", "alice ", "\u0661",
    ],
)  # fmt: skip
def test_a_user_that_cannot_be_is_refused(root: Path, text: str) -> None:
    """IMG-CONF-03, IMG-CONF-04."""
    with pytest.raises(RingfenceError, match="User"):
        user(root, text)


@pytest.mark.parametrize("text", ["5", "5:6"])
def test_numbers_need_no_accounts(tmp_path: Path, text: str) -> None:
    """IMG-CONF-04."""
    assert user(tmp_path, text) == User(5, 6 if ":" in text else 0)
    with pytest.raises(RingfenceError):
        user(tmp_path, "alice")


def test_accounts_are_read_inside_the_root(root: Path, tmp_path: Path) -> None:
    """IMG-CONF-04: never the host's, and only from a regular file of a size that makes sense."""
    (tmp_path / "host").write_text("evil:x:0:0::/:\n")
    (root / "etc/passwd").unlink()
    (root / "etc/passwd").symlink_to(tmp_path / "host")
    with pytest.raises(RingfenceError, match="no 'evil'"):
        user(root, "evil")
    (root / "etc/passwd").unlink()
    os.mkfifo(root / "etc/passwd")
    with pytest.raises(RingfenceError, match="not a regular file"):
        user(root, "evil")
    (root / "etc/passwd").unlink()
    with open(root / "etc/passwd", "wb") as file:
        file.truncate(16 * 2**20 + 1)
    with pytest.raises(RingfenceError, match="longer than"):
        user(root, "evil")


def test_accounts_are_lines_and_nothing_else_parts_them(root: Path) -> None:
    """IMG-CONF-04: Python knows more ends of lines than passwd(5); a comment may hold them."""
    ends = ["\r", "\v", "\f", "\x1c", "\x85", "\u2028"]
    text = "".join(f"bob:x:1000:1000:{end}evil{number}:x:0:0::/:\n" for number, end in enumerate(ends))
    (root / "etc/passwd").write_bytes(text.encode())
    for number in range(len(ends)):
        with pytest.raises(RingfenceError, match="no 'evil"):
            user(root, f"evil{number}")


@given(st.text(max_size=12))
def test_any_text_gives_a_user_or_an_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """IMG-CONF-03."""
    place = tmp_path_factory.getbasetemp()
    try:
        found = user(place, text)
    except RingfenceError:
        return
    assert 0 <= found.uid < 2**32 - 1


def test_the_user_is_in_the_config() -> None:
    config, _ = made(image(Cmd=["c"]), user=User(5, 6, (7, 8)))
    assert config["process"]["user"] == {"uid": 5, "gid": 6, "additionalGids": [7, 8]}


# volumes


def test_volumes_become_mounts_of_folders_with_what_the_image_has(tmp_path: Path) -> None:
    """IMG-CONF-05."""
    layout = Layout(tmp_path / "layout")
    root = archive(folder("data", mode=0o1770), entry("data/d/f", b"x", mode=0o640), symlink("data/l", "f"))
    layout.add(root, config={"Cmd": ["c"], "Volumes": {"/var/lib/none": {}, "/data": {}}})
    bundle(layout.path, tmp_path / "bundle")
    config = json.loads((tmp_path / "bundle/config.json").read_text())
    assert config["mounts"][-2:] == [
        {"destination": "/data", "source": "volumes/0", "type": "bind", "options": ["rbind"]},
        {"destination": "/var/lib/none", "source": "volumes/1", "type": "bind", "options": ["rbind"]},
    ]
    place = tmp_path / "bundle/volumes"
    assert names(place) == ["0", "0/d", "0/d/f", "0/l", "1"]
    assert ((place / "0").stat().st_mode & 0o7777, (place / "0/d/f").stat().st_mode & 0o777) == (0o1770, 0o640)
    bundle(layout.path, tmp_path / "other", volumes=False)
    assert not (tmp_path / "other/volumes").exists()
    assert len(json.loads((tmp_path / "other/config.json").read_text())["mounts"]) == len(config["mounts"]) - 2


def test_a_volume_can_be_entered_whatever_the_umask(tmp_path: Path) -> None:
    """IMG-CONF-05: also one that the image has nothing at."""
    layout = Layout(tmp_path / "layout")
    layout.add(archive(entry("f")), config={"Cmd": ["c"], "Volumes": {"/v": {}}})
    before = os.umask(0o077)
    try:
        bundle(layout.path, tmp_path / "bundle")
    finally:
        os.umask(before)
    assert (tmp_path / "bundle/volumes/0").stat().st_mode & 0o7777 == 0o755


def test_volumes_of_a_jail(tmp_path: Path) -> None:
    """IMG-CONF-05."""
    layout = Layout(tmp_path / "layout")
    layout.add(archive(entry("f")), platform="freebsd/amd64", config={"Cmd": ["c"], "Volumes": {"/v": {}}})
    bundle(layout.path, tmp_path / "bundle", platform=Platform("freebsd", "amd64"), choices=FREEBSD)
    config = json.loads((tmp_path / "bundle/config.json").read_text())
    assert config["mounts"][-1] == {"destination": "/v", "source": "volumes/0", "type": "nullfs"}


@pytest.mark.parametrize("path", ["data", "", "/", "/.", "/a/../b", "/..", "../x"])
def test_what_is_no_path_of_a_volume_is_refused(tmp_path: Path, path: str) -> None:
    """IMG-CONF-05."""
    layout = Layout(tmp_path / "layout")
    layout.add(archive(entry("f")), config={"Cmd": ["c"], "Volumes": {path: {}}})
    assert "Volumes" in fails(layout.path, tmp_path / "bundle")


def test_a_volume_through_a_link_takes_nothing_of_the_host(tmp_path: Path) -> None:
    """IMG-CONF-05."""
    (tmp_path / "host").mkdir()
    (tmp_path / "host/secret").touch()
    layout = Layout(tmp_path / "layout")
    layout.add(archive(symlink("v", str(tmp_path / "host"))), config={"Cmd": ["c"], "Volumes": {"/v": {}}})
    bundle(layout.path, tmp_path / "bundle")
    assert os.listdir(tmp_path / "bundle/volumes/0") == []


def test_a_volume_over_a_file_is_refused(tmp_path: Path) -> None:
    """IMG-CONF-05."""
    layout = Layout(tmp_path / "layout")
    layout.add(archive(entry("v")), config={"Cmd": ["c"], "Volumes": {"/v": {}}})
    assert "volume /v: v is not a folder" in fails(layout.path, tmp_path / "bundle")


# annotations

PREFIX = "org.opencontainers.image."


def test_what_the_config_says_becomes_annotations() -> None:
    """IMG-CONF-06."""
    extra: dict[str, Any] = {"author": "A", "created": "2026-01-01T00:00:00Z", "variant": "v2", "os.version": "14"}
    extra["os.features"] = ["a", "b"]
    held = image(
        extra=extra, Cmd=["c"], StopSignal="SIGINT", ExposedPorts={"80/tcp": {}, "53/udp": {}}, Labels={"l": "m"}
    )
    assert made(held)[0]["annotations"] == {
        f"{PREFIX}os": "linux",
        f"{PREFIX}architecture": "amd64",
        f"{PREFIX}variant": "v2",
        f"{PREFIX}author": "A",
        f"{PREFIX}created": "2026-01-01T00:00:00Z",
        f"{PREFIX}os.version": "14",
        f"{PREFIX}os.features": "a,b",
        f"{PREFIX}stopSignal": "SIGINT",
        f"{PREFIX}exposedPorts": "53/udp,80/tcp",
        "l": "m",
    }


def test_a_label_wins() -> None:
    """IMG-CONF-06."""
    held = image(Cmd=["c"], StopSignal="SIGINT", Labels={f"{PREFIX}stopSignal": "SIGTERM"})
    assert made(held)[0]["annotations"][f"{PREFIX}stopSignal"] == "SIGTERM"


def test_annotations_of_manifest_and_index_are_not_copied(tmp_path: Path) -> None:
    """IMG-CONF-06."""
    layout = Layout(tmp_path / "layout")
    layout.add(archive(entry("f")), config={"Cmd": ["c"]}, ref="name")
    bundle(layout.path, tmp_path / "bundle")
    held = json.loads((tmp_path / "bundle/config.json").read_text())["annotations"]
    assert set(held) == {f"{PREFIX}os", f"{PREFIX}architecture"}


UNSAFE = ("org.freebsd.jail.allow.mount", "org.systemd.property.ExecStartPre", "org.ringfence.driver", "bundle",
          "io.katacontainers.config.hypervisor.path", "run.oci.handler", "org.criu.config")  # fmt: skip


@pytest.mark.parametrize("key", UNSAFE)
def test_labels_that_a_runtime_obeys_are_left_out(key: str) -> None:
    """IMG-CONF-07."""
    config, warnings = made(image(Cmd=["c"], Labels={key: "x", "kept": "y"}))
    assert key not in config["annotations"]
    assert config["annotations"]["kept"] == "y"
    assert key in warnings[0]
    trusted, warnings = made(image(Cmd=["c"], Labels={key: "x"}), but(LINUX, trust_labels=True))
    assert (trusted["annotations"][key], warnings) == ("x", [])


KEY = re.compile(r"(?:org|io|com|run|dev|ocid)[./][\w./-]+")
NO_KEYS = ("org.freedesktop.", "org.opencontainers.runc.", "io.github.seccomp.")
"""Names of D-Bus, and what ``features`` tells."""


def annotations_in(path: Path) -> set[str]:
    """The texts of a module that may be annotations."""
    nodes = (node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
    return {text for text in nodes if isinstance(text, str) and KEY.fullmatch(text) and not text.startswith(NO_KEYS)}


def test_all_that_the_runtime_obeys_is_left_out() -> None:
    """IMG-CONF-07: an image must not choose a wall, a unit's properties, or another's machine to live in."""
    source = Path(SOURCE) / "ringfence"
    paths = (path for path in source.rglob("*.py") if path.relative_to(source).parts[0] != "image")
    found = {text for path in paths for text in annotations_in(path)}
    assert {"org.ringfence.driver", "org.criu.config"} <= found
    told = features("ringfence")["potentiallyUnsafeConfigAnnotations"]
    assert isinstance(told, list)
    assert [key for key in (*sorted(found), *told) if not key.startswith(OBEYED)] == []


# systems


def test_linux_gets_what_spec_writes() -> None:
    """IMG-CONF-08."""
    config, _ = made(image(Cmd=["c"]))
    usual = template(True, "test")
    assert config["mounts"] == usual["mounts"]
    assert config["linux"] == usual["linux"]
    assert config["process"]["capabilities"] == usual["process"]["capabilities"]
    assert config["root"] == {"path": "rootfs", "readonly": False}
    load_document(config)


@pytest.mark.parametrize(
    "fields",
    [
        {"caller": (1000, 1000)},
        {"uid_map": ((0, 100000, 65536),), "gid_map": ((0, 100000, 65536),)},
        {"terminal": True},
    ],
)
def test_the_config_is_one_that_create_takes(fields: dict[str, Any]) -> None:
    """IMG-CONF-08, IMG-BUNDLE-13: with maps the container gets a user namespace with the same."""
    config, _ = made(image(Cmd=["c"]), but(LINUX, **fields))
    loaded = load_document(json.loads(json.dumps(config)))
    assert loaded.process is not None
    kinds = [held["type"] for held in config["linux"]["namespaces"]]
    assert ("user" in kinds) == ("terminal" not in fields)
    if "uid_map" in fields:
        assert config["linux"]["uidMappings"] == [{"containerID": 0, "hostID": 100000, "size": 65536}]


def test_freebsd_gets_a_jail() -> None:
    """IMG-CONF-08: devices, and nothing that only another setting could give."""
    config, _ = made(image("freebsd", Cmd=["c"]))
    assert [(held["destination"], held["type"]) for held in config["mounts"]] == [
        ("/dev", "devfs"),
        ("/dev/fd", "fdescfs"),
    ]
    assert config["freebsd"]["jail"] == {"host": "new", "ip4": "disable", "ip6": "disable", "enforceStatfs": 2}
    assert "linux" not in config


def test_linux_on_freebsd_gets_its_file_systems() -> None:
    """IMG-CONF-08."""
    config, _ = made(image("linux", Cmd=["c"]), FREEBSD)
    mounts = {held["destination"]: (held["type"], held.get("options", [])) for held in config["mounts"]}
    assert mounts == {
        "/dev": ("devfs", []),
        "/dev/fd": ("fdescfs", ["linrdlnk"]),
        "/proc": ("linprocfs", []),
        "/sys": ("linsysfs", []),
        "/dev/shm": ("tmpfs", ["mode=1777"]),
    }
