"""The program against the plain meaning of its section, call by call."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.errors import RingfenceError
from ringfence.seccomp.calls import Calls
from ringfence.seccomp.compile import compile_program
from ringfence.spec.types import Seccomp, SeccompArg, SeccompSyscall
from tests.unit.seccomp.emulator import check, parse, run
from tests.unit.seccomp.meaning import ENOSYS, KILL, X32_BIT, X86, X86_64, meaning

ALLOW, ERRNO = "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"
ALLOWED, EPERM = 0x7FFF0000, 0x50001
NATIVE = "SCMP_ARCH_X86_64"
ABIS = {NATIVE: (X86_64, 0), "SCMP_ARCH_X86": (X86, 0), "SCMP_ARCH_X32": (X86_64, X32_BIT)}
# From the kernel's syscall_64.tbl and syscall_32.tbl; none of them can be multiplexed.
NUMBERS_64 = {"read": 0, "open": 2, "mprotect": 10, "clone": 56, "getpgid": 121, "personality": 135, "mount": 165,
              "unshare": 272, "clone3": 435, "openat2": 437}  # fmt: skip
NUMBERS_32 = {"read": 3, "open": 5, "mprotect": 125, "clone": 120, "getpgid": 132, "personality": 136, "mount": 21,
              "unshare": 310, "clone3": 435, "openat2": 437, "chown32": 212, "waitpid": 7}  # fmt: skip
NUMBERS = {
    NATIVE: NUMBERS_64,
    "SCMP_ARCH_X86": NUMBERS_32,
    "SCMP_ARCH_X32": {name: number | X32_BIT for name, number in NUMBERS_64.items()},
}

VALUES = [0, 1, 2, 7, 0xFFFFFFFE, 0xFFFFFFFF, 1 << 32, (1 << 32) + 1, (1 << 32) + 7, 0xFFFFFFFF00000000, 1 << 63]
POINTS = sorted({(value + by) % (1 << 64) for value in VALUES for by in (-1, 0, 1)})
OPERATORS = ["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"]
ACTIONS = ["KILL", "KILL_PROCESS", "KILL_THREAD", "TRAP", "ERRNO", "TRACE", "LOG", "ALLOW", "NOTIFY"]

errnos = st.sampled_from([None, 0, 1, 38, 4095])
values = st.sampled_from(POINTS) | st.integers(0, 2**64 - 1)


@st.composite
def comparisons(draw: st.DrawFn) -> SeccompArg:
    op = draw(st.sampled_from(OPERATORS))
    value, second = draw(values), draw(values)
    kept = second & value if draw(st.booleans()) else second
    return SeccompArg(draw(st.integers(0, 3)), value, f"SCMP_CMP_{op}", kept if op == "MASKED_EQ" else 0)


@st.composite
def actions(draw: st.DrawFn, names: list[str]) -> tuple[str, int | None]:
    action = f"SCMP_ACT_{draw(st.sampled_from(names))}"
    return action, draw(errnos) if action in (ERRNO, "SCMP_ACT_TRACE") else None


@st.composite
def rules(draw: st.DrawFn) -> SeccompSyscall:
    known = [*NUMBERS_32, "no_such_call", "read\0", "réad"]
    names = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3))
    action, errno = draw(actions(ACTIONS))
    return SeccompSyscall(tuple(names), action, errno, tuple(draw(st.lists(comparisons(), max_size=4))))


@st.composite
def sections(draw: st.DrawFn) -> Seccomp:
    default, errno = draw(actions(ACTIONS[:-1]))
    listed = draw(st.lists(st.sampled_from(sorted(ABIS)), max_size=4))
    return Seccomp(default, errno, tuple(listed), syscalls=tuple(draw(st.lists(rules(), max_size=7))))


@settings(max_examples=300, deadline=None)
@given(sections(), st.lists(st.lists(st.sampled_from(POINTS), min_size=6, max_size=6), min_size=4, max_size=6))
def test_program_means_what_the_section_says(section: Seccomp, arguments: list[list[int]]) -> None:
    """LNX-SEC-01 to 07: for calls listed, between, above, and by every ABI, with arguments around the values."""
    program = parse(compile_program(section, "x86_64"))
    check(program)
    for abi, (architecture, bit) in ABIS.items():
        known = NUMBERS[abi].values()
        for number in sorted({*known, *(number + 1 for number in known), bit, 1000 | bit}):
            for given_arguments in arguments:
                expected = meaning(section, NUMBERS, abi, number, given_arguments)
                assert run(program, number, architecture, given_arguments) == expected, (abi, number, given_arguments)


def section(
    *entries: SeccompSyscall, default: str = ERRNO, errno: int | None = None, abis: tuple[str, ...] = ()
) -> Seccomp:
    return Seccomp(default, errno, abis, syscalls=entries)


def decided(given_section: Seccomp, number: int, *arguments: int, architecture: int = X86_64) -> int:
    program = parse(compile_program(given_section, "x86_64"))
    check(program)
    return run(program, number, architecture, arguments)


def test_calls_newer_than_the_profile_do_not_exist() -> None:
    """LNX-SEC-06: number 1000 is ENOSYS, unshare is EPERM."""
    profile = section(SeccompSyscall(("read", "clone3"), ALLOW))
    assert decided(profile, 1000) == ENOSYS
    assert decided(profile, 436) == ENOSYS
    assert decided(profile, NUMBERS_64["unshare"]) == EPERM


@pytest.mark.parametrize("action", ["KILL", "KILL_PROCESS", "KILL_THREAD", "TRAP", "ERRNO"])
def test_every_refusing_default_has_that_limit(action: str) -> None:
    """LNX-SEC-06: whatever refuses the older calls, newer ones get ENOSYS."""
    assert decided(section(SeccompSyscall(("read",), ALLOW), default=f"SCMP_ACT_{action}"), 1000) == ENOSYS


@pytest.mark.parametrize("action", ["ALLOW", "LOG", "TRACE"])
def test_a_permissive_default_has_no_limit(action: str) -> None:
    """LNX-SEC-06: what would be let pass or handed to a tracer is not turned into ENOSYS."""
    assert decided(section(SeccompSyscall(("read",), "SCMP_ACT_KILL"), default=f"SCMP_ACT_{action}"), 1000) != ENOSYS


def test_a_given_default_errno_is_for_older_calls() -> None:
    """LNX-SEC-06: with defaultErrnoRet 6 unshare gives ENXIO; newer calls still do not exist, as with runc."""
    profile = section(SeccompSyscall(("read", "clone3"), ALLOW), errno=6)
    assert decided(profile, NUMBERS_64["unshare"]) == 0x50006
    assert decided(profile, 1000) == ENOSYS


def test_a_rule_that_equals_the_default_still_counts_as_mention() -> None:
    """LNX-SEC-05, LNX-SEC-06: clone3 is no newer than a profile that refuses it by name."""
    profile = section(SeccompSyscall(("read",), ALLOW), SeccompSyscall(("clone3",), ERRNO))
    assert decided(profile, NUMBERS_64["clone3"]) == EPERM
    assert decided(profile, NUMBERS_64["clone3"] + 1) == ENOSYS


def test_a_profile_without_calls_refuses_all() -> None:
    """LNX-SEC-06: where no call is mentioned nothing is newer than the profile."""
    assert {decided(section(), number) for number in (0, 272, 1000)} == {EPERM}


def test_the_strictest_of_several_rules_wins_in_any_order() -> None:
    """LNX-SEC-04: a rule with arguments is not made meaningless by a looser one without."""
    loose = SeccompSyscall(("personality",), ALLOW)
    strict = SeccompSyscall(("personality",), "SCMP_ACT_TRAP", None, (SeccompArg(0, 8, "SCMP_CMP_EQ"),))
    for entries in ((loose, strict), (strict, loose)):
        assert decided(section(*entries), NUMBERS_64["personality"], 8) == 0x30000
        assert decided(section(*entries), NUMBERS_64["personality"], 9) == ALLOWED


def test_the_first_of_several_rules_without_arguments_counts() -> None:
    """LNX-SEC-04: Podman's profile allows setns and later refuses it; with every other runtime it is allowed."""
    entries = SeccompSyscall(("unshare",), ALLOW), SeccompSyscall(("unshare",), "SCMP_ACT_TRAP")
    assert decided(section(*entries), NUMBERS_64["unshare"]) == ALLOWED
    assert decided(section(*reversed(entries)), NUMBERS_64["unshare"]) == 0x30000


