"""From ids to names of jails."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.cli.container_id import check_id
from ringfence.drivers.jail.names import LONGEST, jail_name
from ringfence.errors import RingfenceError
from ringfence.spec.rules.jail.names import is_numeric, is_plain

IDS = st.text("abcZ09_+-.", min_size=1, max_size=300).filter(lambda text: text not in (".", ".."))


@pytest.mark.parametrize("name", ["web", "Web", "123abc", "a+b_c-d", "0x10"])
def test_an_id_that_jail_takes_is_the_name(name: str) -> None:
    """JAIL-NAME-02, JAIL-NAME-03."""
    assert jail_name(name) == name


@pytest.mark.parametrize("name", ["0", "7", "0123", "+5", "-5"])
def test_a_number_is_mapped(name: str) -> None:
    """JAIL-NAME-03: the tools would take it for a JID."""
    assert is_numeric(name)
    made = jail_name(name)
    assert made != name
    assert not is_numeric(made)


@pytest.mark.parametrize("name", ["a.b", ".a", "-x", "rf_web", "rf_"])
def test_dots_options_and_our_own_prefix_are_mapped(name: str) -> None:
    """JAIL-NAME-04, JAIL-NAME-05: a dot would mean a child, a dash an option."""
    made = jail_name(name)
    assert made != name
    assert is_plain(made)


@given(IDS, IDS)
def test_no_two_ids_have_one_name(first: str, second: str) -> None:
    """JAIL-NAME-05: also where the name is a digest."""
    assert (jail_name(first) == jail_name(second)) == (first == second)


@given(IDS)
def test_every_name_is_one_that_jail_takes(name: str) -> None:
    """JAIL-NAME-03, JAIL-NAME-04, JAIL-NAME-05."""
    made = jail_name(name)
    assert is_plain(made)
    assert not is_numeric(made)
    assert len(made) <= LONGEST


def test_the_parents_name_counts() -> None:
    """JAIL-NAME-05, JAIL-CFG-11."""
    assert jail_name("web", "pod") == "pod.web"
    assert jail_name("a.b", "pod.inner") == "pod.inner.rf_a+db"
    assert len(jail_name("x" * 250, "pod")) <= LONGEST
    with pytest.raises(RingfenceError) as caught:
        jail_name("x" * 250, "p" * 250)
    assert caught.value.field == "/freebsd/jail/parent"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0", "a\n", "a:b", "*", "a b"])
def test_ids_that_there_are_not(name: str) -> None:
    """JAIL-NAME-01: refused before anything is touched."""
    with pytest.raises(RingfenceError):
        check_id(name)
