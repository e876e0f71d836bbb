"""The two calls of FreeBSD's C library that Python has no name for: jail_attach(2) and procctl(2).

Only verbs that put a process into a jail load this.
"""

from __future__ import annotations

import ctypes
import os

from ringfence.errors import RingfenceError

JAIL_ATTACH = "jail_attach"
P_PID = 0
PROC_TRACE_CTL = 7
PROC_TRACE_CTL_DISABLE = 2


class Library:
    """libc by its name or path, loaded before anything is attached."""

    def __init__(self, path: str):
        try:
            self.held = ctypes.CDLL(path, use_errno=True)
            self.held.jail_attach.argtypes = [ctypes.c_int]
        except (OSError, AttributeError) as error:
            raise RingfenceError(f"cannot load jail_attach from {path}: {error}") from None

    def attach(self, jid: int) -> None:
        """Go into a jail for good.

        Raises:
            RingfenceError: ``jail_attach`` and the kernel's reason.
        """
        if self.held.jail_attach(jid):
            number = ctypes.get_errno()
            raise RingfenceError(f"{JAIL_ATTACH}: {os.strerror(number).lower()}", errno=number)

    def forbid_tracing(self) -> int:
        """Let nobody trace this process until it executes a program; returns the errno of a refusal, 0 for none."""
        function = getattr(self.held, "procctl", None)
        if function is None:
            return 0
        function.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int, ctypes.c_void_p]
        wish = ctypes.c_int(PROC_TRACE_CTL_DISABLE)
        refused = function(P_PID, os.getpid(), PROC_TRACE_CTL, ctypes.byref(wish))
        return ctypes.get_errno() if refused else 0
