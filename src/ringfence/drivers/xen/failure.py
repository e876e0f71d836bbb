"""What xl says when it fails, and what that means: one table. Pure (XEN-ERR-01 to 12).

Exit codes and words were measured with Xen 4.17.7 and are no promise of other versions: the table chooses a hint, and
what it does not know is shown with its exit code and first line.
"""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.record import Record

GONE = ("is an invalid domain identifier", "does not exist.")
"""What xl says of a name that no domain has, and `xl list` of such a number."""
NOISE = (
    "Unable to destroy guest",
    "libxl__destroy_domid",
    "domain_destroy_callback",
    "domain_destroy_cb",
    "Parsing config",
)
LONGEST = 400


class Case(Record):
    """One way to fail: the words by which it is known, what could not be done, who asked, and what helps."""

    known_by: str
    words: str
    field: str = ""
    hint: str = ""


CREATE = (
    Case("already exists", "a domain called {name} is there already", "", "delete it, or choose another id"),
    Case(
        "failed to open file",
        "xl cannot open the kernel {kernel}",
        "{kernel_field}",
        "a kernel is an ELF file or a bzImage that supports PV or PVH",
    ),
    Case(
        "no loader found",
        "{kernel} is no kernel that Xen can start",
        "{kernel_field}",
        "a kernel is an ELF file or a bzImage that supports PV or PVH",
    ),
    Case(
        "can't allocate low memory",
        "the host has not the {memory} MiB that the domain is to have ({free})",
        "{memory_field}",
        "ask for less, or end another domain",
    ),
    Case(
        "too large",
        "{memory} MiB are too few for the domain's kernel and ramdisk, which need {floor}",
        "{memory_field}",
        "ask for more",
    ),
    Case("failed to stat", "the image {image} is not there any more", "/vm/image/path"),
    Case(
        "because of timeout",
        "a script of the toolstack did not come to its end",
        "/vm/image/path",
        "are the module loop and /dev/fd there in dom0?",
    ),
    Case(
        "Could not find bridge device",
        "the bridge {bridge} is not there",
        "{bridge_field}",
        "make it: ip link add {bridge} type bridge",
    ),
    Case(
        "neither hap nor shadow paging available",
        "this host cannot run a PVH domain",
        "",
        "set xen.type to pv, or turn nested paging on",
    ),
    Case(
        "Failed to read config file",
        "the container's folder has been removed while its domain was made",
        "",
        "what cleans {state}?",
    ),
)
ANY = (
    Case("Can't find hypervisor information", "this is no dom0 of Xen", "", "boot Xen, and run ringfence in its dom0"),
    Case("cannot init xl context", "this is no dom0 of Xen", "", "boot Xen, and run ringfence in its dom0"),
    Case(
        "Could not obtain handle on privileged command interface",
        "this is no dom0 of Xen",
        "",
        "boot Xen, and run ringfence in its dom0",
    ),
    Case("command not implemented", "this xl is too old: it does not know {command}", "", "Xen 4.17 does"),
    Case("not supported.", "this xl is too old: it does not know an option of {command}", "", "Xen 4.17 does"),
    Case("xs_open", "xenstored does not answer", "", "start it: systemctl start xenstored"),
    Case("unable to open xenstore", "xenstored does not answer", "", "start it: systemctl start xenstored"),
    Case("xenconsoled", "xenconsoled does not answer", "", "start it: systemctl start xenconsoled"),
    Case("didn't acknowledge", "the guest does not react", "", "end it with the signal KILL"),
    Case("shutdown failed", "the guest does not react", "", "end it with the signal KILL"),
)
INTERNAL = (
    "config parsing error",
    "Domain name must be specified",
    "Neither kernel nor bootloader",
    "Unknown on_",
    "Unknown string",
)
"""What cannot come from anything that a user has written (XEN-ERR-03)."""


class Facts(dict):  # type: ignore[type-arg]
    """What the words of a case are filled with; what is not known is left out."""

    def __missing__(self, key: str) -> str:
        return ""


def is_gone(code: int, said: str) -> bool:
    """Whether a command has failed because its domain is not there (XEN-STATE-03)."""
    return code == 1 and any(words in said for words in GONE)


def first_line(said: str) -> str:
    """The first line that is no noise of the toolstack's own cleaning up (XEN-ERR-01)."""
    lines = (line.strip() for line in said.splitlines())
    found = next((line for line in lines if line and not any(noise in line for noise in NOISE)), "")
    return "".join(letter if letter.isprintable() else "?" for letter in found)[:LONGEST]


def failure(command: str, code: int, said: str, facts: dict[str, str]) -> RingfenceError:
    """The error for a command that has ended with ``code`` and printed ``said``; ``facts`` are about the domain."""
    known = Facts(facts, command=f"xl {command}")
    if any(words in said for words in INTERNAL):
        text = f"xl does not understand the file that ringfence has written: {first_line(said)}"
        hint = f"this is a fault of ringfence; the file is kept at {known['kept']}" if known["kept"] else ""
        return RingfenceError(text, hint=hint)
    cases = (*CREATE, *ANY) if command == "create" else ANY
    for case in cases:
        if case.known_by in said:
            words, field, hint = (text.format_map(known) for text in (case.words, case.field, case.hint))
            return RingfenceError(words.replace(" ()", ""), field=field, hint=hint)
    line = first_line(said)
    return RingfenceError(f"xl {command} has failed with exit code {code}" + (f": {line}" if line else ""))
