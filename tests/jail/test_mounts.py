"""What is mounted, where, and what comes away again."""

from __future__ import annotations

import os
import stat
import subprocess

from tests.jail.harness import Host, Skip

VISIBLE = {"null", "zero", "random", "urandom"}
HIDDEN = {"mem", "kmem", "io", "pci", "bpf", "pf", "ada0", "md0"}


def test_a_devfs_shows_what_a_jail_may_see(host: Host) -> None:
    """JAIL-MNT-10, JAIL-MNT-12, JAIL-MNT-01: an undefined ruleset hides nothing, so rules are made and read back."""
    container = host.start(host.bundle())
    seen = set(container.exec("/bin/ls", "/dev").ok().out.split())
    assert seen >= VISIBLE
    assert not seen & HIDDEN, seen
    assert [kind for _, _, kind in host.mounts()] == ["devfs"]
    assert container.exec_sh("echo x > /dev/null; echo $?").ok().out == "0\n"
    container.delete("--force").ok()
    assert host.mounts() == []


def test_a_device_that_comes_later_stays_hidden(host: Host) -> None:
    """JAIL-MNT-11: rules act on nodes that are there; the mount's ruleset judges a disk that is made after start."""
    if host.is_standin:
        raise Skip("the stand-ins make no disks")
    container = host.start(host.bundle())
    before = container.exec("/bin/ls", "/dev").ok().out
    made = subprocess.run(
        ["/sbin/mdconfig", "-a", "-t", "swap", "-s", "1m"], capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise Skip("no disk can be made with mdconfig")
    disk = made.stdout.strip()
    try:
        assert os.path.exists(f"/dev/{disk}")
        assert container.exec("/bin/ls", "/dev").ok().out == before
    finally:
        subprocess.run(["/sbin/mdconfig", "-d", "-u", disk.removeprefix("md")], check=False)


def test_rulesets_that_may_not_be_trusted(host: Host) -> None:
    """JAIL-MNT-13: 0 shows all, and so does one that is not there; an undefined 4 becomes our own rules."""
    bundle = host.bundle()
    for number in ("0", "4711"):
        bundle.mounts[0]["options"] = [f"ruleset={number}"]
        host.refuses(bundle, "ruleset", "/mounts/0")
    bundle.mounts[0]["options"] = ["ruleset=4"]
    container = host.start(bundle)
    assert not set(container.exec("/bin/ls", "/dev").ok().out.split()) & HIDDEN


def test_more_devices(host: Host) -> None:
    """JAIL-MNT-14, JAIL-CFG-12: what the config asks for shows with its mode; what is no device is an error."""
    bundle = host.bundle()
    bundle.config["freebsd"]["devices"] = [{"path": "pf", "mode": 0o640}]
    if not host.is_standin and not os.path.exists("/dev/pf"):
        bundle.config["freebsd"]["devices"] = [{"path": "klog", "mode": 0o640}]
    name = bundle.config["freebsd"]["devices"][0]["path"]
    container = host.start(bundle)
    node = f"{bundle.rootfs}/dev/{name}"
    assert stat.S_IMODE(os.stat(node).st_mode) == 0o640
    assert "kmem" not in container.exec("/bin/ls", "/dev").ok().out.split()
    container.delete("--force").ok()
    for path in ("../mem", "/mem", "m*m", "a b", ""):
        bundle.config["freebsd"]["devices"] = [{"path": path}]
        host.refuses(bundle, "/freebsd/devices/0")
    bundle.config["freebsd"]["devices"] = [{"path": "nosuchdevice"}]
    host.refuses(bundle, "nosuchdevice", "/freebsd/devices/0")
    bundle.config["freebsd"]["devices"] = [{"path": "null"}]
    bundle.mounts.clear()
    host.refuses(bundle, "/freebsd/devices", "devfs")


def test_folders_and_files_of_the_host(host: Host) -> None:
    """JAIL-MNT-05, JAIL-MNT-06, JAIL-MNT-07, JAIL-DEL-05: nullfs of both; targets that were made go again."""
    data = f"{host.folder}/data"
    os.mkdir(data)
    with open(f"{data}/file", "w") as file:
        file.write("kept\n")
    bundle = host.bundle()
    os.mkdir(f"{bundle.rootfs}/there", 0o711)
    bundle.mount("/there", "nullfs", data)
    bundle.mount("/new/place", "nullfs", data, "ro")
    bundle.mount("/single", "nullfs", f"{data}/file", "ro")
    container = host.start(bundle)
    assert container.exec("/bin/cat", "/there/file", "/new/place/file", "/single").ok().out == "kept\n" * 3
    container.exec_sh("echo written > /there/more").ok()
    assert os.path.exists(f"{data}/more")
    assert container.exec_sh("echo x > /new/place/more").code != 0
    assert container.exec_sh("echo x > /single").code != 0
    container.delete("--force").ok()
    assert os.stat(f"{bundle.rootfs}/there").st_mode & 0o777 == 0o711
    assert not os.path.exists(f"{bundle.rootfs}/new")
    assert not os.path.exists(f"{bundle.rootfs}/single")
    assert os.path.exists(f"{data}/file")


def test_sources_that_do_not_fit(host: Host) -> None:
    """JAIL-MNT-05, JAIL-MNT-03, JAIL-MNT-04: told before anything is mounted, with the pointer of the entry."""
    cases = [
        ("/x", "nullfs", "/nosuch/source", "no such file or directory", "/mounts/1/source"),
        ("/etc", "nullfs", f"{host.template}/etc/passwd", "passwd", "/mounts/1"),
        ("/", "tmpfs", "tmpfs", "/mounts/1/destination", ""),
        ("/x", "overlay", "overlay", "overlay", "/mounts/1/type"),
    ]
    for destination, kind, source, *texts in cases:
        bundle = host.bundle()
        bundle.mount(destination, kind, source)
        host.refuses(bundle, *texts)


def test_a_source_relative_to_the_bundle(host: Host) -> None:
    """JAIL-MNT-05: and the type that Linux' configurations use for it."""
    bundle = host.bundle("/bin/cat", "/mnt/file")
    os.mkdir(f"{bundle.path}/data")
    with open(f"{bundle.path}/data/file", "w") as file:
        file.write("beside\n")
    bundle.mount("/mnt", "bind", "data", "rbind", "ro", "rprivate", "nodev")
    assert host.output(bundle) == "beside\n"


def test_options(host: Host) -> None:
    """JAIL-MNT-08, JAIL-MNT-09: what is not known is refused by name; one entry never becomes two options."""
    for kind, option in (
        ("tmpfs", "bogus"),
        ("tmpfs", "ro,exec"),
        ("tmpfs", "-o"),
        ("tmpfs", "size=lots"),
        ("tmpfs", "mode=9"),
        ("nullfs", "ro=1"),
    ):
        bundle = host.bundle()
        bundle.mount("/mnt", kind, f"{host.template}/etc" if kind == "nullfs" else kind, option)
        host.refuses(bundle, "/mounts/1/options")


def test_a_tmpfs(host: Host) -> None:
    """JAIL-MNT-09: size and mode as asked for, 1777 without; tmpcopyup keeps what was there."""
    bundle = host.bundle()
    bundle.file("/kept/file", "copied\n", 0o640)
    os.chown(f"{bundle.rootfs}/kept/file", 7, 8)
    bundle.mount("/mnt", "tmpfs", "tmpfs", "size=1m", "mode=0750")
    bundle.mount("/tmp", "tmpfs", "tmpfs")
    bundle.mount("/kept", "tmpfs", "tmpfs", "tmpcopyup")
    host.start(bundle)
    found = [stat.S_IMODE(os.stat(f"{bundle.rootfs}/{name}").st_mode) for name in ("mnt", "tmp")]
    assert found == [0o750, 0o1777]
    copied = os.stat(f"{bundle.rootfs}/kept/file")
    assert (stat.S_IMODE(copied.st_mode), copied.st_uid, copied.st_gid) == (0o640, 7, 8)
    with open(f"{bundle.rootfs}/kept/file") as file:
        assert file.read() == "copied\n"


def test_links_in_the_root_lead_nowhere_on_the_host(host: Host) -> None:
    """JAIL-MNT-02, JAIL-MNT-07: /dev -> an outer folder is resolved inside; no mount and no folder gets out."""
    outside = f"{host.folder}/outside"
    os.mkdir(outside)
    bundle = host.bundle()
    os.rmdir(f"{bundle.rootfs}/dev")
    os.symlink(outside, f"{bundle.rootfs}/dev")
    os.symlink("../../../../../../../../../../" + outside, f"{bundle.rootfs}/up")
    bundle.mount("/up/below", "tmpfs", "tmpfs")
    container = host.start(bundle)
    nodes = [node for _, node, _ in host.mounts()]
    assert nodes
    assert all(node.startswith(bundle.rootfs + "/") for node in nodes), nodes
    assert os.listdir(outside) == []
    container.delete("--force").ok()
    assert os.listdir(outside) == []


def test_a_read_only_root(host: Host) -> None:
    """JAIL-MNT-16: the jail's root is an alias that cannot be written, with the other mounts on it."""
    bundle = host.bundle()
    bundle.config["root"]["readonly"] = True
    bundle.mount("/scratch", "tmpfs", "tmpfs")
    container = host.start(bundle)
    assert container.exec_sh("echo x > /etc/made").code != 0
    assert container.exec_sh("echo x > /scratch/made; echo y > /dev/null").ok().code == 0
    assert not os.path.exists(f"{bundle.rootfs}/etc/made")
    with open(f"{bundle.rootfs}/etc/later", "w") as file:
        file.write("seen\n")
    assert container.exec("/bin/cat", "/etc/later").ok().out == "seen\n"
    container.delete("--force").ok()
    assert not os.path.exists(f"{bundle.rootfs}/scratch")


def test_names_with_blanks(host: Host) -> None:
    """JAIL-MNT-02: the table writes them in another way."""
    bundle = host.bundle("/bin/cat", "/a b/file")
    data = f"{host.folder}/d a t a"
    os.mkdir(data)
    with open(f"{data}/file", "w") as file:
        file.write("blank\n")
    bundle.mount("/a b", "nullfs", data)
    assert host.output(bundle) == "blank\n"


def test_other_file_systems(host: Host) -> None:
    """JAIL-MNT-15, JAIL-MNT-01: in the order of the config, all gone after delete."""
    bundle = host.bundle()
    bundle.mount("/dev/fd", "fdescfs", "fdescfs", "linrdlnk")
    bundle.mount("/proc", "procfs", "proc")
    if not host.is_standin and not os.path.exists("/boot/kernel/procfs.ko"):
        raise Skip("there is no module procfs")
    container = host.start(bundle)
    assert [kind for _, _, kind in host.mounts()] == ["devfs", "fdescfs", "procfs"]
    container.delete("--force").ok()
    assert host.mounts() == []


def test_a_root_that_cannot_be(host: Host) -> None:
    """JAIL-CREATE-03: it has to be a folder, and not that of the host."""
    bundle = host.bundle()
    for path in ("nosuch", "/", "rootfs/etc/passwd"):
        bundle.config["root"]["path"] = path
        host.refuses(bundle, "/root/path")
    del bundle.config["root"]
    host.refuses(bundle, "/root")
    link = host.bundle("/bin/echo", "through a link")
    os.rename(link.rootfs, f"{link.path}/real")
    os.symlink("real", link.rootfs)
    assert host.output(link) == "through a link\n"
