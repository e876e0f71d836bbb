"""Every command with its options, and the one reader of command lines.

Nothing else in ringfence looks at arguments. The rules are those of Go's flag package, which engines rely on
(LNX-CLI-01 to 04): one dash or two, ``--flag value`` or ``--flag=value``, switches also with ``=true`` or ``=false``,
the last value of a flag wins, and list flags add up. The words of the help texts are in ``help.py``.
"""

from __future__ import annotations

from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SWITCH = "switch"
TEXT = "text"
LIST = "list"
NUMBER = "number"
NUMBERS = "numbers"
DURATION = "duration"

TRUE_WORDS = frozenset(("1", "t", "T", "true", "TRUE", "True"))
FALSE_WORDS = frozenset(("0", "f", "F", "false", "FALSE", "False"))
I64_MIN, I64_MAX = -(2**63), 2**63 - 1

Option = tuple[str, str, str]
"""The long name, the name of one letter or "", and the kind."""

HELP: Option = ("help", "h", SWITCH)
BUNDLE: Option = ("bundle", "b", TEXT)
DETACH: Option = ("detach", "d", SWITCH)
PID_FILE: Option = ("pid-file", "", TEXT)
CONSOLE_SOCKET: Option = ("console-socket", "", TEXT)
PIDFD_SOCKET: Option = ("pidfd-socket", "", TEXT)
PRESERVE_FDS: Option = ("preserve-fds", "", NUMBER)
FORMAT: Option = ("format", "f", TEXT)