def test_merging_64_bit_comparisons_of_two_rules_allows_nothing_more() -> None:
    """GHSA-4q85-33p6-j5g6: libseccomp 2.5.4 lets argument 1 = 2**63-1 pass here, which neither rule allows."""
    args = [SeccompArg(0, 2, "SCMP_CMP_GE"), SeccompArg(1, 1, "SCMP_CMP_EQ")]
    more = [SeccompArg(1, (1 << 32) + 1, "SCMP_CMP_GE"), SeccompArg(0, 0xFFFFFFFF, "SCMP_CMP_GT")]
    more.append(SeccompArg(2, 0xFFFFFFFF00000000, "SCMP_CMP_LT"))
    profile = section(
        SeccompSyscall(("open",), ALLOW, None, tuple(args)), SeccompSyscall(("open",), ALLOW, None, tuple(more))
    )
    assert decided(profile, NUMBERS_64["open"], 6, (1 << 63) - 1, 5) == EPERM


def test_a_32_bit_call_is_judged_by_what_the_kernel_uses() -> None:
    """A 64-bit program may leave anything in the upper half of a register before int 0x80."""
    rule = SeccompSyscall(("personality",), "SCMP_ACT_KILL", None, (SeccompArg(0, 8, "SCMP_CMP_EQ"),))
    profile = section(rule, default=ALLOW, abis=("SCMP_ARCH_X86",))
    assert decided(profile, NUMBERS_32["personality"], (0xABCD << 32) + 8, architecture=X86) == KILL


