"""Booting the lab: a script goes in, its output, status and files come out."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.guest.boot import Ended, GuestError, console, pack, supervise
from tests.guest.build import DISK
from tests.xen.lab import recipe
from tests.xen.lab.build import KERNEL, RAMDISK, XEN, image

RESULT_SIZE = 64 << 20


def qemu(folder: Path, scratch: Path, output: int) -> list[str]:
    """The command line.

    The processor: SMAP under QEMU 7.2's emulation kills a PV dom0; without rdrand every domain waits 3 s for random
    numbers; PVH needs nested paging, which svm and npt are. A second processor makes the emulation slower.
    """
    line = f"{folder / KERNEL} {recipe.KERNEL_LINE},{folder / RAMDISK}"
    return [
        "qemu-system-x86_64", "-M", "pc", "-accel", "tcg", "-cpu", "qemu64,+rdrand,+svm,+npt", "-smp", "1",
        "-m", str(recipe.MEMORY), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-kernel", str(folder / XEN), "-append", recipe.XEN_LINE, "-initrd", line,
        "-drive", f"if=virtio,format=raw,snapshot=on,file={folder / DISK}",
        "-drive", f"if=virtio,format=raw,read-only=on,file={scratch / 'share.tar'}",
        "-drive", f"if=virtio,format=raw,cache=unsafe,file={scratch / 'result.tar'}",
        "-chardev", f"file,id=console,path={scratch / 'console.log'}", "-serial", "chardev:console",
        "-add-fd", f"fd={output},set=1", "-chardev", "file,id=output,path=/dev/fdset/1,append=on",
        "-serial", "chardev:output",
    ]  # fmt: skip


def run(script: str, share: Sequence[tuple[Path, str]], output: int, seconds: float) -> Ended:
    """Boot, run the script with bash(1) in /share, and end. ``output`` is the descriptor that gets what it writes.

    Raises:
        GuestError: it took longer than ``seconds``, or dom0 died before the script ended.
    """
    folder = image()
    with tempfile.TemporaryDirectory(prefix="ringfence-xen-") as name:
        scratch = Path(name)
        pack(scratch / "share.tar", script, share)
        with open(scratch / "result.tar", "wb") as file:
            file.truncate(RESULT_SIZE)
        status = supervise(qemu(folder, scratch, output), output, seconds, scratch)
        out = Path(tempfile.mkdtemp(prefix="ringfence-xen-out-"))
        try:
            subprocess.run(["tar", "-xf", scratch / "result.tar", "-C", out, "--no-same-owner"], check=True)
            return Ended(int((out / "status").read_text()), out)
        except (OSError, subprocess.CalledProcessError, ValueError):
            shutil.rmtree(out)
            raise GuestError(f"the lab ended without a result (QEMU: {status})\n{console(scratch)}") from None


__all__ = ["Ended", "GuestError", "run"]
