"""What plays a domain of the stand-in: the init's side of the frames, and the container's program as a process here.

It is written from plan/frames.py and the description of the envelope alone, not with the code that is under test. Some
programs are played: ``panic``, ``poweroff`` and ``reboot`` end the domain without a word, ``silent`` never says hello,
``lie`` says what no init would. One with DEAF=1 in its environment answers nothing that it is asked.
"""

from __future__ import annotations

import json
import os
import select
import signal
import struct
import subprocess
import sys
import tty
import zlib

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../src"))
from ringfence.plan.frames import NUMBERS

HELLO, START, SIGNAL, DATA = (NUMBERS[name] for name in ("HELLO", "START", "SIGNAL", "DATA"))
END, CREDIT, HANGUP, READY = (NUMBERS[name] for name in ("END", "CREDIT", "HANGUP", "READY"))
STARTED, FAILED, EXITED = (NUMBERS[name] for name in ("STARTED", "FAILED", "EXITED"))
MEASURE, MEASURED = (NUMBERS[name] for name in ("MEASURE", "MEASURED"))
SPECIAL = bytes((0x7E, 0x7D, 0x0F, 0x11, 0x13))
WINDOW = 131072
REASONS = {"poweroff": 0, "reboot": 1, "panic": 3, "watchdog": 4}


def entries(data: bytes) -> dict[str, bytes]:
    """The files of cpio archives of the form newc, one behind the other."""
    found, at = {}, 0
    while data[at : at + 6] == b"070701":
        size, name_size = int(data[at + 54 : at + 62], 16), int(data[at + 94 : at + 102], 16)
        name = data[at + 110 : at + 110 + name_size - 1].decode()
        start = (at + 110 + name_size + 3) // 4 * 4
        found[name] = data[start : start + size]
        at = (start + size + 3) // 4 * 4
    return found


def texts(data: bytes, at: int) -> tuple[list[str], int]:
    """A list of texts in a plan, and where it ends."""
    count, size = struct.unpack_from("<II", data, at)
    end, found, at = at + 8 + size, [], at + 8
    for _ in range(count):
        (length,) = struct.unpack_from("<I", data, at)
        found.append(data[at + 4 : at + 4 + length].decode("utf-8", "surrogateescape"))
        at += 4 + length + 1
    return found, end


def program(plan: bytes) -> tuple[list[str], list[str]]:
    """Arguments and environment of the plan's last step, which executes the program."""
    at = 32
    while True:
        _kind, size = struct.unpack_from("<II", plan, at)
        if at + 8 + size == len(plan):
            break
        at += 8 + size
    arguments, at = texts(plan, at + 8)
    return arguments, texts(plan, at)[0]