def test_no_32_bit_argument_equals_a_value_of_more_bits() -> None:
    """libseccomp compares with the lower half of such a value, and so allows what was never listed."""
    rule = SeccompSyscall(("personality",), ALLOW, None, (SeccompArg(0, 1 << 32, "SCMP_CMP_EQ"),))
    assert decided(section(rule, abis=("SCMP_ARCH_X86",)), NUMBERS_32["personality"], 0, architecture=X86) == EPERM


def test_an_unlisted_abi_kills() -> None:
    """LNX-SEC-07: what is not covered is no way round the filter."""
    profile = section(default=ALLOW)
    assert decided(profile, 0) == ALLOWED
    assert decided(profile, 3, architecture=X86) == KILL
    assert decided(profile, X32_BIT) == KILL
    assert decided(profile, 0, architecture=0xC00000B7) == KILL


def test_the_native_abi_is_covered_though_only_another_is_listed() -> None:
    """LNX-SEC-07: the native architecture always is."""
    profile = section(SeccompSyscall(("read",), ALLOW), abis=("SCMP_ARCH_X86",))
    assert decided(profile, 0) == ALLOWED
    assert decided(profile, 3, architecture=X86) == ALLOWED


def test_jumps_are_right_beyond_their_256_instructions() -> None:
    """Hundreds of rules with arguments lie between the first test of the number and the last call."""
    many = tuple(
        SeccompSyscall(("mprotect",), ALLOW, None, (SeccompArg(0, value << 20, "SCMP_CMP_EQ"),)) for value in range(300)
    )
    profile = section(SeccompSyscall(("read", "clone3"), ALLOW), *many, abis=("SCMP_ARCH_X86", "SCMP_ARCH_X32"))
    assert decided(profile, NUMBERS_64["mprotect"], 299 << 20) == ALLOWED
    assert decided(profile, NUMBERS_64["mprotect"], 300 << 20) == EPERM
    assert decided(profile, NUMBERS_64["clone3"]) == ALLOWED
    assert decided(profile, NUMBERS_32["clone3"], architecture=X86) == ALLOWED
    assert decided(profile, 1000 | X32_BIT) == ENOSYS


def test_a_filter_too_long_for_the_kernel_is_refused() -> None:
    """GHSA-2hqh-5c36-grrm: 20 000 rules end in an error, not in a damaged heap."""
    entries = tuple(
        SeccompSyscall(("read",), ALLOW, None, tuple(SeccompArg(index, value, "SCMP_CMP_EQ") for index in range(6)))
        for value in range(20_000)
    )
    with pytest.raises(RingfenceError, match="Linux takes 4096") as caught:
        compile_program(section(*entries), "x86_64")
    assert caught.value.field == "/linux/seccomp"


def test_a_multiplexed_call_is_ruled_like_the_call_itself() -> None:
    """socket(2) of a 32-bit program may come as socketcall(2) with number 1."""
    profile = section(SeccompSyscall(("socket",), ALLOW), abis=("SCMP_ARCH_X86",))
    assert decided(profile, 359, architecture=X86) == ALLOWED
    assert decided(profile, 102, 1, architecture=X86) == ALLOWED
    assert decided(profile, 102, 2, architecture=X86) == EPERM