GLOBAL_OPTIONS: tuple[Option, ...] = (
    ("debug", "", SWITCH),
    ("log", "", TEXT),
    ("log-format", "", TEXT),
    ("log-level", "", TEXT),
    ("root", "", TEXT),
    ("id", "", TEXT),
    ("criu", "", TEXT),
    ("systemd-cgroup", "", SWITCH),
    ("rootless", "", TEXT),
    ("cgroup-manager", "", TEXT),
    ("driver", "", TEXT),
    ("trace", "", TEXT),
    ("hypervisor-log-dir", "", TEXT),
    ("personality", "", TEXT),
    HELP,
    ("version", "v", SWITCH),
)
CREATE_OPTIONS: tuple[Option, ...] = (
    BUNDLE,
    CONSOLE_SOCKET,
    PIDFD_SOCKET,
    PID_FILE,
    ("no-pivot", "", SWITCH),
    ("no-new-keyring", "", SWITCH),
    PRESERVE_FDS,
)
RUN_OPTIONS: tuple[Option, ...] = (
    *CREATE_OPTIONS,
    DETACH,
    ("keep", "", SWITCH),
    ("no-subreaper", "", SWITCH),
)
EXEC_OPTIONS: tuple[Option, ...] = (
    CONSOLE_SOCKET,
    PIDFD_SOCKET,
    ("cwd", "", TEXT),
    ("env", "e", LIST),
    ("tty", "t", SWITCH),
    ("user", "u", TEXT),
    ("additional-gids", "g", NUMBERS),
    ("process", "p", TEXT),
    DETACH,
    PID_FILE,
    ("process-label", "", TEXT),
    ("apparmor", "", TEXT),
    ("no-new-privs", "", SWITCH),
    ("cap", "c", LIST),
    PRESERVE_FDS,
    ("cgroup", "", LIST),
    ("ignore-paused", "", SWITCH),
)
UPDATE_OPTIONS: tuple[Option, ...] = (
    ("resources", "r", TEXT),
    ("blkio-weight", "", NUMBER),
    ("cpu-period", "", TEXT),
    ("cpu-quota", "", TEXT),
    ("cpu-burst", "", TEXT),
    ("cpu-share", "", TEXT),
    ("cpu-rt-period", "", TEXT),
    ("cpu-rt-runtime", "", TEXT),
    ("cpuset-cpus", "", TEXT),
    ("cpuset-mems", "", TEXT),
    ("cpu-idle", "", TEXT),
    ("kernel-memory", "", TEXT),
    ("kernel-memory-tcp", "", TEXT),
    ("memory", "", TEXT),
    ("memory-reservation", "", TEXT),
    ("memory-swap", "", TEXT),
    ("pids-limit", "", NUMBER),
    ("l3-cache-schema", "", TEXT),
    ("mem-bw-schema", "", TEXT),
)
EXPLAIN_OPTIONS: tuple[Option, ...] = (
    BUNDLE,
    ("driver", "", TEXT),
    ("host", "", TEXT),
    ("json", "", SWITCH),
)
CRIU_OPTIONS: tuple[Option, ...] = (
    ("image-path", "", TEXT),
    ("work-path", "", TEXT),
    ("tcp-established", "", SWITCH),
    ("ext-unix-sk", "", SWITCH),
    ("shell-job", "", SWITCH),
    ("lazy-pages", "", SWITCH),
    ("file-locks", "", SWITCH),
    ("manage-cgroups-mode", "", TEXT),
    ("empty-ns", "", LIST),
    ("auto-dedup", "", SWITCH),
)
CHECKPOINT_OPTIONS: tuple[Option, ...] = (
    *CRIU_OPTIONS,
    ("parent-path", "", TEXT),
    ("leave-running", "", SWITCH),
    ("tcp-skip-in-flight", "", SWITCH),
    ("link-remap", "", SWITCH),
    ("status-fd", "", NUMBER),
    ("page-server", "", TEXT),
    ("pre-dump", "", SWITCH),
)
RESTORE_OPTIONS: tuple[Option, ...] = (
    BUNDLE,
    DETACH,
    PID_FILE,
    CONSOLE_SOCKET,
    ("no-subreaper", "", SWITCH),
    ("no-pivot", "", SWITCH),
    *CRIU_OPTIONS,
    ("lsm-profile", "", TEXT),
    ("lsm-mount-context", "", TEXT),
)
PLATFORM: Option = ("platform", "", TEXT)
REF: Option = ("ref", "", TEXT)
DEVICES: Option = ("devices", "", TEXT)
LIMIT: Option = ("limit", "", LIST)
UNPACK_OPTIONS: tuple[Option, ...] = (
    PLATFORM,
    REF,
    ("terminal", "t", SWITCH),
    ("setuid", "", TEXT),
    DEVICES,
    ("uid-map", "", LIST),
    ("gid-map", "", LIST),
    ("volumes", "", TEXT),
    ("trust-labels", "", SWITCH),
    ("keep-flags", "", SWITCH),
    LIMIT,
)
BUILD_OPTIONS: tuple[Option, ...] = (
    ("rootfs", "", TEXT),
    ("output", "o", TEXT),
    ("tag", "", TEXT),
    ("compress", "", TEXT),
    ("os", "", TEXT),
    ("arch", "", TEXT),
    ("variant", "", TEXT),
    ("config", "", TEXT),
    ("author", "", TEXT),
    DEVICES,
    LIMIT,
)
INSPECT_OPTIONS: tuple[Option, ...] = (
    PLATFORM,
    REF,
    ("json", "", SWITCH),
    ("files", "", SWITCH),
    ("verify", "", SWITCH),
    LIMIT,
)
RELEASE_OPTIONS: tuple[Option, ...] = (
    ("machine", "m", TEXT),
    ("arch", "a", TEXT),
    ("version", "v", TEXT),
    ("output", "o", TEXT),
    ("mirror", "", LIST),
)
HIDDEN_OPTIONS = frozenset(
    (("kill", "all"), ("start", "bundle"), ("update", "kernel-memory"), ("update", "kernel-memory-tcp"))
)
"""Options that older callers still pass (LNX-KILL-05, LNX-UPD-03); no help text names them."""


