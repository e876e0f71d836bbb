"""What the tools say, with samples of a real FreeBSD 14."""

from __future__ import annotations

import pytest

from ringfence.container.jail.stats import numbers
from ringfence.drivers.jail import output, query
from ringfence.drivers.jail.channel import error_of
from ringfence.drivers.jail.limits import cpus, rules
from ringfence.drivers.jail.made import Made, made_of_text, made_to_text
from ringfence.drivers.jail.output import JailLine, Process
from ringfence.drivers.jail.tools import Said, printable
from ringfence.errors import RingfenceError
from ringfence.jsontext import dumps
from ringfence.spec.load import load_resources

DEFAULT = (
    '{"__version": "2", "jail-information": '
    '{"jail": [{"jid":7,"name":"c1","dying":false,"path":"/jails/j1"},{"jid":9,"name":"c1.kid"}]}}'
)
STRINGS = (
    'JID  IP Address\n{"__version": "2", "jail-information": '
    '{"jail": [{"jid":"7","name":"c1","dying":"true","path":"/jails/j1","ip4.addr": []}]}}'
)


def test_jls_in_both_its_forms() -> None:
    """JAIL-STATE-04: numbers and booleans as such or as texts; a header before the JSON is no data."""
    assert output.jails(DEFAULT) == [JailLine(7, "c1", "/jails/j1", dying=False), JailLine(9, "c1.kid")]
    assert output.jails(STRINGS) == [JailLine(7, "c1", "/jails/j1", dying=True)]
    assert output.jails('{"__version": "2", "jail-information": {"jail": []}}') == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "jls: unknown",
        '{"jail-information": {"jail": 5}}',
        '{"jail-information": {"jail": [{"jid": 1}]}}',
        '{"jail-information": {"jail": [{"jid": "x", "name": "y"}]}}',
        '{"jail-information": {"jail": [{"jid": true, "name": "y"}]}}',
        '{"jail-information": {"jail": [',
    ],
)
def test_json_that_is_not_what_was_asked_for(text: str) -> None:
    """JAIL-ERR-04: an error with the first of it, no guess."""
    with pytest.raises(RingfenceError, match="cannot understand what jls says"):
        output.jails(text)


def test_lines_of_ps() -> None:
    """JAIL-STATE-04, JAIL-PORT-03: host and jail, zombies and stopped ones."""
    text = "   50   1 S+J     12 c1\n   51   - Is   99999 -\n\n   52   1 ZJ       0 c1\n 53 1 T+J 4 a name\n"
    found = output.processes(text)
    assert found[0] == Process(50, 1, "S+J", 12, "c1")
    assert found[1] == Process(51, 0, "Is", 99999, "-")
    assert found[2].is_zombie
    assert found[3].is_stopped
    assert found[3].jail == "a name"


@pytest.mark.parametrize("text", ["50 1 S+J", "x 1 S 5 c1", "50 1 S 00:05 c1", "50 1 S 5"])
def test_lines_of_ps_that_are_not_understood(text: str) -> None:
    """JAIL-ERR-04."""
    with pytest.raises(RingfenceError, match="cannot understand what ps says"):
        output.processes(text)


def test_the_mount_table_has_no_quotes_but_octal_digits() -> None:
    """JAIL-MNT-02."""
    text = "zroot/x /jails/a\\040b nullfs ro 0 0\ndevfs\t\t/jails/j\\134x/dev\tdevfs\trw 0 0\nshort\n"
    assert output.mounted(text) == ["/jails/a b", "/jails/j\\x/dev"]


def test_rules_of_devfs_lose_their_numbers() -> None:
    """JAIL-MNT-10."""
    assert output.rules("100 hide\n200 path null unhide\n") == ["hide", "path null unhide"]


@pytest.mark.parametrize(("text", "jid"), [("2\n", 2), ("", 0), ("2 3\n", 0), ("jail: x\n", 0), ("-1\n", 0)])
def test_the_number_that_jail_prints(text: str, jid: int) -> None:
    """JAIL-CREATE-02."""
    assert output.jid_of(text) == jid


def test_output_is_harmless_and_limited() -> None:
    """JAIL-ERR-04: what a terminal would obey is escaped, what is not UTF-8 replaced."""
    assert printable(b"a\x1b[2J\xffb\n\t") == "a\\x1b[2J\ufffdb\n\t"


def test_a_tools_sentence() -> None:
    """JAIL-ERR-01: without its prefix, in one line."""
    assert Said(1, "", "jail: x: failed\njail: gone\n").sentence("jail") == "x: failed; gone"
    assert Said(3, "", "").sentence("jail") == "exit status 3"


def resources(**members: object) -> list[str]:
    """The rules for some limits."""
    return [rule for _, rule in rules(load_resources(dumps(members)))]


