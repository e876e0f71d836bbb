"""What is measured in dom0: ``python3 -m bench.xen.inside ROUNDS``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
import tty
from pathlib import Path
from statistics import median

from bench.report import aligned
from tests.support.bundle import Bundle
from tests.support.process import status_field

RINGFENCE = ("/usr/local/bin/ringfence", "--driver", "xen")
SETTINGS = "/etc/ringfence/ringfence.toml"
MEMORY = 128
FIRST_WORD = b"\x7e"
"""What the init's first frame begins with; a kernel says nothing of the kind."""


def call(*words: str) -> str:
    """Standard output of a command that has to work."""
    return subprocess.run(words, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


def await_byte(descriptor: int, wanted: bytes) -> None:
    """Read until it comes."""
    while wanted not in os.read(descriptor, 4096):
        continue


def first_line(bundle: Bundle) -> float:
    """Seconds from calling ringfence to the first byte of the program."""
    begin = time.perf_counter()
    words = [*RINGFENCE, "run", "--bundle", bundle.path, f"bench-{time.monotonic_ns()}"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as running:
        assert running.stdout is not None
        os.read(running.stdout.fileno(), 1)
        taken = time.perf_counter() - begin
    assert running.returncode == 0, running.returncode
    return taken


def bare_line(file: str, name: str) -> float:
    """Seconds from ``xl create`` to the first word of the same init, in a domain of the same kind."""
    begin = time.perf_counter()
    call("xl", "create", "-q", "-e", "-p", file)
    number = call("xl", "domid", name).strip()
    console = os.open(call("xenstore-read", f"/local/domain/{number}/console/tty").strip(), os.O_RDWR | os.O_NOCTTY)
    tty.setraw(console)
    call("xl", "unpause", name)
    await_byte(console, FIRST_WORD)
    taken = time.perf_counter() - begin
    os.close(console)
    call("xl", "destroy", name)
    return taken


def bare_file(folder: str, bundle: Bundle, name: str) -> str:
    """The file of ringfence's own domain with another name and the folder of the files themselves."""
    text = Path(folder, "xl.cfg").read_text()
    text = re.sub(r"(?m)^uuid = .*\n", "", text)
    text = re.sub(r"(?m)^name = .*$", f'name = "{name}"', text)
    text = re.sub(r'(tag=root,[^"]*path=)[^",]*', lambda found: found[1] + bundle.rootfs, text)
    path = f"{bundle.path}/bare.cfg"
    Path(path).write_text(text)
    return path


def main() -> None:
    rounds = int(sys.argv[1])
    os.makedirs(os.path.dirname(SETTINGS), exist_ok=True)
    Path(SETTINGS).write_text(f"[xen]\nmemory = {MEMORY}\n")
    bundle = Bundle(os.path.join(tempfile.mkdtemp(dir="/var/tmp"), "bundle"))
    bundle.sh("echo ready")
    bundle.write()
    # The watcher keeps the outputs: nobody may wait for their end.
    null = subprocess.DEVNULL
    subprocess.run([*RINGFENCE, "create", "--bundle", bundle.path, "held"], check=True, stdin=null, stdout=null)
    state = call(*RINGFENCE, "state", "held")
    folder = "/run/ringfence/held"
    file = bare_file(folder, bundle, "bare")
    ours, bare = [], []
    for _ in range(rounds):
        bare.append(bare_line(file, "bare"))
        ours.append(first_line(bundle))
    pid = int(re.findall(r'"pid": (\d+)', state)[0])
    ramdisk = re.findall(r'(?m)^ramdisk = "(.*)"', Path(folder, "xl.cfg").read_text())[0]
    rows = [["bare xl create and unpause", f"{median(bare):.2f}"], ["ringfence run", f"{median(ours):.2f}"]]
    rows.append(["ringfence to bare", f"{median(ours) / median(bare):.2f}"])
    sizes = [
        ["ramdisk, KiB", f"{os.stat(ramdisk).st_size >> 10}"],
        ["watcher, KiB", status_field(pid, "VmRSS").split()[0]],
    ]
    print(aligned("to the first line, seconds", [""], rows))
    print(aligned("size", [""], sizes))
    call(*RINGFENCE, "delete", "--force", "held")


if __name__ == "__main__":
    main()
