"""Device rules of both cgroup versions against what the specification says about each access."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.cgroups.bpf import ACCESS_BITS, KIND_BITS, device_program
from ringfence.cgroups.devices import ALWAYS_ALLOWED, device_list, difference, line, parse_list, reduce
from ringfence.errors import RingfenceError
from ringfence.spec.types import DeviceRule
from tests.unit.cgroups.machine import run_program

DENY_ALL = DeviceRule(allow=False, access="rwm")
ALLOW_ALL = DeviceRule(allow=True, access="rwm")
NULL = ("c", 1, 3)

numbers = st.one_of(st.none(), st.integers(-1, 3))
device_rules = st.builds(
    DeviceRule,
    allow=st.booleans(),
    type=st.sampled_from((None, "a", "b", "c")),
    major=numbers,
    minor=numbers,
    access=st.one_of(st.none(), st.text("rwmx", max_size=3)),
)
rule_lists = st.lists(device_rules, max_size=8).map(tuple)
devices = st.tuples(st.sampled_from("bc"), st.integers(0, 4), st.integers(0, 4))


def permitted(rules: tuple[DeviceRule, ...], device: tuple[str, int, int], letter: str) -> bool:
    """What config-linux.md says: the last rule that speaks of this access to this device decides."""
    always = tuple(DeviceRule(True, *entry) for entry in ALWAYS_ALLOWED)
    answer = False
    for rule in rules + always:
        if rule.type in (None, "a") or (
            rule.type == device[0]
            and rule.major in (None, -1, device[1])
            and rule.minor in (None, -1, device[2])
            and letter in ("rwm" if rule.access is None else rule.access)
        ):
            answer = rule.allow
    return answer


def v1_permits(rules: tuple[DeviceRule, ...], device: tuple[str, int, int], letter: str) -> bool:
    """What the kernel answers when it has the list (security/device_cgroup.c)."""
    allow_all, exceptions = device_list(rules)
    found = any(
        kind == device[0] and major in (-1, device[1]) and minor in (-1, device[2]) and letter in access
        for (kind, major, minor), access in exceptions.items()
    )
    return found != allow_all


def v2_permits(rules: tuple[DeviceRule, ...], device: tuple[str, int, int], letters: str) -> bool:
    """What the program answers."""
    kind, major, minor = device
    access = sum(ACCESS_BITS[letter] for letter in letters)
    return run_program(device_program(*reduce(rules)), (access << 16 | KIND_BITS[kind], major, minor)) == 1


@given(rule_lists, devices, st.sampled_from(("r", "w", "m", "rw", "rwm")))
def test_v2_program_lets_the_last_rule_win(
    rules: tuple[DeviceRule, ...], device: tuple[str, int, int], letters: str
) -> None:
    """LNX-DEVC-04, LNX-DEVC-05, LNX-DEVC-06, LNX-DEVC-09."""
    assert v2_permits(rules, device, letters) == all(permitted(rules, device, letter) for letter in letters)


@given(rule_lists, devices, st.sampled_from("rw"))
def test_v1_list_lets_the_last_rule_win(
    rules: tuple[DeviceRule, ...], device: tuple[str, int, int], letter: str
) -> None:
    """LNX-DEVC-04, LNX-DEVC-05, LNX-DEVC-06; our own rules never open what a rule with a wildcard closed."""
    try:
        answer = v1_permits(rules, device, letter)
    except RingfenceError:
        return
    if any((kind, major, minor) == device for kind, major, minor, _access in ALWAYS_ALLOWED):
        assert answer <= permitted(rules, device, letter)
    else:
        assert answer == permitted(rules, device, letter)


def test_without_rules_only_the_default_devices_are_allowed() -> None:
    """LNX-DEVC-07."""
    assert device_list(None) == device_list((DENY_ALL,))
    allow_all, exceptions = device_list(None)
    assert not allow_all
    assert [line(key, access) for key, access in exceptions.items()] == [
        "c *:* m",
        "b *:* m",
        "c 1:3 rwm",
        "c 1:5 rwm",
        "c 1:7 rwm",
        "c 1:8 rwm",
        "c 1:9 rwm",
        "c 5:0 rwm",
        "c 5:2 rwm",
        "c 136:* rwm",
    ]


def test_a_rule_of_type_a_starts_anew_whatever_else_it_says() -> None:
    """LNX-DEVC-05."""
    narrow = DeviceRule(allow=True, type="a", major=1, minor=3, access="r")
    assert device_list((DENY_ALL, DeviceRule(False, "c", 9, 9), narrow)) == (True, {})


def test_unknown_letters_of_an_access_do_no_harm() -> None:
    """LNX-DEVC-04."""
    _all, exceptions = device_list((DENY_ALL, DeviceRule(True, "c", 10, 200, "wxr"), DeviceRule(True, "c", 11, 0, "x")))
    assert exceptions["c", 10, 200] == "rw"
    assert ("c", 11, 0) not in exceptions


def test_v1_refuses_a_hole_in_a_wildcard_and_says_which_rule() -> None:
    with pytest.raises(RingfenceError) as caught:
        device_list((DENY_ALL, DeviceRule(True, "c", 10, None, "rwm"), DeviceRule(False, "c", 10, 200, "w")))
    assert caught.value.field == "/linux/resources/devices/2"


def test_existence_check_passes_for_a_device_that_is_allowed_for_reading_and_writing() -> None:
    """LNX-DEVC-10."""
    assert v2_permits((DENY_ALL, DeviceRule(True, "c", 10, 229, "rw")), ("c", 10, 229), "")


def test_numbers_no_device_has_match_nothing_in_the_program() -> None:
    rules = (DENY_ALL, DeviceRule(True, "c", 2**32 - 1, 3, "rwm"))
    assert device_program(*reduce(rules)) == device_program(*reduce((DENY_ALL,)))


def test_privileged_containers_start_from_everything() -> None:
    assert difference("a *:* rwm\n", True, ()) == [("devices.allow", "a")]


def test_difference_from_a_new_cgroup_denies_all_first() -> None:
    """LNX-DEVC-08."""
    assert difference("a *:* rwm\n", False, ("c 1:3 rwm",)) == [
        ("devices.deny", "a"),
        ("devices.allow", "c 1:3 rwm"),
    ]


def test_difference_widens_before_it_narrows_and_leaves_the_rest_alone() -> None:
    """LNX-DEVC-08."""
    now = "c 1:3 rwm\nc 5:* rw\nb 8:0 r\n"
    assert difference(now, False, ("c 1:3 rwm", "c 5:* rm", "c 9:9 r")) == [
        ("devices.allow", "c 5:* m"),
        ("devices.allow", "c 9:9 r"),
        ("devices.deny", "c 5:* w"),
        ("devices.deny", "b 8:0 r"),
    ]


@given(rule_lists, rule_lists)
def test_difference_leads_from_any_list_to_the_wished_one(
    before: tuple[DeviceRule, ...], after: tuple[DeviceRule, ...]
) -> None:
    """LNX-DEVC-08."""
    try:
        states = [
            device_list((DENY_ALL, *(rule for rule in rules if rule.type in ("b", "c")))) for rules in (before, after)
        ]
    except RingfenceError:
        return
    lines = [tuple(line(key, access) for key, access in exceptions.items()) for _all, exceptions in states]
    held = dict(states[0][1])
    for file, entry in difference("\n".join(lines[0]), False, lines[1]):
        ((key, access),) = parse_list(entry)[1].items()
        letters = set(held.get(key, ""))
        letters = letters | set(access) if file == "devices.allow" else letters - set(access)
        held[key] = "".join(letter for letter in "rwm" if letter in letters)
    assert {key: access for key, access in held.items() if access} == states[1][1]