class Verb:
    """What the command line of one command may hold.

    ``least`` and ``most`` count the words that are not options, ``most`` -1 is any number; ``anywhere`` says that
    options may also follow them (LNX-CLI-04); ``prefix`` stands before the text of an error (LNX-CLI-24).
    """

    __slots__ = ("anywhere", "least", "most", "options", "prefix", "status")

    def __init__(
        self,
        options: tuple[Option, ...] = (),
        least: int = 1,
        most: int = 1,
        anywhere: bool = True,
        prefix: str = "",
        status: int = 1,
    ):
        self.options = (*options, HELP)
        self.least = least
        self.most = most
        self.anywhere = anywhere
        self.prefix = prefix
        self.status = status


VERBS = {
    "bundle": Verb(UNPACK_OPTIONS, least=2, most=-1),
    "checkpoint": Verb(CHECKPOINT_OPTIONS),
    "create": Verb(CREATE_OPTIONS, prefix="runc create failed"),
    "delete": Verb((("force", "f", SWITCH),)),
    "demo": Verb(least=0),
    "events": Verb((("interval", "", DURATION), ("stats", "", SWITCH))),
    "exec": Verb(EXEC_OPTIONS, most=-1, anywhere=False, prefix="exec failed", status=255),
    "explain": Verb(EXPLAIN_OPTIONS, least=0),
    "features": Verb(least=0, most=0),
    "image": Verb(least=0),
    "kill": Verb((("all", "a", SWITCH),), most=2, anywhere=False),
    "list": Verb((("all", "", SWITCH), FORMAT, ("quiet", "q", SWITCH)), least=0, most=0),
    "pause": Verb(),
    "ps": Verb((FORMAT,), most=-1, anywhere=False),
    "restore": Verb(RESTORE_OPTIONS),
    "resume": Verb(),
    "run": Verb(RUN_OPTIONS, prefix="runc run failed"),
    "spec": Verb((BUNDLE, ("rootless", "", SWITCH)), least=0, most=0),
    "start": Verb((BUNDLE,)),
    "state": Verb(),
    "update": Verb(UPDATE_OPTIONS),
}

WITH_ID = {
    "kill": "kill", "pause": "pause", "resume": "resume", "exec": "old_exec", "events": "old_events",
    "checkpoint": "old_checkpoint", "restore": "old_restore",
}  # fmt: skip
"""Commands that take the container from the global ``--id``, and their modules then (OLD-CLI-08, 10 and 11)."""

WITH_FILE = ("restore",)
"""Those of them that may be told a configuration as well."""

WITHOUT_ID = ("bundle",)
"""Commands whose first word is no container's id."""

GROUPS = ("demo", "image")
"""Commands that do nothing without a second word, and whose second words have help texts and options of their own."""

SUBVERBS = {
    "demo download": Verb(RELEASE_OPTIONS, least=0, most=0),
    "demo oci-image": Verb((("input", "i", TEXT), *RELEASE_OPTIONS), least=0, most=0),
    "demo spec": Verb((BUNDLE,), least=0, most=0),
    "image build": Verb(BUILD_OPTIONS, least=0, most=0),
    "image inspect": Verb(INSPECT_OPTIONS, least=1, most=1),
    "spec upgrade": Verb(least=1, most=1),
}
"""Commands of two words; the help of the first tells of them."""

MODULES = {"bundle": "image_bundle"}
"""The modules of commands whose name is not theirs."""


class UsageError(RingfenceError):
    """The command line cannot be read; its text is that of Go's flag package."""


