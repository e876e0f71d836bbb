"""libseccomp by ctypes: from the rules of a section to a BPF program (seccomp_rule_add(3), seccomp_export_bpf(3))."""

from __future__ import annotations

import ctypes
import os

from ringfence.errors import RingfenceError
from ringfence.seccomp.enosys import with_enosys
from ringfence.seccomp.names import ACTIONS, ARCHITECTURES, MACHINES, OPERATORS, RETURN_ERRNO, RETURN_TRACE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.types import Seccomp, SeccompArg, SeccompSyscall

LIBRARY = "libseccomp.so.2"
EPERM = 1
NOT_A_CALL = -1  # __NR_SCMP_ERROR
ALREADY_THERE = 17  # EEXIST: of an architecture that is native anyway


class Comparison(ctypes.Structure):
    """struct scmp_arg_cmp."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


def library() -> ctypes.CDLL:
    """libseccomp with the types of its functions.

    Raises:
        RingfenceError: it is not installed.
    """
    try:
        lib = ctypes.CDLL(LIBRARY)
    except OSError:
        raise RingfenceError(
            f"config.json#/linux/seccomp: cannot load {LIBRARY}",
            field="/linux/seccomp",
            hint="install libseccomp (Debian: apt-get install libseccomp2)",
        ) from None
    lib.seccomp_init.restype = ctypes.c_void_p
    lib.seccomp_init.argtypes = [ctypes.c_uint32]
    lib.seccomp_release.argtypes = [ctypes.c_void_p]
    lib.seccomp_arch_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    lib.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    lib.seccomp_syscall_resolve_name_arch.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    lib.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.POINTER(Comparison),
    ]
    lib.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    return lib


def action_number(action: str, errno: int | None) -> int:
    """SECCOMP_RET_* with its data; EPERM where none is given (LNX-SEC-02)."""
    number = ACTIONS[action]
    return number | (EPERM if errno is None else errno) if number in (RETURN_ERRNO, RETURN_TRACE) else number


def compile_program(seccomp: Seccomp, machine: str) -> bytes:
    """The whole program: libseccomp's, and before it the answer to calls newer than the profile (LNX-SEC-06).

    Raises:
        RingfenceError: libseccomp is missing or refuses a rule.
    """
    lib = library()
    default = action_number(seccomp.default_action, seccomp.default_errno_ret)
    context = lib.seccomp_init(default)
    if not context:
        raise RingfenceError("config.json#/linux/seccomp: libseccomp could not begin a filter", field="/linux/seccomp")
    try:
        add_architectures(lib, context, seccomp)
        for index, rule in enumerate(seccomp.syscalls):
            add_rule(lib, context, rule, default, index)
        program = exported(lib, context)
    finally:
        lib.seccomp_release(context)
    return with_enosys(program, default, seccomp.default_errno_ret is not None, newest_calls(lib, seccomp, machine))


def add_architectures(lib: ctypes.CDLL, context: int, seccomp: Seccomp) -> None:
    """The architectures beside the native one, which is always covered (LNX-SEC-07)."""
    for index, name in enumerate(seccomp.architectures):
        status = lib.seccomp_arch_add(context, ARCHITECTURES[name])
        if status and -status != ALREADY_THERE:
            raise refused(f"/linux/seccomp/architectures/{index}", name, status)


def refused(pointer: str, what: str, status: int) -> RingfenceError:
    """The error for what libseccomp answered."""
    words = os.strerror(-status).lower()
    return RingfenceError(f"config.json#{pointer}: libseccomp refuses {what}: {words}", field=pointer, errno=-status)


def add_rule(lib: ctypes.CDLL, context: int, rule: SeccompSyscall, default: int, index: int) -> None:
    """One entry of syscalls; names this library does not know are newer than it and skipped (LNX-SEC-05)."""
    action = action_number(rule.action, rule.errno_ret)
    if action == default:
        return
    for name in rule.names:
        number = lib.seccomp_syscall_resolve_name(name.encode())
        if number == NOT_A_CALL:
            continue
        for group in alternatives(rule.args):
            compared = (Comparison * len(group))(*map(comparison, group))
            status = lib.seccomp_rule_add_array(context, action, number, len(group), compared)
            if status:
                raise refused(f"/linux/seccomp/syscalls/{index}", f"the rule for {name}", status)


def alternatives(args: tuple[SeccompArg, ...]) -> list[tuple[SeccompArg, ...]]:
    """Entries with different indexes hold together; if an index comes twice, each holds alone (LNX-SEC-04)."""
    indexes = [argument.index for argument in args]
    if len(set(indexes)) == len(indexes):
        return [args]
    return [(argument,) for argument in args]


def comparison(argument: SeccompArg) -> Comparison:
    """One entry as libseccomp takes it: MASKED_EQ has the mask first, then the value (LNX-SEC-03)."""
    return Comparison(argument.index, OPERATORS[argument.op], argument.value, argument.value_two)


def exported(lib: ctypes.CDLL, context: int) -> bytes:
    """The program as the kernel takes it."""
    descriptor = os.memfd_create("filter", os.MFD_CLOEXEC)
    try:
        status = lib.seccomp_export_bpf(context, descriptor)
        if status:
            raise refused("/linux/seccomp", "the filter as a whole", status)
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    finally:
        os.close(descriptor)


def newest_calls(lib: ctypes.CDLL, seccomp: Seccomp, machine: str) -> dict[int, int]:
    """The highest call number any name of the profile has, by architecture, the native one included."""
    native = MACHINES.get(machine)
    names = dict.fromkeys((*seccomp.architectures, *([native] if native else [])))
    calls = {name.encode() for rule in seccomp.syscalls for name in rule.names}
    found = {}
    for architecture in (ARCHITECTURES[name] for name in names):
        numbers = [lib.seccomp_syscall_resolve_name_arch(architecture, call) for call in calls]
        newest = max(numbers, default=NOT_A_CALL)
        if newest >= 0:
            found[architecture] = newest
    return found
