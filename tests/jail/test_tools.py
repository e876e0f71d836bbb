"""The stand-ins against what was measured on FreeBSD 14.0: words in, output and status out (JAIL-PORT-05)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jail.harness import poll
from tests.jail.standin import StandIn
from tests.jail.tools.rctl import RESOURCES
from tests.jail.tools.state import run

Answer = tuple[int, str, str]


class Bench:
    """The tools, called in this process."""

    def __init__(self, host: StandIn, capture: pytest.CaptureFixture[str]) -> None:
        self.host = host
        self.capture = capture

    def __call__(self, name: str, *words: str) -> Answer:
        """Status, output and errors of a call; PATH in words and answers stands for the test's folder."""
        self.capture.readouterr()
        status = run(f"{self.host.bin}/{name}", [word.replace("PATH", self.host.folder) for word in words])
        out, err = self.capture.readouterr()
        return status, out.replace(self.host.folder, "PATH"), err.replace(self.host.folder, "PATH")

    def line(self, text: str) -> Answer:
        """The same for words in one text."""
        return self(*text.split())


@pytest.fixture
def bench(standin: StandIn, capfd: pytest.CaptureFixture[str]) -> Iterator[Bench]:
    """The tools, and a root for jails."""
    os.makedirs(f"{standin.folder}/j1/mnt")
    os.makedirs(f"{standin.folder}/j1/dev")
    held = Bench(standin, capfd)
    yield held
    held("jail", "-R", "*")


PLAIN = "path=PATH/j1 persist"
REFUSED = [
    ("jail -c name=j1 path=PATH/j1 persist", 'jail: "j1" already exists'),
    ("jail -c name=c4 path=PATH/j1", "jail: new jail must persist or attach"),
    ("jail -c name=c4 path=/nonexistent persist", "jail: path /nonexistent: No such file or directory"),
    (f"jail -c name=c4 {PLAIN} bogus.param=1", "jail: unknown parameter: bogus.param"),
    (f"jail -c name=c4 {PLAIN} ip4=maybe", 'jail: ip4: unknown jailsys value "maybe"'),
    (f"jail -c name=c4 {PLAIN} ip4.addr=300.1.1.1", "jail: ip4.addr: not an IPv4 address: 300.1.1.1"),
    (f"jail -c name=c4 {PLAIN} allow.mount=perhaps", 'jail: allow.mount: unknown boolean value "perhaps"'),
    (
        f"jail -c name=c4 {PLAIN} vnet=new ip4.addr=10.0.0.1",
        "jail: vnet jails cannot have IP address restrictions",
    ),
    (f"jail -c name=c.x {PLAIN}", 'jail: jail "c" not found'),
    (f"jail -c name=0123 {PLAIN}", "jail: name cannot be numeric (unless it is the jid)"),
    (f"jail -c name={'n' * 260} {PLAIN}", "jail: jail_set: File name too long"),
    ("jail -m name=j1 path=/", "jail: path cannot be changed after creation"),
    ("jail -m name=nosuch persist", 'jail: "nosuch" not found'),
    ("jail -r nosuch", 'jail: "nosuch" not found'),
    ("jail -R nosuch", 'jail: "nosuch" not found'),
    ("jls nosuchparam", "jls: unknown parameter: nosuchparam"),
    ("ps -J nosuch", "ps: Invalid jail id: nosuch"),
    ("jexec nosuch sh", 'jexec: jail "nosuch" not found'),
    ("jexec 99 sh", "jexec: jail 99 not found"),
    ("rctl -a jail:i1:bogus:deny=5", "rctl: failed to add rule 'jail:i1:bogus:deny=5': Invalid argument"),
    ("rctl -a jail:i1:readbps:deny=5", "rctl: failed to add rule 'jail:i1:readbps:deny=5': Operation not supported"),
    ("rctl -r jail:i1", "rctl: failed to remove rule 'jail:i1': No such process"),
    ("cpuset -l 99 -j j1", "cpuset: setaffinity: Invalid argument"),
    ("umount PATH/j1", "umount: PATH/j1: unknown file system"),
    ("mount -t tmpfs tmpfs PATH/none", "mount: PATH/none: No such file or directory"),
    ("ifconfig nosuch0", "ifconfig: interface nosuch0 does not exist"),
    ("ifconfig nosuch0 vnet j1", "ifconfig: interface nosuch0 does not exist"),
]


