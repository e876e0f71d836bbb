"""The process of an exec without a process file: the container's own, changed by the options."""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.spec.types import Capabilities, User

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.runtime import ExecOptions
    from ringfence.spec.types import Process

HIGHEST_ID = 2**32 - 2


def changed_process(process: Process, options: ExecOptions) -> Process:
    """A copy of the process object as the options want it.

    Raises:
        RingfenceError: an option's value is not one.
    """
    values = dict(process.items())
    values.update(terminal=options.tty, args=options.args, env=(*process.env, *options.env), console_size=None)
    if options.cwd:
        if not options.cwd.startswith("/"):
            raise RingfenceError("Cwd must be an absolute path")
        values["cwd"] = options.cwd
    if options.apparmor:
        values["apparmor_profile"] = options.apparmor
    if options.process_label:
        values["selinux_label"] = options.process_label
    if options.no_new_privs:
        values["no_new_privileges"] = True
    values["user"] = changed_user(process.user or User(), options)
    if options.cap:
        values["capabilities"] = more_capabilities(process.capabilities or Capabilities(), options.cap)
    return type(process)(**values)


def changed_user(user: User, options: ExecOptions) -> User:
    """The user with the ids of ``--user`` and the groups of ``--additional-gids`` added (LNX-EXEC-09, LNX-EXEC-10)."""
    uid, gid = parse_user(options.user, user) if options.user else (user.uid, user.gid)
    return User(uid, gid, user.umask, (*user.additional_gids, *options.additional_gids))


def parse_user(text: str, user: User) -> tuple[int, int]:
    """``UID`` or ``UID:GID``, digits only: a name is never looked up in an image (CVE-2016-3697, CVE-2026-30892).

    Raises:
        RingfenceError: it is something else.
    """
    uid, colon, gid = text.partition(":")
    return parse_id(uid, "uid"), parse_id(gid, "gid") if colon else user.gid


def parse_id(text: str, kind: str) -> int:
    """One id."""
    if not (text.isascii() and text.isdigit()) or int(text) > HIGHEST_ID:
        raise RingfenceError(f"parsing {text} as int for {kind} failed")
    return int(text)


def more_capabilities(sets: Capabilities, names: tuple[str, ...]) -> Capabilities:
    """The sets with capabilities added: never to inheritable, to ambient only beside it (LNX-EXEC-13).

    CVE-2022-29162 was an inheritable set that exec filled.
    """
    return Capabilities(
        sets.bounding + names,
        sets.effective + names,
        sets.inheritable,
        sets.permitted + names,
        sets.ambient + names if sets.inheritable else sets.ambient,
    )
