"""Running one of the system's tools: by absolute path, in a fixed environment, with limits to what it may say or take.

Every failure names what was to be done and has the tool's own sentence (JAIL-ERR-01 to 04).
"""

from __future__ import annotations

from ringfence.drivers.jail.command import run_command
from ringfence.errors import RingfenceError
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ringfence.settings import JailSettings

ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/sbin:/bin:/usr/sbin:/usr/bin"}
SECONDS = 30
REMOVAL_SECONDS = 60
SHOWN = 200


class Said(Record):
    """How a tool ended: its exit status, and what it said as texts that can be printed."""

    status: int
    output: str
    errors: str

    def sentence(self, tool: str) -> str:
        """The tool's own words in one line, without its name before them."""
        text = self.errors.strip() or self.output.strip() or f"exit status {self.status}"
        lines = [line.removeprefix(f"{tool}: ").strip() for line in text.splitlines()]
        return "; ".join(line for line in lines if line)[:1000]


class Tools:
    """The tools of a host; ``debug`` takes the raw commands and the notes of tools that succeeded."""

    def __init__(self, settings: JailSettings, debug: Callable[[str], None]):
        self.settings = settings
        self.debug = debug

    def run(self, tool: str, *words: str, rules: str = "", seconds: int = SECONDS) -> Said:
        """Run a tool to its end; ``rules`` is its standard input.

        Raises:
            RingfenceError: it is missing, does not end, or was killed by a signal.
        """
        program: str = getattr(self.settings, tool)
        self.debug(f"run {program} {' '.join(words)}")
        status, output, errors = self.ended(tool, [program, *words], rules, seconds)
        if status < 0:
            raise RingfenceError(f"{tool} was killed by signal {-status}", hint=f"is {program} the system's own?")
        said = Said(status, printable(output), printable(errors))
        if status == 0 and said.errors.strip():
            self.debug(f"{tool}: {said.errors.strip()}")
        return said

    def ended(self, tool: str, command: list[str], rules: str, seconds: int) -> tuple[int, bytes, bytes]:
        """The status and the output of a command; one that takes too long is killed and reaped."""
        try:
            return run_command(command, ENVIRONMENT, rules.encode(), seconds)
        except TimeoutError:
            raise RingfenceError(f"{tool} did not end within {seconds} seconds and was killed") from None
        except OSError as error:
            words = (error.strerror or "").lower()
            raise RingfenceError(
                f"cannot run the tool {tool}: {words.replace('no such file or directory', 'it is not there')}",
                errno=error.errno or 0,
                hint=f"looked for {command[0]}; ringfence.toml names another with jail.{tool}",
            ) from None

    def must(self, attempted: str, tool: str, *words: str, field: str = "", seconds: int = SECONDS) -> Said:
        """Run a tool that has to succeed.

        Raises:
            RingfenceError: it did not: ``attempted`` and the tool's sentence.
        """
        said = self.run(tool, *words, seconds=seconds)
        if said.status:
            raise failure(attempted, tool, said, field)
        return said


def failure(attempted: str, tool: str, said: Said, field: str = "") -> RingfenceError:
    """A failed tool as an error."""
    sentence = said.sentence(tool)
    return RingfenceError(f"{attempted}: {sentence}", field=field, hint=hint_for(sentence))


HINTS = (
    ("enable using kern.racct.enable=1", "put kern.racct.enable=1 into /boot/loader.conf and boot again"),
    ("RACCT/RCTL support not present", "limits need a kernel with options RACCT and RCTL"),
    ("Operation not permitted", "jails are made by root; inside a jail only as far as its own allow.* permit"),
    ("IPv4 addresses clash", "another jail has the address"),
    ("prison limit exceeded", "the parent's children.max does not allow another child"),
    ("is dying", "an earlier jail of that name has connections that are not closed yet: try again later"),
)


def hint_for(sentence: str) -> str:
    """What helps, for the sentences that are known (JAIL-ERR-02)."""
    return next((hint for words, hint in HINTS if words in sentence), "")


def printable(raw: bytes) -> str:
    """Output as text: what is not UTF-8 is replaced, what a terminal would obey is escaped."""
    text = raw.decode("utf-8", "replace")
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)