def test_what_the_tools_refuse(bench: Bench) -> None:
    """JAIL-PORT-05, JAIL-ERR-02: each sentence as it was measured, with status 1 and nothing on standard output."""
    assert bench.line(f"jail -c name=j1 {PLAIN}") == (0, "", "")
    for line, sentence in REFUSED:
        assert bench.line(line) == (1, "", f"{sentence}\n"), line


def test_what_jail_takes(bench: Bench) -> None:
    """The names that work, and what is printed: nothing, or the JID with -i."""
    for name in ("123abc", "a+b_c-d", "n" * 255):
        assert bench.line(f"jail -c name={name} {PLAIN}") == (0, "", "")
    assert bench("jail", "-c", "name=a b", "path=PATH/j1", "persist") == (0, "", "")
    assert bench.line(f"jail -i -c name=c2 {PLAIN}") == (0, "5\n", "")
    assert bench.line(f"jail -i -c name=77 {PLAIN}") == (0, "77\n", "")
    assert bench.line("jail -m name=c2 host.hostname=newname allow.raw_sockets") == (0, "", "")
    assert bench.line("jls -j c2 host.hostname allow.raw_sockets") == (0, "newname true\n", "")
    status, _, usage = bench.line("jail -r")
    assert (status, usage[:6]) == (1, "usage:")


def test_removing_without_a_configuration_file(bench: Bench) -> None:
    """``-r '*'`` removes nothing and is a success; ``-R '*'`` removes all."""
    bench.line(f"jail -c name=c1 {PLAIN}")
    assert bench("jail", "-r", "*") == (0, "", "")
    assert bench.line("jls -j c1 name")[0] == 0
    assert bench("jail", "-R", "*") == (0, "", "")
    assert bench.line("jls -j c1 name")[0] == 1


def test_jails_in_jails(bench: Bench) -> None:
    """A child needs room in its parent, counts there, and goes with it."""
    bench.line(f"jail -c name=p1 {PLAIN}")
    assert bench.line(f"jail -c name=p1.in {PLAIN}")[2] == "jail: prison limit exceeded\n"
    bench.line("jail -m name=p1 children.max=1")
    assert bench.line(f"jail -i -c name=p1.in {PLAIN}")[:2] == (0, "2\n")
    assert bench.line("jls -j p1.in name parent")[1] == "p1.in 1\n"
    assert bench.line("jls -j p1 children.cur")[1] == "1\n"
    bench.line("jail -r p1")
    assert bench.line("jls -j p1.in name")[0] == 1


def test_what_jls_prints(bench: Bench) -> None:
    """JAIL-STATE-04: the header comes before the error; without names a JID is a number, with names all is text."""
    assert bench.line("jls --libxo json")[1] == '{"__version": "2", "jail-information": {"jail": []}}\n'
    bench.line(f"jail -c name=c1 {PLAIN}")
    bench.line(f"jail -c name=j7 {PLAIN} ip4.addr=127.0.0.5")
    status, out, error = bench.line("jls -j nosuch")
    assert (status, error) == (1, 'jls: jail "nosuch" not found\n')
    assert out.split() == ["JID", "IP", "Address", "Hostname", "Path"]
    assert bench.line("jls -j c1 jid name path dying")[1] == "1 c1 PATH/j1 false\n"
    assert bench.line("jls -j c1 host.hostname ip4.addr")[1] == '"" -\n'
    assert bench.line("jls -n -j c1 jid persist dying allow.mount")[1] == "jid=1 persist nodying allow.nomount\n"
    assert bench.line("jls --libxo json -j j7")[1] == (
        '{"__version": "2", "jail-information": {"jail": '
        '[{"jid":2,"ipv4":"127.0.0.5","hostname":"","path":"PATH/j1"}]}}\n'
    )
    assert bench.line("jls --libxo json -j j7 jid ip4.addr")[1] == (
        '{"__version": "2", "jail-information": {"jail": [{"jid":"2", "ip4.addr": ["127.0.0.5"]}]}}\n'
    )
    held = json.loads(bench.line("jls --libxo json -n -j c1")[1])["jail-information"]["jail"][0]
    assert (held["persist"], held["dying"], held["enforce_statfs"], held["ip4.addr"]) == (True, False, "2", [])


