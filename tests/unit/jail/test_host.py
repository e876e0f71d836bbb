"""What a jail needs of the host: its settings, its features, its neighbours, and the name of the system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ringfence.cli.log import Log
from ringfence.container.bundle import Read, read_document
from ringfence.container.choice import Choice, decide_wall
from ringfence.container.jail.create import check_here
from ringfence.container.jail.kill import kill
from ringfence.container.jail.neighbours import check_neighbours
from ringfence.container.jail.planning import path_cautions, prepare
from ringfence.container.jail.wall import journal_of, load_made
from ringfence.container.record import ContainerRecord, save_record
from ringfence.container.runtime import WALLS, CreateOptions, Runtime, Source
from ringfence.drivers.jail.made import Made
from ringfence.errors import RingfenceError
from ringfence.features import features
from ringfence.host import freebsd
from ringfence.jsontext import dumps
from ringfence.settings import Settings, parse_settings
from tests.unit.jail.configs import Document, jail, loaded, mounts, plain, plan_of


class Heard(Log):
    """A log that keeps its warnings."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def warning(self, text: str) -> None:
        self.told.append(text)


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    (tmp_path / "state").mkdir()
    return Runtime(str(tmp_path / "state"), Heard(), {}, str(tmp_path))


def container(runtime: Runtime, name: str, **made: object) -> ContainerRecord:
    """A container on record, and what has been made for it."""
    record = ContainerRecord(f"{runtime.root}/{name}", name, "/b", "/b/rootfs", "now", driver="jail")
    os.mkdir(record.directory)
    save_record(record)
    journal_of(record, Made(name=name)).note(**made)
    return record


def bundle(tmp_path: Path, document: Document) -> Read:
    """A bundle on disk, read."""
    (tmp_path / "rootfs/etc").mkdir(parents=True, exist_ok=True)
    (tmp_path / "config.json").write_text(dumps(document))
    return read_document(Source(str(tmp_path)))


def prepared(runtime: Runtime, tmp_path: Path, document: Document) -> list[str]:
    """The cautions about a bundle that has been decided on."""
    read = bundle(tmp_path, document)
    made = prepare(runtime, "web", CreateOptions(bundle=str(tmp_path)), read, Choice("jail", "--driver"))
    return list(made.cautions)


def test_the_tools_are_where_the_administrator_says() -> None:
    """JAIL-PORT-05: by absolute paths in ringfence.toml, never by a variable."""
    text = b'[jail]\njls = "/opt/jls"\nallow-nullfs = true\nmounts = ["zfs"]\nlibc = "libc.so.8"\n'
    told = parse_settings(text, "toml", WALLS).jail
    assert (told.jls, told.jail, told.nullfs, told.mounts) == ("/opt/jls", "/usr/sbin/jail", True, ("zfs",))
    assert told.libc == "libc.so.8"
    assert Settings().jail.libc == "libc.so.7"


@pytest.mark.parametrize(
    "line", ['jls = "jls"', 'libc = "lib/x"', 'libc = ""', 'mounts = ["ext2fs"]', "annotations = 1", 'jexec = "/x"']
)
def test_settings_that_are_wrong(line: str) -> None:
    """JAIL-MNT-04, JAIL-PORT-05."""
    with pytest.raises(RingfenceError):
        parse_settings(f"[jail]\n{line}\n".encode(), "toml", WALLS)


