"""What is said when something happens that nobody foresaw: one line, and the traceback only with --debug."""

from __future__ import annotations

import posixpath

from ringfence.errors import RingfenceError


def internal_error(error: Exception) -> RingfenceError:
    """``internal error: TypeError: … (plan/plan.py:12)``; for a failed system call with the kernel's words."""
    words = str(error)
    if isinstance(error, OSError) and error.strerror:
        path = f"{error.filename}: " if error.filename else ""
        words = path + error.strerror.lower()
    return RingfenceError(
        f"internal error: {type(error).__name__}: {words} ({place(error)})",
        errno=getattr(error, "errno", 0) or 0,
        hint="this is a fault of the runtime, not of the container; --debug shows where it happened",
    )


def place(error: Exception) -> str:
    """File and line of the innermost frame."""
    found = "unknown"
    frame = error.__traceback__
    while frame is not None:
        folder, name = posixpath.split(frame.tb_frame.f_code.co_filename)
        found = f"{posixpath.basename(folder)}/{name}:{frame.tb_lineno}"
        frame = frame.tb_next
    return found


def trace(error: Exception) -> str:
    """The whole traceback as one text."""
    from traceback import format_exception  # 10 ms, and only for a fault

    return "".join(format_exception(error))