def test_what_ps_prints(bench: Bench) -> None:
    """JAIL-PS-01: one -o per keyword, or the rest is a header; an empty jail has status 1; a jailed STAT has a J."""
    host = bench.host
    host.tool("jail", "-c", "name=c1", f"path={host.template}", "persist").ok()
    assert bench.line("ps -J c1 -o pid=") == (1, "", "")
    child = subprocess.Popen([host.tools["jexec"], "c1", "/bin/sleep", "100"], env={"PATH": "/bin"})
    try:
        poll(lambda: bench.line("ps -J 1 -o command=")[1] == "/bin/sleep 100\n", "the jailed process")
        pid = str(child.pid)
        assert bench.line("ps -J c1 -o pid= -o jid= -o jail=")[1].split() == [pid, "1", "c1"]
        assert "J" in bench.line("ps -J c1 -o stat=")[1]
        assert bench.line("ps -J 1 -o pid=,stat=")[1].splitlines()[0].strip() == ",stat="
        status, out, _ = bench.line("ps --libxo json -J c1 -o pid,ppid,jid,state,command")
        row = json.loads(out)["process-information"]["process"][0]
        assert (status, row["pid"], row["jail-id"]) == (0, pid, "1")
        assert sorted(row) == ["command", "jail-id", "pid", "ppid", "state"]
        assert bench.line(f"ps -p {os.getpid()} -o jid= -o jail=")[1].split() == ["0", "-"]
        child.send_signal(signal.SIGSTOP)
        poll(lambda: bench.line("ps -J c1 -o stat=")[1].startswith("T"), "the stop")
        child.send_signal(signal.SIGCONT)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == -signal.SIGKILL


def test_rules_of_rctl_outlive_the_jail(bench: Bench) -> None:
    """JAIL-UPD-04, JAIL-STAT-02: rules need no jail, filters match parts, and usage of an unknown jail is all zeros."""
    assert bench.line("rctl -a jail:i1:memoryuse:deny=67108864") == (0, "", "")
    assert bench.line("rctl -a jail:i1:readbps:throttle=1024") == (0, "", "")
    assert bench.line("rctl jail:i1")[1] == "jail:i1:memoryuse:deny=67108864\njail:i1:readbps:throttle=1024\n"
    assert bench.line("rctl -r jail:i1:readbps") == (0, "", "")
    assert bench.line("rctl -r jail:i1") == (0, "", "")
    assert bench.line("rctl -u jail:i1") == (0, "".join(f"{name}=0\n" for name in RESOURCES), "")
    assert len(RESOURCES) == 25
    with bench.host.held() as state:
        state.data["sysctl"]["kern.racct.enable"] = "0"
    status, _, error = bench.line("rctl -u jail:i1")
    assert (status, error) == (
        1,
        "rctl: RACCT/RCTL present, but disabled; enable using kern.racct.enable=1 tunable\n",
    )
    with bench.host.held() as state:
        del state.data["sysctl"]["kern.racct.enable"]
    assert bench.line("rctl")[2] == "rctl: RACCT/RCTL support not present in kernel; see rctl(8) for details\n"


def test_processors_of_a_jail(bench: Bench) -> None:
    """What cpuset shows and takes."""
    bench.line(f"jail -c name=c1 {PLAIN}")
    assert bench.line("cpuset -g -j c1")[1] == "jail 1 mask: 0, 1, 2, 3\n"
    assert bench.line("cpuset -l 0 -j c1") == (0, "", "")
    assert bench.line("cpuset -g -j 1")[1] == "jail 1 mask: 0\n"


