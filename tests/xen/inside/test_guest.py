"""What the program sees of itself and its machine."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.support import Bundle
from tests.xen.inside.dom0 import Dom0

SHOW = """\
id -u; id -g; id -G; pwd; hostname; umask
cat /proc/sys/kernel/shmmni /proc/self/oom_score_adj
grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status
ulimit -n
echo "[$LANGUAGE][$EMPTY]"
cat /proc/acpi/x 2>/dev/null; ls /proc/acpi 2>/dev/null | wc -l
echo x 2>/dev/null >/proc/sys/kernel/panic || echo readonly
ls /dev | tr '\\n' ' '; echo
ls /dev/xen /init /plan /packed 2>/dev/null | wc -l
test -w /sys/hypervisor/type || echo unwritable
ls -A /proc/1/root >/dev/null && cat /proc/1/comm
"""


def marked(bundle: Bundle) -> None:
    """Every attribute other than a container has by itself."""
    process = bundle.process
    process["user"] = {"uid": 1000, "gid": 1001, "additionalGids": [7, 8], "umask": 0o27}
    process["cwd"] = "/tmp"
    process["env"] += ["LANGUAGE=a b=c\"'$", "EMPTY="]
    process["oomScoreAdj"] = 77
    process["rlimits"] = [{"type": "RLIMIT_NOFILE", "hard": 512, "soft": 256}]
    held = ["CAP_KILL", "CAP_CHOWN"]
    process["capabilities"] = dict.fromkeys(("bounding", "effective", "inheritable", "permitted", "ambient"), held)
    bundle.config["hostname"] = "inner"
    bundle.linux["sysctl"] = {"kernel.shmmni": "4097"}
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW"}


def tree(path: str) -> dict[str, tuple[Any, ...]]:
    """Everything in a tree: type and mode, owner, size, times, content."""
    found = {}
    for one in sorted(Path(path).rglob("*")):
        held = one.lstat()
        data = hashlib.sha256(one.read_bytes()).digest() if one.is_file() and not one.is_symlink() else b""
        found[str(one)] = (held.st_mode, held.st_uid, held.st_gid, held.st_mtime_ns, held.st_ctime_ns, data)
    return found


def test_attributes(dom0: Dom0) -> None:
    """XEN-GUEST-02, XEN-GUEST-03, XEN-ENV-01, XEN-ROOTFS-02: each as config.json has it; the root is left untouched."""
    bundle = dom0.bundle(SHOW)
    marked(bundle)
    before = tree(bundle.rootfs)
    ended = dom0.runtime.run_bundle(bundle)
    assert ended.code == 0, ended
    lines = ended.out.splitlines()
    assert lines[:6] == ["1000", "1001", "1001 7 8", "/tmp", "inner", "0027"], lines
    assert lines[6:8] == ["4097", "77"], lines
    caps = {line.split(":")[0]: line.split()[1] for line in lines[8:15]}
    assert {caps[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0000000000000021"}, caps
    assert (caps["NoNewPrivs"], caps["Seccomp"]) == ("1", "2"), caps
    assert lines[15:17] == ["256", "[a b=c\"'$][]"], lines
    assert lines[17:19] == ["0", "readonly"], lines
    assert set(lines[19].split()) == {
        "core", "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty",
        "urandom", "zero",
    } - ({"core"} if "core" not in lines[19].split() else set()), lines  # fmt: skip
    assert lines[20:] == ["0", "unwritable", "sh"], lines
    assert tree(bundle.rootfs) == before


def test_arguments(dom0: Dom0) -> None:
    """XEN-GUEST-01: byte for byte, 100 kB of them, and no shell in between."""
    words = [
        "",
        " a  b ",
        "$HOME `id`",
        "'\"",
        "new\nline",
        "".join(map(chr, range(0x21, 0x7F))),
        "äöü€",
        "x" * 100_000,
    ]
    bundle = dom0.bundle()
    bundle.args("sh", "-c", 'for one in "$@"; do printf "%s\\0" "$one"; done', "sh", *words)
    ended = dom0.runtime.run_bundle(bundle)
    assert ended.code == 0, ended.err
    assert ended.out.split("\0")[:-1] == words


def test_pvh_behind_another_ramdisk(dom0: Dom0) -> None:
    """XEN-GUEST-06, XEN-CFG-04, XEN-VM-03: the same plan in a domain of the other type; whatever the administrator's
    ramdisk holds, our init is the one that runs, and the file is never changed."""
    path = Path(dom0.folder, "other.cpio")
    made = "cd $(mktemp -d) && mkdir sbin && echo none >init && echo odd >sbin/x && find . | busybox cpio -o -H newc"
    path.write_bytes(
        subprocess.run(["sh", "-c", made], check=True, capture_output=True).stdout.rstrip(b"\0") + b"\0\0\0"
    )
    before = path.read_bytes()
    dom0.settings(type="pvh", ramdisk=str(path))
    ended = dom0.run("id -u; exit 42")
    assert (ended.code, ended.out) == (42, "0\n"), ended
    assert path.read_bytes() == before


def test_out_of_memory(dom0: Dom0) -> None:
    """XEN-VM-06, XEN-STATS-01: the limit is the guest's, whose kernel kills; the program that eats it ends with 137."""
    bundle = dom0.bundle("exec tail /dev/zero", memory=32)
    ended = dom0.runtime.run_bundle(bundle)
    assert ended.code == 137, ended


def test_a_program_that_cannot_be_started(dom0: Dom0) -> None:
    """XEN-CREATE-06, XEN-START-03: known at create where dom0 can see it; else start tells, and nothing is left."""
    runtime = dom0.runtime
    bundle = dom0.bundle()
    bundle.args("/nope")
    runtime.refuses_bundle("no such file or directory", bundle)
    bundle.file("script", "#!/no/such/interpreter\n", 0o755)
    bundle.args("/script")
    container = runtime.create(bundle)
    assert runtime.run("start", container.id).code == 1
    assert "no such file or directory" in runtime.last_error()
    dom0.stopped(container)
    assert os.listdir(os.path.join(bundle.rootfs, "proc")) == []
