"""Whether machines can have the processor's help: the probe of KVM, whose verdict holds until the next boot.

/dev/kvm may open, and even answer, where nothing runs at speed: without the processor's flags some hosts emulate each
instruction, and every kernel hangs. So a guest of a few instructions is run by the init in a process of its own.
"""

from __future__ import annotations

import posix
import select

from ringfence.container.record import keep_cached
from ringfence.errors import RingfenceError
from ringfence.host.probe import read_or
from ringfence.initfile import sealed_init
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.planning import Prepared

KVM, TCG = "kvm", "tcg"
DEVICE = "/dev/kvm"
FILE = "kvm"
FLAGS = (b"vmx", b"svm")
MILLISECONDS = 1000
"""The probe takes one or two where KVM works; one that takes longer is killed."""
KILLED = 9
REASONS = {
    3: "/dev/kvm cannot be opened",
    4: "KVM refuses to run a guest",
    5: "KVM runs a guest's code too slowly: it emulates it",
}


class Verdict(Record):
    """Whether KVM is to be used, and why not, "" if it is.

    ``fresh``: it has just been found, and nobody has been told of it.
    """

    works: bool
    reason: str = ""
    fresh: bool = False

    @property
    def notices(self) -> tuple[str, ...]:
        """What to say of it, once a boot."""
        return (f"machines are emulated, which is slow: {self.reason}",) if self.fresh and not self.works else ()


def accelerate(wanted: str, cache: str | None) -> Verdict:
    """Whether the machine of a container gets KVM (MVM-QEMU-04); ``wanted`` is the setting qemu.accelerator.

    Raises:
        RingfenceError: it must have it and cannot.
    """
    if wanted == TCG:
        return Verdict(False)
    verdict = known(cache)
    if wanted == KVM and not verdict.works:
        raise RingfenceError(f"This system does not support virtualization: {verdict.reason}")
    return verdict


def known(cache: str | None) -> Verdict:
    """The verdict on this boot's KVM, from the folder ``cache`` or by the probe (MVM-QEMU-05)."""
    key = identity()
    kept = read_or(f"{cache}/{FILE}", b"").decode("utf-8", "replace") if cache else ""
    if kept.startswith(f"{key} "):
        works, _, reason = kept[len(key) + 1 :].rstrip("\n").partition(" ")
        if works in ("yes", "no") and bool(reason) == (works == "no"):
            return Verdict(works == "yes", reason)
    found = found_out()
    keep(cache, found)
    return found


def falls_back(prepared: Prepared, cache: str | None, error: RingfenceError) -> bool:
    """Whether a container is to be made once more, in an emulated machine (MVM-QEMU-06).

    It is when the machine had KVM by the probe's word alone and has given no sign of life; nobody gets it any more.
    """
    said = ("the guest does not answer", "the machine has ended")
    if "kvm" not in prepared.machine or prepared.choice.settings.accelerator == KVM:
        return False
    if not any(words in error.attempted for words in said):
        return False
    keep(cache, Verdict(False, f"a machine with KVM has not started: {error.attempted}".replace("\n", " ")[:200]))
    return True


def identity() -> str:
    """What a verdict holds for: this boot and this device."""
    boot = read_or("/proc/sys/kernel/random/boot_id", b"").decode("ascii", "replace").strip()
    try:
        device = posix.stat(DEVICE)
    except OSError:
        return f"{boot} none"
    return f"{boot} {device.st_rdev}"


def keep(cache: str | None, verdict: Verdict) -> None:
    """Keep a verdict."""
    words = "yes" if verdict.works else f"no {verdict.reason}"
    keep_cached(cache, FILE, f"{identity()} {words}\n")


def found_out() -> Verdict:
    """The verdict, by looking and trying."""
    if not posix.access(DEVICE, posix.F_OK):
        return Verdict(False, f"there is no {DEVICE}", fresh=True)
    told = read_or("/proc/cpuinfo", b"").split()
    if not any(flag in told for flag in FLAGS) and posix.uname().machine == "x86_64":
        return Verdict(False, "the processor has no virtualization (flags vmx and svm)", fresh=True)
    reason = tried()
    return Verdict(not reason, reason, fresh=True)


def tried() -> str:
    """Why a guest does not run, "" when it does."""
    init = sealed_init()
    try:
        pid = posix.posix_spawn(f"/proc/self/fd/{init}", ["ringfence-init", "kvm"], {})
    finally:
        posix.close(init)
    process = posix.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(process, select.POLLIN)
        if not poll.poll(MILLISECONDS):
            posix.kill(pid, KILLED)
        status = posix.waitstatus_to_exitcode(posix.waitpid(pid, 0)[1])
    finally:
        posix.close(process)
    return REASONS.get(status, "the probe of KVM has not come to its end") if status else ""
