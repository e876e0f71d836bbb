"""FreeBSD's signals by name, without SIG (signal(3), <sys/signal.h>); Linux' PWR, STKFLT and POLL are not there."""

from __future__ import annotations

RTMIN, RTMAX = 65, 126
NAMES = (
    "HUP INT QUIT ILL TRAP ABRT EMT FPE KILL BUS SEGV SYS PIPE ALRM TERM URG STOP TSTP CONT CHLD TTIN TTOU IO XCPU "
    "XFSZ VTALRM PROF WINCH INFO USR1 USR2 THR LIBRT"
)
SIGNALS: dict[str, int] = {
    **{name: number for number, name in enumerate(NAMES.split(), start=1)},
    "IOT": 6,
    "RTMIN": RTMIN,
    **{f"RTMIN+{step}": RTMIN + step for step in range(1, RTMAX - RTMIN + 1)},
    **{f"RTMAX-{step}": RTMAX - step for step in range(1, RTMAX - RTMIN + 1)},
    "RTMAX": RTMAX,
}


def native() -> dict[str, int]:
    """FreeBSD's names with the numbers that this system's C library has for them, where it knows them."""
    import _signal

    return {name: getattr(_signal, f"SIG{name}", number) for name, number in SIGNALS.items()}