def test_arguments_that_cannot_be_seen_are_taken_for_the_worst() -> None:
    """socketcall(2) hides the arguments of socket(2): what allows some is left out, what forbids some is not."""
    some = (SeccompArg(0, 38, "SCMP_CMP_EQ"),)
    allows = section(SeccompSyscall(("socket",), ALLOW, None, some), abis=("SCMP_ARCH_X86",))
    assert decided(allows, 359, 38, architecture=X86) == ALLOWED
    assert decided(allows, 102, 1, architecture=X86) == EPERM
    forbids = section(SeccompSyscall(("socket",), ERRNO, None, some), default=ALLOW, abis=("SCMP_ARCH_X86",))
    assert decided(forbids, 102, 1, architecture=X86) == EPERM
    assert decided(forbids, 102, 2, architecture=X86) == ALLOWED


def test_a_rule_for_the_multiplexer_itself_decides() -> None:
    """Docker's profile allows socketcall(2) by name, whatever it says of socket(2)."""
    some = SeccompSyscall(("socket",), ERRNO, 22, (SeccompArg(0, 16, "SCMP_CMP_EQ"),))
    profile = section(some, SeccompSyscall(("socketcall",), ALLOW), abis=("SCMP_ARCH_X86",))
    assert decided(profile, 102, 1, architecture=X86) == ALLOWED


def test_ipc_version_bits_do_not_hide_the_call() -> None:
    """ipc(2) takes a version in the upper half of its first argument."""
    profile = section(SeccompSyscall(("shmat",), ERRNO), default=ALLOW, abis=("SCMP_ARCH_X86",))
    assert {decided(profile, 117, 21 | version << 16, architecture=X86) for version in (0, 1)} == {EPERM}
    assert decided(profile, 397, architecture=X86) == EPERM


def test_big_endian_arguments() -> None:
    """On s390x the upper half of an argument comes first, and the program is in its byte order."""
    rule = SeccompSyscall(("personality",), ALLOW, None, (SeccompArg(1, (5 << 32) + 9, "SCMP_CMP_GT"),))
    program = parse(compile_program(section(rule), "s390x"), ">")
    check(program)
    personality, s390x = 136, 0x80000016
    assert run(program, personality, s390x, (0, (5 << 32) + 10), ">") == ALLOWED
    assert run(program, personality, s390x, (0, (5 << 32) + 9), ">") == EPERM
    assert run(program, personality, s390x, (0, (4 << 32) + 10), ">") == EPERM


def test_s390_calls_its_kernel_does_not_know() -> None:
    """LNX-SEC-06: they arrive as number 0 there, which no program uses otherwise."""
    program = parse(compile_program(section(SeccompSyscall(("personality",), ALLOW)), "s390x"), ">")
    assert run(program, 0, 0x80000016, (), ">") == ENOSYS
    assert run(program, 1, 0x80000016, (), ">") == EPERM


def test_private_calls_of_arm_are_not_newer() -> None:
    """LNX-SEC-06: set_tls has number 983045 there, yet clone3 is the newest call of this profile."""
    profile = section(SeccompSyscall(("set_tls", "clone3"), ALLOW), abis=("SCMP_ARCH_ARM",))
    program = parse(compile_program(profile, "aarch64"))
    found = {number: run(program, number, 0x40000028) for number in (434, 435, 436, 983044, 983045, 983046)}
    assert found == {434: EPERM, 435: ALLOWED, 436: ENOSYS, 983044: ENOSYS, 983045: ALLOWED, 983046: ENOSYS}


def test_an_architecture_unknown_to_the_library_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """LNX-SEC-07: what cannot be filtered is not let through."""
    monkeypatch.setattr(Calls, "number", lambda calls, name: 0)
    monkeypatch.setattr(Calls, "known", property(lambda calls: calls._architecture != X86))
    with pytest.raises(RingfenceError, match="does not know the architecture") as caught:
        compile_program(section(abis=("SCMP_ARCH_X32", "SCMP_ARCH_X86")), "x86_64")
    assert caught.value.field == "/linux/seccomp/architectures/1"


def test_a_machine_without_a_name_needs_the_architecture() -> None:
    """LNX-SEC-07: both byte orders of MIPS are called mips."""
    with pytest.raises(RingfenceError, match="must be given on a machine called mips"):
        compile_program(section(), "mips")