class Arguments:
    """A command line that has been read: the words that are not options, and every value given to an option."""

    __slots__ = ("values", "words")

    def __init__(self) -> None:
        self.words: list[str] = []
        self.values: dict[str, list[str]] = {}

    def given(self, name: str) -> bool:
        """Whether the option was there at all."""
        return name in self.values

    def switch(self, name: str) -> bool:
        """The last value of a switch; False when it was not given."""
        return name in self.values and self.values[name][-1] in TRUE_WORDS

    def text(self, name: str, default: str = "") -> str:
        """The last value of an option."""
        return self.values[name][-1] if name in self.values else default

    def texts(self, name: str) -> tuple[str, ...]:
        """Every value of a list option, in the order given."""
        return tuple(self.values.get(name, ()))

    def number(self, name: str, default: int = 0) -> int:
        """The last value of an option that takes a number."""
        return integer(self.values[name][-1]) if name in self.values else default

    def seconds(self, name: str, default: float) -> float:
        """The last value of an option that takes a duration."""
        return duration(self.values[name][-1]) / 1e9 if name in self.values else default

    def numbers(self, name: str) -> tuple[int, ...]:
        """Every value of a list of numbers."""
        return tuple(integer(value) for value in self.values.get(name, ()))


def parse(words: Iterable[str], options: tuple[Option, ...], anywhere: bool) -> Arguments:
    """Read the words of a command line.

    Args:
        words: what follows the program's name, or the command.
        options: what may be among them.
        anywhere: whether options may follow the first word that is none; else all that follows it is taken as it is.

    Raises:
        UsageError: an unknown option, one without its value, or a value of the wrong kind.
    """
    found = Arguments()
    rest = iter(words)
    for word in rest:
        if word == "--":
            break
        if word == "-" or not word.startswith("-"):
            found.words.append(word)
            if not anywhere:
                break
        else:
            _take_option(word, rest, options, found)
    found.words += rest
    return found


def _take_option(word: str, rest: Iterator[str], options: tuple[Option, ...], found: Arguments) -> None:
    stripped = word[2:] if word.startswith("--") else word[1:]
    if not stripped or stripped[0] in "-=":
        raise UsageError(f"bad flag syntax: {word}")
    name, has_value, value = stripped.partition("=")
    long, kind = _find(name, options)
    if kind == SWITCH:
        value = value if has_value else "true"
    elif not has_value:
        following = next(rest, None)
        if following is None:
            raise UsageError(f"flag needs an argument: -{name}")
        value = following
    _check(name, kind, value)
    found.values.setdefault(long, []).append(value)


def _find(name: str, options: tuple[Option, ...]) -> tuple[str, str]:
    for long, short, kind in options:
        if name in (long, short):
            return long, kind
    raise UsageError(f"flag provided but not defined: -{name}")


def _check(name: str, kind: str, value: str) -> None:
    if kind == SWITCH and value not in TRUE_WORDS and value not in FALSE_WORDS:
        raise UsageError(f'invalid boolean value "{value}" for -{name}: parse error')
    try:
        if kind in (NUMBER, NUMBERS):
            integer(value)
        elif kind == DURATION:
            duration(value)
    except OverflowError:
        raise UsageError(f'invalid value "{value}" for flag -{name}: value out of range') from None
    except ValueError:
        raise UsageError(f'invalid value "{value}" for flag -{name}: parse error') from None


def duration(text: str) -> int:
    """Nanoseconds of a text such as ``1m30s``.

    Raises:
        ValueError: it is not a duration.
    """
    from ringfence.cli.numbers import duration_nanoseconds  # only ``events`` has such an option

    nanoseconds = duration_nanoseconds(text)
    if nanoseconds is None:
        raise ValueError(text)
    return nanoseconds


def integer(text: str) -> int:
    """A signed number of 64 bits as Go's strconv.ParseInt reads it with base 0: decimal, 0x, 0o, 0b, and 010 for 8.

    Raises:
        OverflowError: it needs more than 64 bits.
        ValueError: it is not a number.
    """
    digits = text.lstrip("+-")
    if not text.isascii() or not digits[:1].isdigit() or not text[-1].isalnum():
        raise ValueError(text)
    octal = digits[0] == "0" and digits.replace("_", "").isdigit()
    value = int(text, 8 if octal else 0)
    if not I64_MIN <= value <= I64_MAX:
        raise OverflowError(text)
    return value
