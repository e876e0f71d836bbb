"""One conversation with systemd over D-Bus: by jeepney's messages on a plain blocking socket.

jeepney costs 10 ms to import, so only what asks systemd for something imports this module.
"""

from __future__ import annotations

import time
from _socket import AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM, socket

from ringfence.errors import RingfenceError
from ringfence.thirdparty import need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from jeepney.low_level import Message

DESTINATION = "org.freedesktop.systemd1"
PATH = "/org/freedesktop/systemd1"
MANAGER = "org.freedesktop.systemd1.Manager"
BUS = "org.freedesktop.DBus"
PATIENCE = 30.0


def need_jeepney() -> None:
    """Make jeepney importable where it is installed.

    Raises:
        RingfenceError: it is not.
    """
    need(
        "jeepney",
        "--systemd-cgroup: the Python module jeepney, which speaks to systemd",
        "install python3-jeepney, or leave --systemd-cgroup out",
    )


class BusError(RingfenceError):
    """systemd, or the bus, answered with an error; ``name`` is that of D-Bus."""

    name = ""


class Bus:
    """A connection to the first of some sockets that answers. Use it as a context manager."""

    def __init__(self, places: tuple[str, ...]) -> None:
        need_jeepney()
        from jeepney.low_level import Parser

        self.parser = Parser()
        self.serial = 0
        self.waiting: list[Message] = []
        self.deadline = time.monotonic() + PATIENCE
        self.socket = connect(places)
        try:
            self.authenticate()
            self.call(BUS, "/org/freedesktop/DBus", BUS, "Hello")
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self) -> Bus:
        return self

    def __exit__(self, *_error: object) -> None:
        self.socket.close()

    def authenticate(self) -> None:
        """SASL EXTERNAL without a name: the bus takes the uid the kernel tells it, also from a user namespace."""
        self.socket.sendall(b"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n")
        answer = b""
        while b"\r\nOK " not in b"\r\n" + answer or not answer.endswith(b"\r\n"):
            chunk = self.receive()
            answer += chunk
            if not chunk or b"REJECTED" in answer or b"ERROR" in answer:
                raise RingfenceError("the bus of systemd refuses this user", hint="does systemd run for him?")

    def receive(self) -> bytes:
        """What comes next.

        Raises:
            RingfenceError: nothing does in time.
        """
        self.socket.settimeout(max(self.deadline - time.monotonic(), 0.001))
        try:
            return self.socket.recv(65536)
        except TimeoutError:
            raise RingfenceError(f"systemd did not answer within {PATIENCE:.0f} s") from None
        except OSError as error:
            raise RingfenceError("the connection to systemd broke", errno=error.errno or 0) from None

    def next_message(self) -> Message:
        """The next message from the bus."""
        while (message := self.parser.get_next_message()) is None:
            chunk = self.receive()
            if not chunk:
                raise RingfenceError("the bus closed the connection to systemd")
            self.parser.add_data(chunk)
        return message

    def call(
        self, destination: str, path: str, interface: str, method: str, signature: str = "", *body: Any
    ) -> tuple[Any, ...]:
        """Call a method and return what it returns; signals that come meanwhile are kept.

        Raises:
            BusError: it answered with an error.
        """
        from jeepney import DBusAddress, HeaderFields, MessageType, new_method_call

        address = DBusAddress(path, bus_name=destination, interface=interface)
        self.serial += 1
        message = new_method_call(address, method, signature or None, body)
        self.socket.sendall(message.serialise(serial=self.serial))
        while True:
            answer = self.next_message()
            if answer.header.fields.get(HeaderFields.reply_serial) != self.serial:
                self.waiting.append(answer)
                continue
            if answer.header.message_type == MessageType.error:
                raise bus_error(method, str(answer.header.fields[HeaderFields.error_name]), answer.body)
            return tuple(answer.body)

    def manager(self, method: str, signature: str = "", *body: Any) -> tuple[Any, ...]:
        """Call a method of systemd's manager."""
        return self.call(DESTINATION, PATH, MANAGER, method, signature, *body)

    def watch_jobs(self) -> None:
        """Ask to be told of the ends of jobs; to be called before one is begun, lest its end be missed."""
        rule = f"type='signal',sender='{DESTINATION}',interface='{MANAGER}',member='JobRemoved',path='{PATH}'"
        self.call(BUS, "/org/freedesktop/DBus", BUS, "AddMatch", "s", rule)
        self.manager("Subscribe")

    def wait_job(self, job: str) -> str:
        """Wait for the end of a job; its result, ``done`` when all went well."""
        from jeepney import HeaderFields

        while True:
            message = self.waiting.pop(0) if self.waiting else self.next_message()
            if message.header.fields.get(HeaderFields.member) == "JobRemoved" and message.body[1] == job:
                return str(message.body[3])


def bus_error(method: str, name: str, body: tuple[Any, ...]) -> BusError:
    """An error answer as an error of ours."""
    text = body[0] if body and isinstance(body[0], str) else name
    error = BusError(f"systemd: {method}: {text}")
    error.name = name
    return error


def connect(places: tuple[str, ...]) -> socket:
    """A connection to the first socket that takes one.

    Raises:
        RingfenceError: none does.
    """
    refusal, number = "no address is known", 0
    for place in places:
        end = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC)
        try:
            end.connect(place)
        except OSError as error:
            end.close()
            refusal, number = place.replace("\0", "@"), error.errno or 0
            continue
        return end
    raise RingfenceError(
        f"cannot reach systemd's bus: {refusal}",
        errno=number,
        hint="a user's own systemd is found by DBUS_SESSION_BUS_ADDRESS or XDG_RUNTIME_DIR",
    )
