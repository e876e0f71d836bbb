"""/dev as an image brings it, the console, and standard streams."""

from __future__ import annotations

import os
import shutil
import stat

import pytest

from tests.conformance.inside import inside
from tests.security.outside import SECRET, Outside
from tests.support import Bundle, ConsoleSocket, Runtime
from tests.support.mark import unlike_runc

LINKS = ("ptmx", "fd", "stdin", "stdout", "stderr", "core", "null", "zero", "console", "shm", "pts", "mqueue")


def dev_is_a_link(bundle: Bundle, target: str) -> None:
    """Let the image's whole /dev lie elsewhere."""
    shutil.rmtree(os.path.join(bundle.rootfs, "dev"))
    os.symlink(target, os.path.join(bundle.rootfs, "dev"))


@unlike_runc("CVE-2026-41579 came later", always=False)
@pytest.mark.parametrize("up", ["", "../../../../../../../.."])
@pytest.mark.parametrize("terminal", [False, True])
def test_a_dev_that_leads_out(
    runtime: Runtime, image_dev: Bundle, outside: Outside, console: ConsoleSocket, up: str, terminal: bool
) -> None:
    """CVE-2026-41579, CVE-2026-47766: /dev is a link to a folder of the host, which has what the runtime would replace.

    Default links, nodes and the console are made, and old ones removed, below the root's descriptor.
    """
    for name in ("ptmx", "fd", "stdin", "core", "null", "pts/0"):
        outside.add(name, "kept")
    dev_is_a_link(image_dev, up + outside.path)
    image_dev.linux["devices"] = [{"path": "/dev/extra", "type": "c", "major": 1, "minor": 3}]
    image_dev.process["terminal"] = terminal
    image_dev.args("true")
    image_dev.write()
    options = ["--console-socket", console.path] if terminal else []
    runtime.run("create", "--bundle", image_dev.path, *options, runtime.new_id())
    outside.assert_untouched()


@pytest.mark.parametrize("name", LINKS)
def test_a_file_of_dev_that_leads_out(runtime: Runtime, image_dev: Bundle, outside: Outside, name: str) -> None:
    """CVE-2026-41579, CVE-2019-18837: an entry of the image's /dev is a link to a file of the host, or to none yet."""
    path = os.path.join(image_dev.rootfs, "dev", name)
    for target in (outside.secret, os.path.join(outside.path, "made")):
        if os.path.lexists(path):
            shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
        os.symlink(f"../../../../../../..{target}", path)
        image_dev.sh("echo x >/dev/null; true")
        runtime.run_bundle(image_dev)
        outside.assert_untouched()


@pytest.mark.parametrize("target", ["secret", "made"])
def test_a_console_that_leads_out(
    runtime: Runtime, image_dev: Bundle, outside: Outside, console: ConsoleSocket, target: str
) -> None:
    """CVE-2026-88264: /dev/console is a link: no file is made on the host, none is mounted over or chowned."""
    os.symlink(os.path.join(outside.path, target), os.path.join(image_dev.rootfs, "dev/console"))
    image_dev.mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620")
    image_dev.process.update(terminal=True, user={"uid": 1000, "gid": 1000})
    image_dev.sh("echo written >/dev/console; true")
    image_dev.write()
    name = runtime.new_id()
    created = runtime.run("create", "--bundle", image_dev.path, "--console-socket", console.path, name)
    if created.code == 0:
        runtime.run("start", name)
    outside.assert_untouched()


def test_a_pts_that_is_a_link(runtime: Runtime, image_dev: Bundle, outside: Outside, console: ConsoleSocket) -> None:
    """CVE-2025-52565: /dev/pts/0 of the image is a link to what is masked, and would be bound to /dev/console writable.

    The console is the pty that was opened, by descriptor.
    """
    os.mkdir(os.path.join(image_dev.rootfs, "dev/pts"))
    for number in range(8):
        os.symlink("/proc/sys/kernel/core_pattern", os.path.join(image_dev.rootfs, f"dev/pts/{number}"))
    image_dev.process["terminal"] = True
    image_dev.sh("stat -c %F /dev/console; echo '|/evil' >/dev/console; cat /proc/sys/kernel/core_pattern; sleep 1000")
    image_dev.write()
    name = runtime.new_id()
    created = runtime.run("create", "--bundle", image_dev.path, "--console-socket", console.path, name)
    if created.code == 0:
        runtime.run("start", name)


@unlike_runc("the fix of 2026 came later", always=False)
@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_standard_streams_are_not_taken_from_the_image(
    runtime: Runtime, image_dev: Bundle, outside: Outside, stream: str
) -> None:
    """CVE-2026-88265: /dev/null of the image is a link to a bound host file, which would become the standard streams.

    They stay what the caller gave, and the file keeps its owner and content.
    """
    os.symlink("/hostfile", os.path.join(image_dev.rootfs, "dev/null"))
    image_dev.bind(outside.secret, "/hostfile", "rbind", "rw")
    image_dev.process["user"] = {"uid": 1000, "gid": 1000}
    image_dev.sh("cat; readlink /proc/self/fd/0; echo written >&2")
    result = runtime.run_bundle(image_dev, stdin="given" if stream == "stdout" else None)
    assert SECRET not in result.out
    outside.assert_untouched()


def test_devices_of_the_host_cannot_be_made_inside(runtime: Runtime, bundle: Bundle) -> None:
    """CVE-2026-96812, the plain case: with CAP_MKNOD a node of a disk is made, and cannot be opened."""
    for held in bundle.process["capabilities"].values():
        held.extend(["CAP_MKNOD", "CAP_DAC_OVERRIDE"])
    bundle.config["root"]["readonly"] = False
    script = "for n in 'b 8 0' 'b 254 0' 'b 259 0' 'c 1 1' 'c 1 2' 'c 1 4' 'c 10 200'; do mknod /tmp/node $n && "
    script += "head -c 1 /tmp/node >/tmp/read && echo opened $n; rm -f /tmp/node; done; true"
    bundle.mount("/tmp", "tmpfs", "tmpfs", "dev")
    assert inside(runtime, bundle, script) == ""


@unlike_runc("takes the image's node", always=False)
def test_device_nodes_of_the_image_are_what_they_say(runtime: Runtime, image_dev: Bundle) -> None:
    """CVE-2026-88265: a node of the image under the name of a default device is replaced or refused."""
    path = os.path.join(image_dev.rootfs, "dev/zero")
    os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 1))
    image_dev.sh("stat -c %t:%T /dev/zero")
    result = runtime.run_bundle(image_dev)
    assert result.code == 1 or result.out == "1:5\n", result
