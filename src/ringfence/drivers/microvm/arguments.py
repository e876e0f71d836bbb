"""The file ``hypervisor.args`` of Clear Containers: QEMU's words, one a line, with tags for what differs. Pure.

cc-oci-runtime 2.x, src/hypervisor.c; the tags of the network are of clr-oci-runtime.
"""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = "hypervisor.args"
TAG = r"@([A-Z][A-Z_]*)@"
COMMENT = r"(?:^|\s)#.*"
NETWORK = ("NETDEV", "NETDEV_PARAMS", "NETDEVICE", "NETDEVICE_PARAMS")
"""Tags whose values depend on the number of devices, which is known when the machine is started."""
MARK = "\0"
PATHS = ("KERNEL", "IMAGE", "WORKLOAD_DIR", "COMMS_SOCKET", "AGENT_CTL_SOCKET", "AGENT_TTY_SOCKET")
"""Tags whose values are paths: a comma in one would begin another option (MVM-QEMU-13)."""
SOCKETS = {
    "COMMS_SOCKET": "hypervisor.sock",
    "PROCESS_SOCKET": "process.sock",
    "CONSOLE_DEVICE": "console.sock",
    "AGENT_CTL_SOCKET": "ga-ctl.sock",
    "AGENT_TTY_SOCKET": "ga-tty.sock",
}


class Line(Record):
    """An argument, and the number of its line."""

    number: int
    text: str


class Filled(Record):
    """Arguments with the tags' values, the names of the tags that they had, and what is doubtful."""

    lines: tuple[Line, ...]
    tags: tuple[str, ...]
    warnings: tuple[str, ...]


def read_lines(text: str) -> tuple[Line, ...]:
    """The arguments of a file, without blank lines and comments (MVM-CCOR-04).

    Raises:
        RingfenceError: there is none, or a line has a control character.
    """
    import re  # only with such a file

    found = []
    for number, raw in enumerate(text.split("\n"), start=1):
        line = re.sub(COMMENT, "", raw).strip()
        if not line.replace("\t", " ").isprintable():
            raise RingfenceError(f"{FILE}, line {number}: there is a control character")
        if line:
            found.append(Line(number, line))
    if not found:
        raise RingfenceError(f"{FILE} names no hypervisor")
    return tuple(found)


def socket_values(state: str, *, console: bool) -> dict[str, str]:
    """What stands for the tags of sockets (MVM-CCOR-06); they lie in the container's folder.

    With a ``console`` of the caller's the container's terminal is there, and the machine's own console is nowhere.
    """
    values = {tag: f"{state}/{name}" for tag, name in SOCKETS.items()}
    listening = "server=on,wait=off"
    values["PROCESS_SOCKET"] = f"socket,id=procsock,path={doubled(values['PROCESS_SOCKET'])},{listening}"
    place = f"path={doubled(values['CONSOLE_DEVICE'])},{listening},id=charconsole0,signal=off"
    values["CONSOLE_DEVICE"] = "null,id=charconsole0" if console else f"socket,{place}"
    return values


def doubled(path: str) -> str:
    """A path inside a comma-separated option."""
    return path.replace(",", ",,")


def fill(lines: tuple[Line, ...], values: Mapping[str, str | None]) -> Filled:
    """Every tag replaced by its value, which is not scanned again; those of the network stay marked.

    Raises:
        RingfenceError: a tag has no value here (MVM-CCOR-05).
    """
    import re  # only with such a file

    used: dict[str, None] = {}
    warnings: list[str] = []

    def value(line: Line, name: str) -> str:
        if name in NETWORK:
            used[name] = None
            return marked(name)
        if name not in values:
            warnings.append(f"{FILE}, line {line.number}: @{name}@ is no tag, and stays as it is")
            return f"@{name}@"
        found = values[name]
        if found is None:
            raise RingfenceError(f"{FILE}, line {line.number}: there is no value for @{name}@")
        used[name] = None
        return doubled(found) if name in PATHS and line.text != f"@{name}@" else found

    filled = [
        Line(line.number, re.sub(TAG, lambda match, line=line: value(line, match[1]), line.text))  # type: ignore[misc]
        for line in lines
    ]
    return Filled(tuple(filled), tuple(used), tuple(warnings))


def marked(name: str) -> str:
    """What stands for something in a word until the machine's descriptors and devices are known."""
    return f"{MARK}{name}{MARK}"


def settled(words: tuple[str, ...], values: Mapping[str, str]) -> list[str]:
    """The words with what the marks stand for; one whose mark has no value goes, with the network (MVM-CCOR-07)."""
    found = []
    for word in words:
        parts = word.split(MARK)
        if all(name in values for name in parts[1::2]):
            found.append("".join(values[part] if index % 2 else part for index, part in enumerate(parts)))
    return found
