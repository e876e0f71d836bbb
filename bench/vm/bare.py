"""The measure for the wall of a machine: QEMU itself, the same kernel and devices, and an init that does nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

from bench.command import Bench, Sample
from ringfence.drivers.guest.ramdisk import archive
from ringfence.drivers.microvm.machine import CONSOLE, CONTROL, MONITOR, RAMDISK, Machine, command, descriptor_of

SOURCE = Path(__file__).with_name("nothing.c")


class Bare:
    """A bare machine on the hardware of ``machine``; everything it needs lies below ``scratch``."""

    def __init__(self, machine: Machine, scratch: Path) -> None:
        self.machine = machine
        self.scratch = scratch
        self.tree = scratch / "tree"
        self.tree.mkdir()
        self.ramdisk = scratch / "nothing.cpio"
        self.console = scratch / "console"
        program = scratch / "nothing"
        subprocess.run(["musl-gcc", "-Os", "-static", "-s", "-o", str(program), str(SOURCE)], check=True)
        self.ramdisk.write_bytes(archive([("init", 0o755, program.read_bytes())]))

    def words(self) -> list[str]:
        """ringfence's own command line, with files in place of the sockets and descriptors that it hands over."""
        words = [self.machine.program, *command(self.machine, str(self.tree), 0)[1:]]
        changed = {
            f"socket,id=control,fd={CONTROL}": "null,id=control",
            f"socket,id=monitor,fd={MONITOR}": "null,id=monitor",
            f"socket,id=console,fd={CONSOLE}": f"file,id=console,path={self.console}",
            f"/proc/self/fd/{descriptor_of(self.machine, 'kernel')}": self.machine.kernel,
            f"/proc/self/fd/{RAMDISK}": str(self.ramdisk),
        }
        if self.machine.virtiofsd:
            served = f"socket,id=files,fd={descriptor_of(self.machine, 'files')}"
            changed[served] = f"socket,id=files,path={self.scratch / 'files.sock'}"
        return [changed.get(word, word) for word in words]

    def serve(self) -> subprocess.Popen[bytes] | None:
        """The daemon that serves files, where the machine has one."""
        path = self.scratch / "files.sock"
        if not self.machine.virtiofsd:
            return None
        path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(path))
        listening.listen(1)
        os.set_inheritable(listening.fileno(), True)
        number = listening.fileno()
        words = [self.machine.virtiofsd, f"--fd={number}", "-f", "--rlimit-nofile=0", "-o", f"source={self.tree}"]
        if "libexec" in self.machine.virtiofsd:
            words = [self.machine.virtiofsd, f"--fd={number}", "--shared-dir", str(self.tree)]
        with listening:
            return subprocess.Popen(words, pass_fds=[number], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def run(self, bench: Bench) -> tuple[Sample, float]:
        """One boot to its end: what it cost with its daemon, and the guest's milliseconds to its first line."""
        begin = time.perf_counter()
        daemon = self.serve()
        sample = bench.measure(*self.words())
        taken = (time.perf_counter() - begin) * 1000
        if daemon:
            bench.wait_for(daemon.pid)
        told = self.console.read_text().split()
        return Sample(taken, sample.cpu), float(told[-1]) * 1000
