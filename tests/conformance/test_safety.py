"""What must not leak from the host into a container, nor be led astray by one."""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from tests.conformance.inside import field, host_folder, inside, output, through, write_file
from tests.conformance.probe import install_probe
from tests.support import Bundle, Container, Runtime
from tests.support.process import descriptors, read_text
from tests.support.terminal import Terminal

F_GET_SEALS = 1034
F_SEAL_WRITE = 8
AT_FDCWD = -100
RENAME_EXCHANGE = 2


@pytest.fixture
def leak(runtime: Runtime) -> int:
    """An inheritable descriptor of a folder of the host."""
    number = os.open(host_folder(runtime), os.O_RDONLY | os.O_DIRECTORY)
    os.set_inheritable(number, True)
    return number


def test_created_init_holds_nothing_of_the_host(runtime: Runtime, bundle: Bundle, leak: int) -> None:
    """LNX-SAFE-01: in status created only stdio, pipes, sockets, anon inodes, the exec FIFO and procfs are open."""
    bundle.args("true")
    container = runtime.create(bundle, pass_fds=[leak])
    stdio = {os.path.realpath(path) for path in (container.output_path, container.output_path + ".err", "/dev/null")}
    for number, target in descriptors(container.pid).items():
        kind = target.partition(":")[0]
        found = os.stat(f"/proc/{container.pid}/fd/{number}")
        harmless = kind in ("pipe", "socket", "anon_inode") or stat.S_ISFIFO(found.st_mode) or "memfd" in target
        if number > 2 and not harmless:
            assert on_proc(f"/proc/{container.pid}/fd/{number}"), (number, target)
        elif number <= 2:
            assert target in stdio
    os.close(leak)


def on_proc(path: str) -> bool:
    """Whether a file lies on procfs, which has neither blocks nor free inodes of its own."""
    shown = subprocess.run(["stat", "-Lfc", "%T", path], check=True, capture_output=True, text=True)
    return shown.stdout.strip() == "proc"


def test_program_has_three_descriptors(runtime: Runtime, bundle: Bundle, leak: int) -> None:
    """LNX-SAFE-01, LNX-SAFE-02: the program, foreground or not, and exec'd ones have 0, 1 and 2 alone."""
    install_probe(bundle)
    bundle.sh("probe fds; exec sleep 1000")
    container = runtime.create(bundle, pass_fds=[leak])
    runtime.run("start", container.id, pass_fds=[leak]).ok()
    assert container.wait_output("2\n").split() == ["0", "1", "2"]
    assert container.exec("probe", "fds", pass_fds=[leak]).ok().out.split() == ["0", "1", "2"]
    bundle.args("probe", "fds")
    assert output(runtime, bundle, pass_fds=[leak]).split() == ["0", "1", "2"]
    os.close(leak)


def test_descriptors_close_without_close_range(runtime: Runtime, bundle: Bundle, leak: int) -> None:
    """LNX-SAFE-02: also when the filter refuses close_range, before and after noNewPrivileges."""
    install_probe(bundle)
    rule = {"names": ["close_range"], "action": "SCMP_ACT_ERRNO"}
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}
    bundle.args("probe", "fds")
    for privileges in (True, False):
        bundle.process["noNewPrivileges"] = privileges
        assert output(runtime, bundle, pass_fds=[leak]).split() == ["0", "1", "2"]
    os.close(leak)


@pytest.mark.parametrize("kind", ["createRuntime", "createContainer", "poststart"])
def test_hooks_have_three_descriptors(runtime: Runtime, bundle: Bundle, leak: int, kind: str) -> None:
    """LNX-SAFE-01: hooks get no descriptor of the runtime or its caller. runc 1.1 leaks to createContainer."""
    install_probe(bundle)
    seen = runtime.new_path("seen")
    bundle.hook(kind, "/bin/sh", "-c", f"{bundle.rootfs}/bin/probe fds >{seen}")
    bundle.args("sleep", "0")
    assert runtime.run_bundle(bundle, pass_fds=[leak]).code == 0
    assert read_text(seen).split() == ["0", "1", "2"]
    os.close(leak)