def test_a_ruleset_that_is_not_there_hides_nothing(bench: Bench) -> None:
    """JAIL-MNT-10: all of /dev shows, memory and disks too, until rules say otherwise."""
    dev = Path(bench.host.folder, "j1", "dev")
    assert bench.line("devfs rule -s 4 show") == (0, "", "")
    assert bench.line("mount -t devfs -o ruleset=4 devfs PATH/j1/dev") == (0, "", "")
    assert {"mem", "kmem", "ada0", "null"} <= set(os.listdir(dev))
    assert bench.line("devfs -m PATH/j1/dev rule apply hide") == (0, "", "")
    assert os.listdir(dev) == []
    bench.line("devfs -m PATH/j1/dev rule apply path null unhide")
    bench.line("devfs -m PATH/j1/dev rule apply path zero mode 0600 unhide")
    assert sorted(os.listdir(dev)) == ["null", "zero"]
    assert (dev / "zero").stat().st_mode & 0o777 == 0o600
    bench.line("umount PATH/j1/dev")
    bench.line("devfs rule -s 4 add hide")
    bench.line("devfs rule -s 4 add path null unhide")
    assert bench.line("devfs rule -s 4 show")[1] == "100 hide\n200 path null unhide\n"
    bench.line("mount -t devfs -o ruleset=4 devfs PATH/j1/dev")
    assert os.listdir(dev) == ["null"]
    bench.line("umount -f PATH/j1/dev")


def test_mounts(bench: Bench) -> None:
    """JAIL-MNT-05: what mount says of sources and nodes, and how the table shows it."""
    folder = Path(bench.host.folder)
    (folder / "a b").mkdir()
    (folder / "file").write_text("text")
    assert bench.line("mount -t nullfs /nosuch PATH/j1/mnt") == (
        64,
        "",
        "mount_nullfs: /nosuch: No such file or directory\n",
    )
    assert bench.line("mount -t nullfs PATH/file PATH/j1/mnt")[0] == 1
    assert bench("mount", "-t", "nullfs", "-o", "ro", "PATH/j1", "PATH/a b") == (0, "", "")
    assert bench.line("mount -p")[1] == "PATH/j1\tPATH/a\\040b\tnullfs\tro\t0 0\n"
    assert json.loads(bench.line("mount --libxo json")[1])["mount"]["mounted"] == [
        {"special": "PATH/j1", "node": "PATH/a b", "fstype": "nullfs", "opts": ["local", "read-only"]}
    ]
    assert (folder / "a b" / "mnt").is_dir()
    assert bench("umount", "PATH/a b") == (0, "", "")
    assert bench.line("mount -t tmpfs -o size=16m,mode=1777 tmpfs PATH/j1/mnt") == (0, "", "")
    assert (folder / "j1/mnt").stat().st_mode & 0o7777 == 0o1777
    assert bench.line("umount PATH/j1/mnt") == (0, "", "")


def test_interfaces_go_into_a_jail_and_come_back(bench: Bench) -> None:
    """JAIL-NET-04: a pair is made, one end moves, and it is back when the jail goes."""
    assert bench.line("ifconfig epair create") == (0, "epair0a\n", "")
    bench.line(f"jail -c name=v1 {PLAIN} vnet=new")
    assert bench.line("ifconfig epair0b vnet v1") == (0, "", "")
    assert bench.line("ifconfig epair0b")[2] == "ifconfig: interface epair0b does not exist\n"
    assert bench.line("ifconfig epair0b -vnet v1") == (0, "", "")
    bench.line("ifconfig epair0b vnet v1")
    bench.line("jail -r v1")
    assert bench.line("ifconfig -l")[1] == "lo0 epair0a epair0b\n"


def test_parameters_of_modules_are_there_while_they_are_loaded(bench: Bench) -> None:
    """JAIL-CFG-10: the system tells which parameters it has."""
    assert "security.jail.param.allow.mount.tmpfs: " in bench.line("sysctl -d security.jail.param")[1]
    assert "security.jail.param.ip4.:" in bench.line("sysctl -d security.jail.param")[1]
    with bench.host.held() as state:
        state.data["modules"].remove("tmpfs")
    assert "allow.mount.tmpfs" not in bench.line("sysctl -d security.jail.param")[1]
    assert bench.line(f"jail -c name=x {PLAIN} allow.mount.tmpfs")[2] == "jail: unknown parameter: allow.mount.tmpfs\n"
    assert bench.line("sysctl -n security.jail.jailed")[1] == "0\n"
