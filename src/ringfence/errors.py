"""The one error class of ringfence.

Everything below ``cli`` raises it; only ``cli`` prints. Its text is what engines parse (docs/errors.md), its parts are
what a person needs: the config field, the kernel's errno, and a hint.
"""

from __future__ import annotations

FAILURE = 1
EXEC_FAILURE = 255


class RingfenceError(Exception):
    """Something could not be done.

    Args:
        attempted: what went wrong, in one line, in the words engines look for.
        field: the JSON pointer into config.json that asked for it, such as ``/mounts/3/destination``; "" if none.
        errno: the kernel's error number, 0 if the kernel was not asked.
        hint: what the reader can do about it; "" if nothing is known.
        status: the exit status of the process that reports it.
        step: which step of the plan failed, such as ``step 19 of 41``; "" if none did.
    """

    def __init__(
        self,
        attempted: str,
        *,
        field: str = "",
        errno: int = 0,
        hint: str = "",
        status: int = FAILURE,
        step: str = "",
    ):
        super().__init__(attempted)
        self.attempted = attempted
        self.field = field
        self.errno = errno
        self.hint = hint
        self.status = status
        self.step = step

    def __str__(self) -> str:
        return self.attempted

    def prefixed(self, prefix: str) -> RingfenceError:
        """The same error with ``prefix: `` before its text, as an outer operation reports an inner one."""
        return type(self)(
            f"{prefix}: {self.attempted}",
            field=self.field,
            errno=self.errno,
            hint=self.hint,
            status=self.status,
            step=self.step,
        )


def from_os_error(attempted: str, error: OSError, *, field: str = "", hint: str = "") -> RingfenceError:
    """A RingfenceError for a failed system call, with the kernel's words at the end in lower case as Go prints them."""
    number = error.errno or 0
    words = (error.strerror or str(error)).lower()
    return RingfenceError(f"{attempted}: {words}", field=field, errno=number, hint=hint)
