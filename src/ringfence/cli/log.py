"""Log records: text or JSON, to standard error or a file (LNX-LOG-01 to 04, LNX-CLI-12, 13, 23).

A record is one line, written with one write(2), so that records of several processes do not mix.

Podman decodes the whole file of a failed create or exec as one JSON value, containerd takes the last error of a stream
of values. Both are served by keeping the warnings of these two commands back (``hold``): when the command succeeds they
are written as records of their own, when it fails they become the key ``warnings`` of the error's only record. With
``--debug`` nothing is kept back, since there are other records anyway.
"""

from __future__ import annotations

import posix

from ringfence.cli.output import STDERR
from ringfence.errors import RingfenceError, from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    class Style(Protocol):
        """Another way to write records than logrus'."""

        def write(self, log: Log, level: str, text: str, extra: Fields, warnings: Iterable[str]) -> None: ...


FORMATS = ("text", "json")
ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}

Fields = list[tuple[str, str]]


class Log:
    """Where warnings, debug records and the one error of a command go; standard error in text until configured."""

    def __init__(self) -> None:
        self.descriptor = STDERR
        self.path = ""
        self.json = False
        self.verbose = False
        self.holding = False
        self.held: list[str] = []
        self.style: Style | None = None

    def configure(self, path: str, form: str, verbose: bool, mode: int = 0o644) -> None:
        """Take up ``--log`` ("" for standard error), ``--log-format`` and ``--debug``; ``mode`` is that of a new file.

        Raises:
            RingfenceError: the file cannot be opened, or the format is unknown.
        """
        self.verbose = verbose
        self.json = form == "json"
        if path:
            self.descriptor = open_log(path, mode)
            self.path = path
        if form not in FORMATS:
            raise RingfenceError(f"invalid log-format: {form}", hint="the formats are text and json")

    def warning(self, text: str) -> None:
        """Write a warning, or keep it until the outcome of the command is known."""
        if self.holding and not self.verbose:
            self.held.append(text)
        else:
            self._record("warning", text, self._place())

    def debug(self, text: str) -> None:
        """Write a debug record with the place in the source that wrote it, if ``--debug`` was given."""
        if self.verbose:
            self._record("debug", text, self._place())

    def failure(self, error: RingfenceError) -> None:
        """Write the one record of a failed command, and tell a person what caused it and what helps.

        With ``--log`` the bare message also goes to standard error. The lines below it are for people: they appear
        where no engine reads, on a terminal and in the plain text of a command without ``--log``.
        """
        told = (("step", error.step), ("field", error.field), ("hint", error.hint))
        details = [(name, value) for name, value in told if value]
        extra = details if self.json or self.path else []
        message = one_line(str(error))
        self._record("error", message, extra + self._place(), self.held)
        self.held = []
        lines = [message] if self.path else []
        if posix.isatty(STDERR) or not (self.path or self.json):
            lines += detail_lines(error)
        if lines:
            put(STDERR, "".join(f"{line}\n" for line in lines))

    def hold(self) -> None:
        """Keep warnings back from now on if a file of JSON records is being written."""
        self.holding = self.json and bool(self.path)

    def release(self) -> None:
        """Write the warnings that were kept back, and keep none from now on."""
        self.holding = False
        held, self.held = self.held, []
        for text in held:
            self._record("warning", text, [])

    def _record(self, level: str, text: str, extra: Fields, warnings: Iterable[str] = ()) -> None:
        if self.style is not None:
            self.style.write(self, level, text, extra, warnings)
            return
        fields = [("level", level), ("msg", text), ("time", now())]
        if self.json:
            put(self.descriptor, json_record(fields + extra, warnings))
        else:
            put(self.descriptor, text_record(level, text, extra))

    def _place(self) -> Fields:
        if not self.verbose:
            return []
        from sys import _getframe  # two frames up is the caller of warning(), debug() or failure()

        frame = _getframe(2)
        code = frame.f_code
        return [("file", f"{code.co_filename}:{frame.f_lineno}"), ("func", code.co_qualname)]


def one_line(text: str) -> str:
    """A message as one line that a terminal shows and does not obey: names in it may be hostile."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def detail_lines(error: RingfenceError) -> list[str]:
    """What a person reads below the message: where the cause lies, and what helps."""
    field = f"asked for by config.json#{error.field}" if error.field else ""
    where = ", ".join(part for part in (error.step, field) if part)
    told = (where, f"hint: {error.hint}" if error.hint else "")
    return [f"  {line}" for line in told if line]


def open_log(path: str, mode: int) -> int:
    """Open a log file to append to; it is made with this mode less the umask.

    Raises:
        RingfenceError: it cannot be opened.
    """
    try:
        return posix.open(path, posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND | posix.O_CLOEXEC, mode)
    except OSError as error:
        raise from_os_error(f"open {path}", error) from None


def put(descriptor: int, text: str) -> None:
    """Write a line; that nobody reads it, or the disk is full, must not change the outcome of the command."""
    try:
        posix.write(descriptor, text.encode("utf-8", "surrogateescape"))
    except OSError:
        return


def now() -> str:
    """The present time in RFC 3339, UTC, whole seconds."""
    import time  # a command that has nothing to report does not need it

    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def text_record(level: str, text: str, extra: Fields) -> str:
    """One line ``time="…" level=… msg="…"`` with further keys behind it."""
    line = f'time="{now()}" level={level} msg={quoted(text)}'
    return line + "".join(f" {key}={quoted(value)}" for key, value in extra) + "\n"


def json_record(fields: Fields, warnings: Iterable[str]) -> str:
    """One line with a JSON object; pure ASCII, so that any bytes in a message leave it valid."""
    from _json import encode_basestring_ascii

    members = [f'"{key}":{encode_basestring_ascii(value)}' for key, value in fields]
    if warnings:
        members.append(f'"warnings":[{",".join(encode_basestring_ascii(text) for text in warnings)}]')
    return f"{{{','.join(members)}}}\n"


def quoted(text: str) -> str:
    """A text in double quotes with everything escaped that would break the line, as Go's %q does it."""
    return f'"{"".join(escaped(letter) for letter in text)}"'


def escaped(letter: str) -> str:
    """One character of a quoted text."""
    if letter in ESCAPES:
        return ESCAPES[letter]
    if letter.isprintable():
        return letter
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as surrogateescape carries it
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