def test_where_there_can_be_a_jail(monkeypatch: pytest.MonkeyPatch) -> None:
    """JAIL-CREATE-13: only on FreeBSD and only for root, said before anything is made."""
    with pytest.raises(RingfenceError, match='the driver "jail" is not available: this system is Linux, not FreeBSD'):
        check_here()
    monkeypatch.setattr(freebsd, "uname", lambda: ("FreeBSD", "14.0-STABLE"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    check_here()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(RingfenceError, match="permission denied"):
        check_here()


def test_on_freebsd_a_container_is_a_jail(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """JAIL-CREATE-13, JAIL-COMPAT-07: by default, and features tells the wall, its tools and hooks."""
    monkeypatch.setattr(freebsd, "uname", lambda: ("FreeBSD", "14.0-STABLE"))
    assert decide_wall(runtime, {}, Settings()).driver == "jail"
    told = features("runj")
    annotations = told["annotations"]
    assert isinstance(annotations, dict)
    assert annotations["org.ringfence.driver"] == "jail"
    assert "ps" in annotations["org.ringfence.jail.tools"].split()
    assert "linux" not in told
    assert isinstance(told["hooks"], list)
    assert len(told["hooks"]) == 6


@pytest.mark.parametrize(("release", "number"), [("14.0-STABLE", 14), ("15.0-CURRENT", 15), ("6.18.44", 6), ("x", 14)])
def test_the_major_release(release: str, number: int) -> None:
    """JAIL-PROC-01."""
    assert freebsd.major(release) == number


def test_a_folder_that_two_containers_may_write_to(runtime: Runtime) -> None:
    """JAIL-MNT-17: a warning that names the other."""
    container(runtime, "other", sources=("/srv/data",))
    os.mkdir(f"{runtime.root}/@cache")
    record = container(runtime, "web")
    writable = plan_of(mounts({"destination": "/data", "source": "/srv/data"}))
    check_neighbours(runtime, record, writable)
    assert isinstance(runtime.log, Heard)
    assert len(runtime.log.told) == 1
    assert "container other" in runtime.log.told[0]
    check_neighbours(
        runtime, record, plan_of(mounts({"destination": "/data", "source": "/srv/data", "options": ["ro"]}))
    )
    check_neighbours(runtime, record, plan_of(mounts({"destination": "/data", "source": "/srv/else"})))
    assert len(runtime.log.told) == 1


def test_an_interface_of_another_container(runtime: Runtime) -> None:
    """JAIL-NET-03: its holder is named; a broken record beside it does not matter."""
    container(runtime, "other", interfaces=("epair0b",))
    record = container(runtime, "web")
    os.mkdir(f"{runtime.root}/broken")
    Path(f"{runtime.root}/broken/jail.json").write_text("{")
    plan = plan_of(jail(vnet="new", vnetInterfaces=["epair0b"]))
    with pytest.raises(RingfenceError, match="container other") as caught:
        check_neighbours(runtime, record, plan)
    assert caught.value.field == "/freebsd/jail/vnetInterfaces/0"


def test_a_network_of_its_own_is_left_as_the_kernel_makes_it() -> None:
    """JAIL-NET-05: lo0 stays down, nothing but the interfaces asked for is touched."""
    plan = plan_of(jail(vnet="new", vnetInterfaces=["epair0b"]))
    assert [row.text for row in plan.rows() if "interface" in row.text] == ["the interface epair0b into the jail"]
    assert not [row for row in plan.rows() if "lo0" in row.text]


def test_the_root_is_a_folder_and_not_the_hosts(runtime: Runtime, tmp_path: Path) -> None:
    """JAIL-CREATE-03."""
    for path, words in (
        ("/", "host's own root"),
        ("nosuch", "no such file or directory"),
        ("config.json", "directory"),
    ):
        with pytest.raises(RingfenceError, match=words) as caught:
            prepared(runtime, tmp_path, plain(root={"path": path}))
        assert caught.value.field == "/root/path"
    (tmp_path / "link").symlink_to("rootfs")
    read = bundle(tmp_path, plain(root={"path": "link"}))
    made = prepare(runtime, "web", CreateOptions(bundle=str(tmp_path)), read, Choice("jail", "--driver"))
    assert made.rootfs == str(tmp_path / "rootfs")


def test_paths_to_be_masked(runtime: Runtime, tmp_path: Path) -> None:
    """JAIL-CFG-14: a warning for those that the root does not have, refused if it has one."""
    told = prepared(runtime, tmp_path, plain(linux={"maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"]}))
    assert [text.split(":")[0] for text in told] == ["/linux/maskedPaths", "/linux/readonlyPaths"]
    with pytest.raises(RingfenceError) as caught:
        prepared(runtime, tmp_path, plain(linux={"readonlyPaths": ["/x", "/etc"]}))
    assert caught.value.field == "/linux/readonlyPaths/1"
    assert path_cautions(loaded(plain()).config, str(tmp_path)) == []


def test_the_extension_beside_the_configuration(runtime: Runtime, tmp_path: Path) -> None:
    """JAIL-CFG-17: a regular file of at most 1 MiB; what is kept holds it."""
    read = bundle(tmp_path, plain())
    extension = tmp_path / "runj.ext.json"
    extension.write_text('{"network": {"ipv4": {"mode": "inherit"}}}')
    made = prepare(runtime, "web", CreateOptions(bundle=str(tmp_path)), read, Choice("jail", "--driver"))
    assert '"ip4":"inherit"' in made.text
    for text in ("{", '{"net": 1}', " " * (1 << 20) + "{}"):
        extension.write_text(text)
        with pytest.raises(RingfenceError, match=r"runj\.ext\.json"):
            prepared(runtime, tmp_path, plain())
    extension.unlink()
    extension.symlink_to("/dev/null")
    with pytest.raises(RingfenceError, match=r"runj\.ext\.json"):
        prepared(runtime, tmp_path, plain())


@pytest.mark.parametrize("number", [-1, 127])
def test_signals_that_there_are_not(runtime: Runtime, number: int) -> None:
    """JAIL-KILL-03."""
    with pytest.raises(RingfenceError, match="invalid signal"):
        kill(runtime, container(runtime, "web"), number, everything=False)


def test_the_record_of_a_jail_on_disk(runtime: Runtime) -> None:
    """JAIL-CRASH-02: read back as it was noted; damaged, it says how to get rid of it."""
    record = container(runtime, "web", jid=5, mounts=("/a",))
    journal = journal_of(record)
    journal.append("mounts", "/b")
    assert load_made(record).mounts == ("/a", "/b")
    Path(f"{record.directory}/jail.json").write_text('{"name":')
    with pytest.raises(RingfenceError, match="damaged") as caught:
        load_made(record)
    assert caught.value.hint == "remove it with: delete --force web"
