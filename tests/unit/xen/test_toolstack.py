"""What xl prints, and what it means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.container.domain_state import status_of
from ringfence.container.record import ContainerRecord
from ringfence.drivers.xen.failure import failure, first_line, is_gone
from ringfence.drivers.xen.listing import Domain, own, parse_line, parse_list
from ringfence.drivers.xen.report import Report, parse_report
from ringfence.errors import RingfenceError
from tests.unit.xen.samples import UUID

HEAD = (
    "Name                                        ID   Mem VCPUs\tState\tTime(s)   UUID             Reason-Code\tLabel"
)
ZERO = (
    "Domain-0                 0   512     1     r-----      20.1 00000000-0000-0000-0000-000000000000           -     -"
)
FACTS = {
    "name": "web",
    "kernel": "/k",
    "kernel_field": "/vm/kernel/path",
    "memory": "512",
    "memory_field": "/linux/resources/memory/limit",
    "free": "9 are free",
    "floor": "96",
    "image": "/i",
    "bridge": "nobr",
    "bridge_field": "/process/env",
    "state": "/run/x",
    "kept": "/run/kept.cfg",
}


def line(state: str, reason: str = "-", name: str = "web", uuid: str = UUID, vcpus: int = 1) -> str:
    """One line of the list."""
    return (
        f"{name}                 7   128     {vcpus}     {state}       0.7 {uuid}           {reason}                -"
    )


@pytest.mark.parametrize(
    ("state", "is_created", "status"),
    [
        ("--p---", True, "created"),
        ("--p---", False, "paused"),
        ("r-----", False, "running"),
        ("-b----", False, "running"),
        ("------", False, "running"),
        ("---s--", False, "stopped"),
        ("---sr-", False, "stopped"),
        ("---sc-", True, "stopped"),
        ("--ps--", True, "stopped"),
        ("-----d", False, "stopped"),
        ("----c-", False, "stopped"),
    ],
)
def test_the_status(tmp_path: object, state: str, is_created: bool, status: str) -> None:
    """XEN-STATE-01: the letters of an end beat every other one; time is no matter; PVH has 0 processors then."""
    from pathlib import Path

    folder = Path(str(tmp_path))
    if is_created:
        (folder / "exec.fifo").write_text("")
    found = parse_line(line(state, vcpus=0 if "s" in state else 1))
    assert status_of(ContainerRecord(str(folder), "web", "", "", ""), found) == status


def test_a_domain_that_is_gone_has_stopped() -> None:
    """XEN-STATE-02: a number or name that another has by now is no proof."""
    record = ContainerRecord("/nowhere", "web", "", "", "")
    domains = parse_list("\n".join([HEAD, ZERO, line("-b----", uuid="1" * 8 + UUID[8:])]))
    assert own(domains, UUID) is None
    assert status_of(record, own(domains, UUID)) == "stopped"
    assert own(parse_list("\n".join([HEAD, line("-b----")])), UUID) is not None


@pytest.mark.parametrize(
    ("state", "reason", "ending"),
    [
        ("---s--", "0", "poweroff"),
        ("---sr-", "1", "reboot"),
        ("---ss-", "2", "suspend"),
        ("---sc-", "3", "crash"),
        ("---sw-", "4", "watchdog"),
        ("r-----", "-", ""),
        ("---sc-", "-", "crash"),
    ],
)
def test_why_it_has_ended(state: str, reason: str, ending: str) -> None:
    """XEN-STATE-04."""
    found = parse_line(line(state, reason))
    assert found is not None
    assert found.ending == ending


@pytest.mark.parametrize("name", ["web", "------", "r-----", "a b c", "1 2 3 r----- 0.5", "--p---"])
def test_names_that_look_like_columns(name: str) -> None:
    """XEN-STATE-01: a name may be anything."""
    assert parse_line(line("-b----", name=name)) == Domain(name, 7, 128, 1, "-b----", 0.7, UUID, -1)


@given(st.text(max_size=300))
def test_no_text_is_taken_for_a_list(text: str) -> None:
    """XEN-STATE-03: what cannot be read is an error, never an end."""
    try:
        found = parse_list(text)
    except RingfenceError:
        return
    assert all(len(domain.state) == 6 for domain in found)


@pytest.mark.parametrize("text", ["", "garbage\n", f"{HEAD}\nweb 1 2\n"])
def test_broken_lists_are_errors(text: str) -> None:
    """XEN-STATE-03."""
    with pytest.raises(RingfenceError):
        parse_list(text)


def test_gone_is_told_by_code_and_words() -> None:
    """XEN-STATE-03, XEN-ERR-09: the same words with exit code 0 prove nothing."""
    words = "web is an invalid domain identifier (rc=-6)"
    assert is_gone(1, words)
    assert is_gone(1, "Error: Domain '7' does not exist.")
    assert not is_gone(0, words)
    assert not is_gone(1, "xc: error")


@pytest.mark.parametrize(
    ("said", "words", "field"),
    [
        ('Domain 2:Domain with name "web" already exists.', "a domain called web is there already", ""),
        ("xg_dom_core.c:205: failed to open file '/k': No such", "cannot open the kernel /k", "/vm/kernel/path"),
        ("xc_dom_find_loader: no loader found: Invalid kernel", "/k is no kernel", "/vm/kernel/path"),
        ("can't allocate low memory for domain: Out of memory", "(9 are free)", "/linux/resources/memory/limit"),
        (
            "segment kernel too large (0x3a00 > 0): Out of memory",
            "512 MiB are too few",
            "/linux/resources/memory/limit",
        ),
        ("Disk vdev=xvda failed to stat: /i: No such", "the image /i is not there", "/vm/image/path"),
        (
            "killing execution of /etc/xen/scripts/block add because of timeout",
            "did not come to its end",
            "/vm/image/path",
        ),
        ("script: Could not find bridge device nobr", "the bridge nobr is not there", "/process/env"),
        ("neither hap nor shadow paging available", "cannot run a PVH domain", ""),
        ("Failed to read config file: /x: No such file", "the container's folder has been removed", ""),
        ("ERROR:  Can't find hypervisor information in sysfs!", "this is no dom0", ""),
        ("cannot init xl context", "this is no dom0", ""),
        ('xl: command not implemented: "create"', "this xl is too old", ""),
        ("config parsing error near <newline>: syntax error", "kept at /run/kept.cfg", ""),
        ("Unknown on_poweroff action", "does not understand the file", ""),
        ("guest didn't acknowledge control request: -9", "the guest does not react", ""),
    ],
)
def test_what_xl_says(said: str, words: str, field: str) -> None:
    """XEN-ERR-02, XEN-ERR-03, XEN-ERR-04, XEN-ERR-05, XEN-ERR-06, XEN-ERR-07, XEN-ERR-10, XEN-ERR-11."""
    error = failure("create", 3, f"Parsing config from f\n{said}\nlibxl: Unable to destroy guest\n", FACTS)
    assert words in f"{error.attempted} {error.hint}"
    assert error.field == field
    assert not any(code in error.attempted for code in ("no such file", "permission denied"))


def test_what_is_not_known_is_shown() -> None:
    """XEN-ERR-01: with the exit code and the first line that is no noise, of a bounded length."""
    said = "Parsing config from x\nlibxl: Unable to destroy guest\nlibxl: something \x1b[1m new\nmore\n"
    error = failure("create", 3, said, FACTS)
    assert error.attempted == "xl create has failed with exit code 3: libxl: something ?[1m new"
    assert len(first_line("x" * 10000)) <= 400


@pytest.mark.parametrize("value", ["0 exit", "42 exit", "143 signal", "137 oom", "255 failed"])
def test_reports(value: str) -> None:
    """XEN-RUN-02."""
    number, word = value.split()
    assert parse_report(value) == Report(int(number), word)


@pytest.mark.parametrize(
    "value",
    ["", "0", "exit", "256 exit", "-1 exit", "01 exit", "0 exit ", "0  exit", "0 gone", "٣ exit", "0 exit" + " " * 99],
)
def test_what_is_no_report(value: str) -> None:
    """XEN-RUN-02, XEN-SEC-02: anything else counts as none."""
    assert parse_report(value) is None


@given(st.text(max_size=40))
def test_no_report_is_taken_for_more(value: str) -> None:
    """XEN-SEC-02."""
    found = parse_report(value)
    assert found is None or (0 <= found.status <= 255 and found.why in ("exit", "signal", "oom", "failed"))