def executables(runtime: Runtime) -> dict[str, str]:
    """Digest of every file that takes part in a call of the runtime, by path."""
    binary = os.path.realpath(runtime.binary)
    files = [binary]
    with open(binary, "rb") as file:
        first = file.readline()
    if first.startswith(b"#!"):
        files.append(os.path.realpath(first[2:].split()[0].decode()))
    package = os.path.join(os.path.dirname(os.path.dirname(binary)), "src/ringfence")
    for folder, _, names in os.walk(package):
        files += [os.path.join(folder, name) for name in names if not name.endswith(".pyc")]
    found = {}
    for path in files:
        with open(path, "rb") as file:
            found[path] = hashlib.sha256(file.read()).hexdigest()
    return found


def test_executable_of_the_waiting_init(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SAFE-03: init runs from a sealed copy, or from a read-only mount, never from a file of the host."""
    bundle.args("true")
    pid = runtime.create(bundle).pid
    path = f"/proc/{pid}/exe"
    with open(path, "rb") as file:
        sealed = "memfd:" in os.readlink(path) and fcntl.fcntl(file, F_GET_SEALS) & F_SEAL_WRITE
        readonly = os.fstatvfs(file.fileno()).f_flag & os.ST_RDONLY
        assert sealed or readonly
        host = {(found.st_dev, found.st_ino) for found in map(os.stat, executables(runtime))}
        mine = os.fstat(file.fileno())
        assert readonly or (mine.st_dev, mine.st_ino) not in host


@pytest.mark.parametrize("program", ["/proc/self/exe", "/entry"])
def test_runtime_cannot_be_rewritten(runtime: Runtime, bundle: Bundle, program: str) -> None:
    """LNX-SAFE-03: a program that is the runtime's own executable finds nothing to write to (CVE-2019-5736)."""
    before = executables(runtime)
    bundle.config["root"]["readonly"] = False
    bundle.file("/entry", "#!/proc/self/exe\n", 0o755)
    bundle.args(program, "features")
    runtime.run_bundle(bundle)
    assert executables(runtime) == before


def test_exec_cannot_be_rewritten(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SAFE-03: the same while processes inside look for the executable of exec."""
    before = executables(runtime)
    attack = "for exe in /proc/[0-9]*/exe; do (echo overwritten >$exe) 2>/dev/null && echo $exe; done"
    bundle.sh(f"echo ready; while :; do {attack}; done")
    container = runtime.started(bundle)
    container.wait_output("ready\n")
    for _ in range(8):
        container.exec("true")
    assert executables(runtime) == before
    assert container.output() == "ready\n"


HOSTILE = "import os\nos.open('{mark}', os.O_CREAT)\n"


def test_code_of_the_rootfs_is_never_run(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SAFE-04: neither modules nor libraries nor settings of the container's root reach the runtime."""
    mark = runtime.new_path("mark")
    names = ["sitecustomize", "usercustomize", "os", "json", "encodings/__init__", "ringfence/__init__", "_json"]
    library = f"/usr/lib/python3.{sys.version_info.minor}"
    for name in names:
        for folder in ("", library, f"{library}/site-packages"):
            bundle.file(f"{folder}/{name}.py", HOSTILE.format(mark=mark))
        with open(os.path.join(bundle.path, f"{name.replace('/', '_')}.py"), "w", encoding="ascii") as file:
            file.write(HOSTILE.format(mark=mark))
    bundle.file("/etc/ld.so.preload", "/lib/hostile.so\n")
    bundle.file("/etc/nsswitch.conf", "passwd: hostile\n")
    bundle.env.extend(["LD_PRELOAD=/lib/hostile.so", f"PYTHONPATH={library}:/", f"PYTHONSTARTUP={library}/os.py"])
    bundle.sh("echo seen; exec sleep 1000")
    container = runtime.create(bundle, cwd=bundle.path)
    container.start()
    container.wait_output("seen\n")
    assert runtime.run("exec", container.id, "echo", "more", cwd=bundle.path).ok().out == "more\n"
    assert not os.path.exists(mark)


@pytest.mark.parametrize("kind", ["fifo", "folder", "link", "device"])
def test_passwd_that_is_no_file(runtime: Runtime, bundle: Bundle, kind: str) -> None:
    """LNX-SAFE-04: what lies at the container's /etc/passwd cannot make the runtime hang. runc 1.1 waits at a FIFO."""
    path = os.path.join(bundle.rootfs, "etc/passwd")
    os.unlink(path)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        os.mkdir(path)
    elif kind == "link":
        os.symlink("passwd", path)
    else:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    bundle.args("echo", "seen")
    result = runtime.run_bundle(bundle)
    assert (result.code, result.out) in ((0, "seen\n"), (1, ""))


def test_setup_is_not_dumpable(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SAFE-05: while init is set up its files in /proc are root's of the host, so nobody inside can trace it."""
    bundle.user_namespace(host_id=100000)
    seen = runtime.new_path("seen")
    script = f"pid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/'); stat -c %u /proc/$pid/environ >{seen}"
    bundle.hook("createRuntime", "/bin/sh", "-c", script)
    bundle.args("true")
    runtime.create(bundle)
    assert read_text(seen) == "0\n"


def hostile_links(bundle: Bundle, outside: str) -> None:
    """Let every place where the runtime makes something be a link to the host."""
    for name in ("dev/pts", "dev/shm", "dev/mqueue", "sys/fs", "run", "mnt", "work"):
        path = os.path.join(bundle.rootfs, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.isdir(path):
            os.rmdir(path)
        os.symlink(outside, path)
    for name in ("dev/null", "dev/console", "dev/ptmx", "dev/fd", "dev/stdin", "dev/core", "dev/extra"):
        os.symlink(os.path.join(outside, os.path.basename(name)), os.path.join(bundle.rootfs, name))


@pytest.mark.parametrize("kept", [True, False], ids=["dev mounted", "dev of the image"])
def test_links_of_an_image_never_lead_out(runtime: Runtime, bundle: Bundle, kept: bool) -> None:
    """LNX-SAFE-06: mkdir, mknod, symlink, chown and mounts in the rootfs follow no link to the host."""
    outside = host_folder(runtime)
    hostile_links(bundle, outside)
    if not kept:
        bundle.config["mounts"] = [entry for entry in bundle.mounts if entry["destination"] != "/dev"]
    bundle.process["cwd"] = "/work/deep"
    bundle.mount("/mnt/made", "tmpfs", "tmpfs")
    bundle.bind(write_file(runtime.new_path(), "text"), "/run/file")
    bundle.linux["devices"] = [{"path": "/dev/extra", "type": "c", "major": 1, "minor": 3, "uid": 7}]
    bundle.args("true")
    runtime.run_bundle(bundle)
    assert os.listdir(outside) == []
    assert (os.stat(outside).st_uid, os.stat(outside).st_mode & 0o777) == (0, 0o755)


def test_sysctl_goes_to_real_procfs(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SAFE-07: with files of the image in the place of /proc a sysctl is written to the kernel, or refused."""
    fake = bundle.file("/proc/sys/net/ipv4/ip_forward", "fake")
    del bundle.mounts[0]
    bundle.linux.update(sysctl={"net.ipv4.ip_forward": "1"}, maskedPaths=[], readonlyPaths=[])
    before = read_text("/proc/sys/net/ipv4/ip_forward")
    bundle.args("true")
    runtime.run_bundle(bundle)
    assert read_text(fake) == "fake"
    assert read_text("/proc/sys/net/ipv4/ip_forward") == before


class Swapper:
    """Exchanges a folder and a link to the host at one path, as a container sharing a volume can."""

    def __init__(self, folder: str, outside: str) -> None:
        self.real, self.link = os.path.join(folder, "place"), os.path.join(folder, "other")
        os.mkdir(self.real)
        os.symlink(outside, self.link)
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._swap)
        self.thread.start()

    def _swap(self) -> None:
        libc = ctypes.CDLL(None)
        names = os.fsencode(self.real), os.fsencode(self.link)
        while not self.ended.is_set():
            libc.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE)

    def close(self) -> None:
        """Stop."""
        self.ended.set()
        self.thread.join()


def test_swapped_paths_can_only_make_create_fail(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SAFE-08: a folder that turns into a link to the host and back during create gains nothing.

    runc 1.1 makes the file of a bind there.
    """
    outside = host_folder(runtime, "outside")
    volume = host_folder(runtime, "volume")
    bundle.bind(volume, "/volume", "rbind")
    bundle.mount("/volume/place/made", "tmpfs", "tmpfs")
    bundle.bind(write_file(runtime.new_path(), "text"), "/volume/place/file")
    bundle.args("true")
    swapper = Swapper(volume, outside)
    try:
        codes = [runtime.run_bundle(bundle).code for _ in range(12)]
    finally:
        swapper.close()
    assert os.listdir(outside) == []
    assert set(codes) <= {0, 1}


def test_signals_of_the_caller_do_not_leak(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SAFE-09: the program starts with default dispositions and an empty mask, exec'd ones too.

    runc 1.1 hands both down.
    """
    through(runtime, 'exec env --ignore-signal=PIPE,HUP,INT,USR1 --block-signal=USR2,ALRM "$@"')
    show = ("cat", "/proc/self/status")
    bundle.args("sh", "-c", "exec cat /proc/self/status")
    text = output(runtime, bundle)
    assert [int(field(text, name), 16) for name in ("SigBlk", "SigIgn", "SigCgt")] == [0, 0, 0]
    bundle.sleep()
    text = runtime.started(bundle).exec(*show).ok().out
    assert [int(field(text, name), 16) for name in ("SigBlk", "SigIgn", "SigCgt")] == [0, 0, 0]


def test_folder_of_the_caller_does_not_leak(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SAFE-09: the working directory is the configured one, wherever the caller is."""
    bundle.process["cwd"] = "/etc"
    old = os.umask(0o077)
    try:
        assert inside(runtime, bundle, "readlink /proc/self/cwd; umask", cwd="/tmp").split() == ["/etc", "0022"]
    finally:
        os.umask(old)


def session(text: str) -> tuple[str, str, str]:
    """(pid, session, terminal) from /proc/PID/stat."""
    words = text.rpartition(")")[2].split()
    return text.split(maxsplit=1)[0], words[3], words[4]


def test_program_leads_its_session(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SAFE-10: the program is the leader of its own session, without a terminal, exec'd ones likewise."""
    bundle.sh("cat /proc/$$/stat; exec sleep 1000")
    container = runtime.started(bundle)
    assert session(container.wait_output("\n")) == ("1", "1", "0")
    pid, leader, terminal = session(container.sh("cat /proc/$$/stat").ok().out)
    assert (pid, terminal) == (leader, "0")


def test_detached_program_has_no_terminal_of_the_caller(runtime: Runtime, bundle: Bundle, terminal: Terminal) -> None:
    """LNX-SAFE-10: a detached program has no controlling terminal of its caller."""
    bundle.sh("sleep 0; exec sleep 1000")
    bundle.write()
    name = runtime.new_id()
    words = [runtime.binary, *runtime.globals(), "run", "--detach", "--bundle", bundle.path, name]
    assert terminal.spawn(words, runtime.env, runtime.folder).wait(60) == 0
    container = Container(runtime, name, "")
    assert read_text(f"/proc/{container.pid}/stat").rpartition(")")[2].split()[4] == "0"


def test_second_container_cannot_see_the_first(
    runtime: Runtime, bundle: Bundle, make_bundle: Callable[..., Bundle]
) -> None:
    """LNX-SAFE-01: nothing of one container shows in another: neither processes nor mounts."""
    first = make_bundle("first")
    first.args("sleep", "7654")
    runtime.started(first)
    out = inside(runtime, bundle, "ps; cat /proc/self/mountinfo")
    assert "7654" not in out
    assert "first/rootfs" not in out
