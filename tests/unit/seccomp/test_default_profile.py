"""The default profile of Podman and Docker as an engine resolves it, with the numbers of the kernel's headers."""

from __future__ import annotations

import functools
import json
import os
import re
from typing import Any

import pytest

from ringfence.seccomp.compile import compile_program
from ringfence.spec.types import Seccomp, SeccompArg, SeccompSyscall
from tests.unit.seccomp.emulator import check, parse, run
from tests.unit.seccomp.meaning import X32_BIT, X86, X86_64, meaning

PROFILE = "/usr/share/containers/seccomp.json"
HEADERS = "/usr/include/x86_64-linux-gnu/asm"
ABIS = {"SCMP_ARCH_X86_64": "unistd_64.h", "SCMP_ARCH_X86": "unistd_32.h", "SCMP_ARCH_X32": "unistd_x32.h"}
DOCKER = ["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETUID", "CAP_SYS_CHROOT"]
CAPABILITIES = {
    "none": [],
    "usual": DOCKER,
    "audit": [*DOCKER, "CAP_AUDIT_WRITE"],
    "admin": ["CAP_SYS_ADMIN", "CAP_BPF", "CAP_SYS_PTRACE", "CAP_SYS_MODULE", "CAP_SYSLOG", "CAP_AUDIT_WRITE"],
}
ALLOWED = 0x7FFF0000
ARGUMENTS = [
    (0,) * 6,
    (2, 1, 6, 0, 0, 0),
    (16, 3, 9, 0, 0, 0),
    (38, 5, 0, 0, 0, 0),
    (40, 1, 0, 0, 0, 0),
    (0x10000000, 0x20000, 0, 0, 0, 0),
    (8, 0, 0, 0, 0, 0),
    (0x20008, 0, 9, 0, 0, 0),
    (0xFFFFFFFF, 0, 0, 0, 0, 0),
    (2**64 - 1,) * 6,
]


def number_table(abi: str) -> dict[str, int]:
    """Numbers by name from <asm/unistd_*.h>."""
    with open(os.path.join(HEADERS, ABIS[abi]), encoding="ascii") as file:
        found = re.findall(r"#define __NR_(\w+) (?:\(__X32_SYSCALL_BIT \+ )?(\d+)\)?", file.read())
    return {name: int(number) + (X32_BIT if abi == "SCMP_ARCH_X32" else 0) for name, number in found}


@functools.cache
def numbers() -> dict[str, dict[str, int]]:
    """All three tables, as far as the profile can be told: socketcall and ipc have tests of their own."""
    return {abi: number_table(abi) for abi in ABIS}


def selected(entry: dict[str, Any], capabilities: list[str]) -> bool:
    """Whether an engine passes the entry on for an amd64 container with these capabilities."""
    includes, excludes = entry.get("includes") or {}, entry.get("excludes") or {}
    return (
        set(includes.get("caps") or []) <= set(capabilities)
        and "amd64" in (includes.get("arches") or ["amd64"])
        and not set(excludes.get("caps") or []) & set(capabilities)
        and "amd64" not in (excludes.get("arches") or [])
    )


def argument(held: dict[str, Any]) -> SeccompArg:
    return SeccompArg(held["index"], held["value"], held["op"], held.get("valueTwo", 0))


def profile(capabilities: list[str], **more: Any) -> Seccomp:
    """The section an engine writes into config.json."""
    with open(PROFILE, encoding="utf-8") as file:
        held = json.load(file)
    entries = [
        SeccompSyscall(
            tuple(entry["names"]), entry["action"], entry.get("errnoRet"), tuple(map(argument, entry.get("args") or []))
        )
        for entry in held["syscalls"]
        if selected(entry, capabilities)
    ]
    settled = {"default_errno_ret": held.get("defaultErrnoRet"), **more}
    return Seccomp(held["defaultAction"], architectures=tuple(ABIS), syscalls=tuple(entries), **settled)


needs_profile = pytest.mark.skipif(
    not all(map(os.path.exists, (PROFILE, *(os.path.join(HEADERS, name) for name in ABIS.values())))),
    reason="needs golang-github-containers-common and linux-libc-dev of amd64",
)


@needs_profile
@pytest.mark.parametrize("errno", [38, 1, None])
@pytest.mark.parametrize("capabilities", CAPABILITIES.values(), ids=list(CAPABILITIES))
def test_default_profile(capabilities: list[str], errno: int | None) -> None:
    """LNX-SEC-01 to 07: every number up to 600 of all three ABIs, with arguments its rules look at."""
    section = profile(capabilities, default_errno_ret=errno)
    program = parse(compile_program(section, "x86_64"))
    check(program)
    for abi in ABIS:
        bit, architecture = (X32_BIT if abi.endswith("X32") else 0), (X86 if abi.endswith("X86") else X86_64)
        for number in range(bit, bit + 600):
            for arguments in ARGUMENTS if number - bit in DEPEND[abi] else ARGUMENTS[:1]:
                expected = meaning(section, numbers(), abi, number, arguments)
                assert run(program, number, architecture, arguments) == expected, (abi, number, arguments)


def depending(abi: str) -> set[int]:
    """Numbers whose rules look at arguments, for some container."""
    with open(PROFILE, encoding="utf-8") as file:
        names = {name for entry in json.load(file)["syscalls"] if entry.get("args") for name in entry["names"]}
    bit = X32_BIT if abi.endswith("X32") else 0
    return {numbers()[abi][name] - bit for name in names if name in numbers()[abi]}


DEPEND = {abi: depending(abi) for abi in ABIS} if not needs_profile.args[0] else {}


@needs_profile
def test_setns_of_the_default_profile() -> None:
    """LNX-SEC-04: the profile both allows and refuses setns; the earlier rule decides, as it does with libseccomp."""
    program = parse(compile_program(profile(DOCKER), "x86_64"))
    assert run(program, numbers()["SCMP_ARCH_X86_64"]["setns"], X86_64) == ALLOWED


@needs_profile
def test_the_default_profile_is_found_fast() -> None:
    """The longest way to the verdict about a number is that of halving, not of asking one by one."""
    program = parse(compile_program(profile(DOCKER), "x86_64"))
    assert max(steps(program, number) for number in range(600)) < 24


def steps(program: list[tuple[int, int, int, int]], number: int) -> int:
    """Instructions run for a call without arguments."""

    class Counted(list[tuple[int, int, int, int]]):
        fetched = 0

        def __getitem__(self, place: Any) -> Any:
            self.fetched += 1
            return super().__getitem__(place)

    counted = Counted(program)
    run(counted, number, X86_64)
    return counted.fetched
