"""How the runtimes of Clear Containers wrote their records (MVM-CCOR-13)."""

from __future__ import annotations

import posix

from ringfence.cli.log import json_record, now, open_log, put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringfence.cli.log import Fields, Log

MODE = 0o640
NOWHERE = -1


class ClearStyle:
    """Records as ``time:pid:domain:level:message`` or JSON, and all of them in a second, global file.

    ``domain`` is the name the runtime was called by; ``verbose`` says whether the log proper has debug records, which
    the global file always has.
    """

    __slots__ = ("domain", "everything", "verbose")

    def __init__(self, domain: str, verbose: bool) -> None:
        self.domain = domain
        self.verbose = verbose
        self.everything = NOWHERE

    def open_global(self, path: str) -> None:
        """Append every record to this file too.

        Raises:
            RingfenceError: it cannot be opened.
        """
        self.everything = open_log(path, MODE)

    def write(self, log: Log, level: str, text: str, extra: Fields, warnings: Iterable[str]) -> None:
        """Put one record wherever it belongs, each time in one piece."""
        line = self.line(level, text)
        if self.everything != NOWHERE:
            put(self.everything, line)
        if level == "debug" and not self.verbose:
            return
        if log.json:
            fields = [("level", level), ("mesg", text), ("msg", text), ("time", now())]
            put(log.descriptor, json_record(fields + extra, warnings))
        else:
            put(log.descriptor, line)

    def line(self, level: str, text: str) -> str:
        """One record as text."""
        return f"{now()}:{posix.getpid()}:{self.domain}:{level}:{text}\n"
