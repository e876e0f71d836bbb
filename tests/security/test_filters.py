"""System call filters: ways round a rule that stands in the profile."""

from __future__ import annotations

import errno
from typing import Any

from tests.conformance.inside import inside
from tests.conformance.probe import failed, install_probe
from tests.support import Bundle, Runtime
from tests.support.mark import unlike_runc

AF_ALG, SOCK_SEQPACKET = 38, 5
SOCKET, SOCKET_32, SOCKETCALL_32, GETPGID, PERSONALITY_32 = 41, 359, 102, 121, 136
ABIS = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
X32_BIT = 0x40000000
ENODATA = failed(errno.ENODATA)


def use(bundle: Bundle, *rules: dict[str, Any], **more: Any) -> None:
    """Everything is allowed but what the rules say; they answer with ENODATA, which nothing else does."""
    install_probe(bundle)
    entries = [{"action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENODATA, **rule} for rule in rules]
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ABIS, "syscalls": entries, **more}


def compared(index: int, op: str, value: int) -> dict[str, Any]:
    """One entry of args."""
    return {"index": index, "op": f"SCMP_CMP_{op}", "value": value}


def test_a_forbidden_family_has_no_side_door(runtime: Runtime, bundle: Bundle) -> None:
    """CVE-2026-31431: a profile forbids AF_ALG. Neither another ABI nor socketcall(2) opens such a socket."""
    use(bundle, {"names": ["socket"], "args": [compared(0, "EQ", AF_ALG)]})
    calls = [
        f"sys {SOCKET} {AF_ALG} {SOCK_SEQPACKET}",
        f"sys {SOCKET | X32_BIT} {AF_ALG} {SOCK_SEQPACKET}",
        f"int80 {SOCKET_32} {AF_ALG} {SOCK_SEQPACKET}",
        f"int80 {SOCKETCALL_32} 1 0",
    ]
    assert inside(runtime, bundle, "; ".join(f"probe {call}" for call in calls)).splitlines() == [ENODATA] * 4


def test_upper_halves_of_32_bit_arguments_hide_nothing(runtime: Runtime, bundle: Bundle) -> None:
    """A 64-bit program fills the whole register before int 0x80; the kernel looks at its lower half."""
    use(bundle, {"names": ["personality"], "args": [compared(0, "EQ", 8)]})
    script = f"probe int80 {PERSONALITY_32} 8; probe int80 {PERSONALITY_32} {(0xABCD << 32) + 8}"
    assert inside(runtime, bundle, script).splitlines() == [ENODATA] * 2


@unlike_runc("libseccomp 2.5.4 merges the two rules into one that forbids too much", always=False)
def test_two_rules_of_64_bits_are_two_rules(runtime: Runtime, bundle: Bundle) -> None:
    """GHSA-4q85-33p6-j5g6: each of these values is refused by one rule, allowed by none, and so on."""
    use(
        bundle,
        {"names": ["getpgid"], "args": [compared(1, "GE", 2), compared(2, "EQ", 1)]},
        {
            "names": ["getpgid"],
            "args": [
                compared(2, "GE", (1 << 32) + 1),
                compared(1, "GT", 0xFFFFFFFF),
                compared(3, "LT", 0xFFFFFFFF00000000),
            ],
        },
    )
    refused = ["0 6 1 0", f"0 {1 << 32} {1 << 33} 5"]
    passed = ["0 1 1 0", f"0 6 {(1 << 63) - 1} 5", f"0 {1 << 32} {1 << 32} 0", f"0 6 2 {(1 << 64) - 1}"]
    out = inside(runtime, bundle, "; ".join(f"probe sys {GETPGID} {call}" for call in (*refused, *passed))).splitlines()
    assert out[:2] == [ENODATA] * 2
    assert all(line.startswith("ok") for line in out[2:])


@unlike_runc("lets the first of the two decide")
def test_a_stricter_rule_with_arguments_is_heeded(runtime: Runtime, bundle: Bundle) -> None:
    """A long list that allows a call does not undo a rule that forbids some uses of it."""
    use(
        bundle,
        {"names": ["getpgid"], "action": "SCMP_ACT_LOG", "errnoRet": None},
        {"names": ["getpgid"], "args": [compared(1, "EQ", 7)]},
    )
    del bundle.linux["seccomp"]["syscalls"][0]["errnoRet"]
    out = inside(runtime, bundle, f"probe sys {GETPGID} 0 7; probe sys {GETPGID} 0 8").splitlines()
    assert (out[0], out[1][:2]) == (ENODATA, "ok")


def test_an_abi_that_is_not_covered_is_closed(runtime: Runtime, bundle: Bundle) -> None:
    """A profile for x86_64 alone: calls by int 0x80 and x32 numbers do not pass unfiltered, they kill."""
    use(bundle, {"names": ["socket"]}, architectures=["SCMP_ARCH_X86_64"])
    for call in (f"int80 {SOCKET_32} 1 1", f"sys {SOCKET | X32_BIT} 1 1"):
        bundle.args("probe", *call.split())
        assert runtime.run_bundle(bundle).code == 128 + 31
