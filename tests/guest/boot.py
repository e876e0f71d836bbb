"""Booting the guest: a script goes in, its output, status and files come out."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.guest import recipe
from tests.guest.build import DISK, KERNEL, image

MEMORY = "3G"


class GuestError(Exception):
    """The guest did not come to the end of its script; the text has the last of its console."""


@dataclass(frozen=True)
class Ended:
    """How a script ended, and the folder with what it left in /out."""

    status: int
    out: Path


def qemu(folder: Path, scratch: Path, output: int) -> list[str]:
    """The command line. Hardware help is not asked for: /dev/kvm may open and then hang every stock kernel.

    The two processors share one thread of the host: with one each, QEMU 7.2 now and then executes an int3 that another
    processor of the guest's has just patched away (a panic in __schedule).
    """
    return [
        "qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=single", "-cpu", "max,la57=off", "-smp", "2",
        "-m", MEMORY, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-kernel", str(folder / KERNEL), "-append", recipe.KERNEL_LINE,
        "-drive", f"if=none,id=root,format=raw,snapshot=on,file={folder / DISK}",
        "-device", "nvme,serial=root,drive=root",
        "-drive", f"if=none,id=share,format=raw,read-only=on,file={scratch / 'share.tar'}",
        "-device", "virtio-blk-pci,drive=share",
        "-chardev", f"file,id=console,path={scratch / 'console.log'}", "-serial", "chardev:console",
        "-device", "virtio-serial-pci",
        "-add-fd", f"fd={output},set=1", "-chardev", "file,id=output,path=/dev/fdset/1,append=on",
        "-device", "virtserialport,chardev=output",
        "-chardev", f"file,id=result,path={scratch / 'result.tar'}", "-device", "virtserialport,chardev=result",
    ]  # fmt: skip


def pack(target: Path, script: str, share: Sequence[tuple[Path, str]]) -> None:
    """One tar of the script and the shared files, each a path and its name in the guest's /share."""
    with tempfile.NamedTemporaryFile("w") as file, tarfile.open(target, "w") as tar:
        file.write(script)
        file.flush()
        tar.add(file.name, "guest-script")
        for path, name in share:
            tar.add(path, name)


def run(script: str, share: Sequence[tuple[Path, str]], output: int, seconds: float) -> Ended:
    """Boot, run the script with sh(1) in /share, and end. ``output`` is the descriptor that gets what it writes.

    Raises:
        GuestError: it took longer than ``seconds``, or the guest died before the script ended.
    """
    folder = image()
    with tempfile.TemporaryDirectory(prefix="ringfence-guest-") as name:
        scratch = Path(name)
        pack(scratch / "share.tar", script, share)
        status = supervise(qemu(folder, scratch, output), output, seconds, scratch)
        out = Path(tempfile.mkdtemp(prefix="ringfence-guest-out-"))
        try:
            subprocess.run(["tar", "-xf", scratch / "result.tar", "-C", out, "--no-same-owner"], check=True)
            return Ended(int((out / "status").read_text()), out)
        except (OSError, subprocess.CalledProcessError, ValueError):
            shutil.rmtree(out)
            raise GuestError(f"the guest ended without a result (QEMU: {status})\n{console(scratch)}") from None


def supervise(command: list[str], output: int, seconds: float, scratch: Path) -> int:
    """Run QEMU to its end; its exit status."""
    # QEMU keeps the disk's changed blocks in an unlinked file below TMPDIR.
    environment = {**os.environ, "TMPDIR": str(scratch)}
    started = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=(output,), env=environment)
    try:
        return started.wait(seconds)
    except subprocess.TimeoutExpired:
        raise GuestError(f"the guest was still running after {seconds:.0f} s\n{console(scratch)}") from None
    finally:
        with suppress(ProcessLookupError):
            started.kill()
        started.wait()


def console(scratch: Path) -> str:
    """The last of what the guest's kernel and systemd wrote."""
    with suppress(OSError):
        return "its console:\n" + (scratch / "console.log").read_text(errors="replace")[-4000:]
    return "it wrote nothing"