class Line:
    """The console: frames in envelopes."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.sent, self.held = 0, b""

    def send(self, kind: int, data: bytes = b"", process: int = 0, stream: int = 0) -> None:
        """One frame."""
        piece = bytes((self.sent,)) + struct.pack("<IHBB", len(data), process, kind, stream) + data
        piece += struct.pack("<I", zlib.crc32(piece))
        self.sent = (self.sent + 1) & 0xFF
        stuffed = b"".join(bytes((0x7D, byte ^ 0x20)) if byte in SPECIAL else bytes((byte,)) for byte in piece)
        self.write(b"\x7e" + stuffed + b"\x7e")

    def write(self, data: bytes) -> None:
        """Bytes as they are, as a kernel writes them."""
        while data:
            data = data[os.write(self.descriptor, data) :]

    def receive(self) -> list[tuple[int, int, int, bytes]]:
        """The frames that have come: type, process, stream and content."""
        self.held += os.read(self.descriptor, 4096)
        *pieces, self.held = self.held.split(b"\x7e")
        found = []
        for piece in filter(None, pieces):
            plain, escaped = bytearray(), False
            for byte in piece:
                if byte == 0x7D:
                    escaped = True
                else:
                    plain.append(byte ^ 0x20 if escaped else byte)
                    escaped = False
            size, process, kind, stream = struct.unpack_from("<IHBB", plain, 1)
            assert zlib.crc32(plain[:-4]) == struct.unpack("<I", plain[-4:])[0]
            found.append((kind, process, stream, bytes(plain[9 : 9 + size])))
        return found


class Guest:
    """One domain's guest, up to its end."""

    def __init__(self, folder: str, number: str, line: Line, files: dict[str, bytes]) -> None:
        self.folder, self.number, self.line = folder, number, line
        self.arguments, self.environment = program(files["plan"])
        self.digest = files["digest"]
        self.child: subprocess.Popen[bytes] | None = None
        self.heard: list[tuple[int, int, int, bytes]] = []
        self.credit = {1: WINDOW, 2: WINDOW}

    def await_frame(self, kind: int) -> tuple[int, int, int, bytes]:
        """The next frame of a type; those before it are for later."""
        while True:
            for index, frame in enumerate(self.heard):
                if frame[0] == kind:
                    return self.heard.pop(index)
            self.heard += self.line.receive()

    def end(self, reason: int) -> None:
        """The domain shuts down and is preserved; what plays it stays, for its console does."""
        from fcntl import LOCK_EX, flock

        lock = os.open(f"{self.folder}/lock", os.O_RDWR)
        flock(lock, LOCK_EX)
        with open(f"{self.folder}/domains.json", encoding="utf-8") as file:
            held = json.load(file)
        held["domains"][self.number].update(reason=reason, time=0.5)
        with open(f"{self.folder}/domains.json.new", "w", encoding="utf-8") as file:
            json.dump(held, file)
        os.rename(f"{self.folder}/domains.json.new", f"{self.folder}/domains.json")
        os.close(lock)
        while True:
            signal.pause()

    def report(self, status: int, why: str) -> None:
        """What the guest's init leaves in xenstore."""
        with open(f"{self.folder}/report-{self.number}", "w", encoding="ascii") as file:
            file.write(f"{status} {why}")

    def play(self) -> None:
        """From the first instruction on."""
        name = os.path.basename(self.arguments[0])
        if name == "silent":
            signal.pause()
        self.line.write(b"[    0.1] a kernel's word\r\n")
        self.line.send(HELLO, struct.pack("<I", 1) + self.digest)
        self.await_frame(HELLO)
        self.line.send(READY)
        _, starter, _, _ = self.await_frame(START)
        if name == "missing":
            self.fail(starter)
        if name in REASONS:
            self.line.send(STARTED, process=starter)
            self.line.write(
                b"[    0.2] Kernel panic - not syncing: played\r\n" if name == "panic" else b"reboot: Power down\r\n"
            )
            self.end(REASONS[name])
        if name == "lie":
            self.line.send(STARTED, process=starter)
            self.line.send(EXITED, struct.pack("<I", 4711))
            signal.pause()
        self.run(starter)

    def fail(self, starter: int) -> None:
        """A step of the plan that did not work: the last one."""
        plan = entries(open(sys.argv[3], "rb").read())["plan"]
        first, births, insides = struct.unpack_from("<III", plan, 16)
        words = struct.pack("<Ii", first + births + insides, 2) + b"exec missing"
        self.line.send(FAILED, words, process=starter)
        self.report(255, "failed")
        self.end(0)

    def run(self, starter: int) -> None:
        """The container's program, and its streams."""
        pairs = dict(entry.partition("=")[::2] for entry in self.environment)
        pipe = subprocess.PIPE
        self.child = subprocess.Popen(self.arguments, stdin=pipe, stdout=pipe, stderr=pipe, env=pairs, bufsize=0)
        self.line.send(STARTED, process=starter)
        self.pump()
        code = self.child.wait()
        status = code if code >= 0 else 128 - code
        self.report(status, "exit" if code >= 0 else "signal")
        self.line.send(EXITED, struct.pack("<I", status))
        self.await_frame(HANGUP)
        self.end(0)

    def pump(self) -> None:
        """Pass bytes both ways until the program's output has ended."""
        assert self.child and self.child.stdout and self.child.stderr
        streams = {self.child.stdout.fileno(): 1, self.child.stderr.fileno(): 2}
        while streams:
            for frame in self.heard:
                self.take(*frame)
            self.heard = []
            open_ones = [one for one, stream in streams.items() if self.credit[stream]]
            ready, _, _ = select.select([*open_ones, self.line.descriptor], [], [], 0.05)
            if not ready and self.child.poll() is not None:
                return  # what it has left behind ends with the domain
            for descriptor in ready:
                if descriptor == self.line.descriptor:
                    self.heard += self.line.receive()
                elif data := os.read(descriptor, min(8192, self.credit[streams[descriptor]])):
                    self.credit[streams[descriptor]] -= len(data)
                    self.line.send(DATA, data, stream=streams[descriptor])
                else:
                    self.line.send(END, stream=streams.pop(descriptor))

    def take(self, kind: int, process: int, stream: int, data: bytes) -> None:
        """A frame of the host's."""
        assert self.child and self.child.stdin
        if kind == SIGNAL:
            self.child.send_signal(struct.unpack_from("<I", data)[0])
        elif kind == MEASURE and "DEAF=1" not in self.environment:
            self.line.send(MEASURED, process=process)
        elif kind == DATA and not self.child.stdin.closed:
            self.child.stdin.write(data)
            self.line.send(CREDIT, struct.pack("<I", len(data)))
        elif kind == CREDIT:
            self.credit[stream] += struct.unpack_from("<I", data)[0]
        elif kind == END and stream == 0:
            self.child.stdin.close()

    def asked_to_shut_down(self, *_ignored: object) -> None:
        """``xl shutdown`` reaches the program as TERM."""
        if self.child:
            self.child.terminate()


def main() -> None:
    """Wait until the domain may run, then play it."""
    folder, number, ramdisk, master = sys.argv[1:]
    with open(ramdisk, "rb") as file:
        guest = Guest(folder, number, Line(int(master)), entries(file.read()))
    tty.setraw(int(master))
    signal.signal(signal.SIGTERM, guest.asked_to_shut_down)
    with open(f"{folder}/go-{number}", encoding="ascii") as file:
        file.read()
    guest.play()


if __name__ == "__main__":
    main()