@pytest.mark.parametrize(
    ("members", "made"),
    [
        ({"memory": {"limit": 64}}, ["memoryuse:deny=64"]),
        ({"memory": {"limit": 64, "swap": 100}}, ["memoryuse:deny=64", "swapuse:deny=36"]),
        ({"memory": {"limit": 64, "swap": 64}}, ["memoryuse:deny=64", "swapuse:deny=0"]),
        ({"memory": {"limit": -1, "swap": -1}}, []),
        ({"memory": {"limit": 64, "swap": -1}}, ["memoryuse:deny=64"]),
        ({"pids": {"limit": 0}}, ["maxproc:deny=1"]),
        ({"pids": {"limit": -1}}, []),
        ({"pids": {"limit": 20}}, ["maxproc:deny=20"]),
        ({"cpu": {"quota": 25000, "period": 100000}}, ["pcpu:deny=25"]),
        ({"cpu": {"quota": 25001}}, ["pcpu:deny=26"]),
        ({"cpu": {"quota": 1, "period": 1000000}}, ["pcpu:deny=1"]),
        ({"cpu": {"quota": -1}}, []),
        ({"blockIO": {"throttleReadBpsDevice": [{"major": 0, "minor": 0, "rate": 5}]}}, ["readbps:throttle=5"]),
        ({"blockIO": {"throttleWriteBpsDevice": [{"major": 0, "minor": 0, "rate": 5}]}}, ["writebps:throttle=5"]),
        ({"blockIO": {"throttleReadIOPSDevice": [{"major": 0, "minor": 0, "rate": 5}]}}, ["readiops:throttle=5"]),
        ({"blockIO": {"throttleWriteIOPSDevice": [{"major": 0, "minor": 0, "rate": 5}]}}, ["writeiops:throttle=5"]),
        ({}, []),
    ],
)
def test_limits_as_rules(members: dict[str, object], made: list[str]) -> None:
    """JAIL-UPD-01, JAIL-UPD-03."""
    assert resources(**members) == made


def test_a_list_of_processors() -> None:
    """JAIL-UPD-02."""
    assert cpus(load_resources('{"cpu": {"cpus": "0-1, 3"}}')) == "0-1,3"
    assert cpus(load_resources("{}")) == cpus(None) == ""


def test_counters_of_rctl() -> None:
    """JAIL-STAT-01: in the places where runc has them, and all of them as they are."""
    counted = output.usage("cputime=2\nmemoryuse=4096\nswapuse=8\nmaxproc=3\npcpu=0\n")
    told = numbers(counted, load_resources('{"memory": {"limit": 9000}, "pids": {"limit": 7}}'))
    assert told["cpu"] == {"usage": {"total": 2 * 10**9, "percpu": [], "kernel": 0, "user": 0}}
    assert told["pids"] == {"current": 3, "limit": 7}
    memory = told["memory"]
    assert isinstance(memory, dict)
    assert (memory["usage"]["usage"], memory["usage"]["limit"], memory["swap"]["usage"]) == (4096, 9000, 8)
    assert told["raw"] == counted
    with pytest.raises(RingfenceError, match="cannot understand what rctl says"):
        output.usage("memoryuse: 5\n")


def test_whose_jail_it_is() -> None:
    """JAIL-NAME-06, JAIL-CRASH-03: JID and name, and without a JID name and root."""
    jails = [JailLine(7, "web", "/r"), JailLine(8, "web.kid", "/r/kid"), JailLine(9, "other", "/r")]
    assert query.ours(jails, Made(name="web", jid=7, path="/r")) == jails[0]
    assert query.ours(jails, Made(name="web", jid=9, path="/r")) is None
    assert query.ours(jails, Made(name="web", path="/r")) == jails[0]
    assert query.ours(jails, Made(name="web", path="/elsewhere")) is None
    assert query.ours(jails, Made(name="web")) is None
    assert query.children(jails, jails[0]) == [jails[1]]


def test_the_record_of_what_is_made() -> None:
    """JAIL-CRASH-02: comes back as it was written, or is known to be damaged."""
    made = Made(name="web", jid=7, mounts=("/a", "/b"), paused=True, born=5)
    assert made_of_text(made_to_text(made)) == made
    whole = made_to_text(made)
    for text in ("", "[]", "{}", whole[: len(whole) // 2], whole.replace("7", '"7"'), whole.replace("true", "1")):
        with pytest.raises(RingfenceError, match="damaged"):
            made_of_text(text)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"errno": "x"}', b"\xff\xfe"])
def test_what_the_entry_point_says_is_not_trusted(raw: bytes) -> None:
    """JAIL-CREATE-08: it is in the jail by then."""
    assert error_of(raw).errno == 0


@pytest.mark.parametrize(
    ("moment", "fits"), [(8800, True), (8999, True), (9500, True), (8600, False), (10400, False), (0, False)]
)
def test_when_a_process_was_started_is_known_between_two_looks(moment: int, fits: bool) -> None:
    """JAIL-STATE-02: ps may have taken long, and been asked long ago; it cuts off what is no whole second."""
    # Asked at 100 s, answered at 105 s, and it had run for 10 to 11 seconds then.
    process = Process(50, 1, "SJ", 10, "c1", asked=(10000, 10500))
    assert process.began(moment, 200) is fits
