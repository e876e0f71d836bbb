"""What create looks at before a domain is made, and what it says of the toolstack's failures."""

from __future__ import annotations

import json
import os
import stat

import pytest

from tests.support import Bundle, ConsoleSocket, wait_until
from tests.xen.outside.standin import Dom0


def refused(dom0: Dom0, bundle: Bundle, words: str) -> None:
    """A create that fails, and that xl has not been asked for."""
    before = dom0.calls()
    dom0.refuses_bundle(words, bundle)
    assert dom0.calls() == before


def test_what_is_not_there(dom0: Dom0, bundle: Bundle, workdir: str) -> None:
    """XEN-CREATE-05, XEN-ERR-08: each by its field, before xl is called, which says nothing of a missing share."""
    bundle.bind("/nowhere", "/data")
    refused(dom0, bundle, "cannot find /nowhere: no such file or directory")
    bundle.mounts.pop()
    bundle.config["vm"] = {"kernel": {"path": "/nowhere/k"}}
    refused(dom0, bundle, "cannot find /nowhere/k")
    bundle.config["vm"] = {"kernel": {"path": workdir}}
    refused(dom0, bundle, "is no regular file")
    bundle.config["vm"] = {"kernel": {"path": dom0.kernel}, "image": {"path": "/dev/null"}}
    refused(dom0, bundle, "neither a regular file nor a block device")
    bundle.config["vm"] = {"kernel": {"path": dom0.kernel}, "hwConfig": {"memory": 8 << 20}}
    refused(dom0, bundle, "8 MiB of memory are too few for the domain: this kernel needs 32")


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("/bin/nothing", 'exec: "/bin/nothing": stat /bin/nothing: no such file or directory'),
        ("nothing", 'exec: "nothing": executable file not found in $PATH'),
        ("/etc/passwd", 'exec: "/etc/passwd": permission denied'),
        ("/bin", 'exec: "/bin": is a directory'),
        ("/out", 'exec: "/out": stat /out: no such file or directory'),
    ],
)
def test_a_program_that_is_not_there(dom0: Dom0, bundle: Bundle, word: str, words: str) -> None:
    """XEN-CREATE-06: in the words of any wall; no link leads out of the root."""
    if word == "/out":
        os.symlink(dom0.kernel, f"{bundle.rootfs}/out")
    bundle.args(word)
    refused(dom0, bundle, words)


def test_a_program_in_a_volume_is_the_guests_to_find(dom0: Dom0, bundle: Bundle, workdir: str) -> None:
    """XEN-CREATE-06."""
    bundle.bind(workdir, "/opt")
    bundle.args("/opt/program")
    dom0.create(bundle)


def test_no_dom0(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-CREATE-09: one line, with a hint, before anything is made."""
    os.unlink(f"{dom0.tools}/control")
    refused(dom0, bundle, 'the driver "xen" is not available')
    dom0.script("control", "")
    os.chmod(f"{dom0.tools}/xl", 0o644)
    refused(dom0, bundle, "cannot be executed")
    os.chmod(f"{dom0.tools}/xl", 0o755)


def test_failures_of_the_toolstack(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-ERR-01, XEN-ERR-04, XEN-ERR-05, XEN-ERR-12: nothing is left behind."""
    said = "xc_dom_boot_mem_init: can't allocate low memory for domain: Out of memory\nlibxl: Unable to destroy guest"
    dom0.fail("create", 3, said)
    dom0.refuses_bundle("the host has not the 512 MiB that the domain is to have (211 are free)", bundle)
    dom0.fail("create", 3, "libxl: error: something else")
    dom0.refuses_bundle("xl create has failed with exit code 3: libxl: error: something else", bundle)
    dom0.fail("xenstore-read", 1, "xs_open failed")
    dom0.refuses_bundle("xenstored does not tell the domain's console", bundle)
    assert dom0.domains() == {}


def test_the_files_are_roots_alone(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-CFG-10, XEN-SEC-05: the domain's file, plan and steps; what is secret is on no command line."""
    bundle.env.append("PASSWORD=hunter2")
    container = dom0.create(bundle)
    assert stat.S_IMODE(os.stat(container.state_folder).st_mode) == 0o700
    for name in ("xl.cfg", "ramdisk", "state.json", "config.json", "guest.json"):
        assert stat.S_IMODE(os.stat(f"{container.state_folder}/{name}").st_mode) == 0o600
    assert "hunter2" not in "".join(dom0.calls())
    with open(f"{container.state_folder}/xl.cfg", encoding="utf-8") as file:
        assert "hunter2" not in file.read()


def test_explain_shows_the_file_that_create_writes(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-CFG-10: whole, with each command, and nothing is asked or made."""
    bundle.write()
    told = json.loads(dom0.run("explain", "--bundle", bundle.path, "--json", "web").ok().out)
    ((path, text),) = told["files"].items()
    assert (dom0.calls(), dom0.ids()) == ([], [])
    container = dom0.create(bundle, name="web")
    assert path == f"{container.state_folder}/xl.cfg"
    with open(path, encoding="utf-8") as file:
        held = file.read()
    assert [line for line in held.splitlines() if "uuid" not in line] == [
        line for line in text.splitlines() if "uuid" not in line
    ]
    commands = [step["text"] for step in told["steps"] if step["phase"] == "host" and step["verb"] == "run"]
    assert [call.split()[1] for call in dom0.calls()][:3] == [
        command.split()[1].replace("DOMID", "1") for command in commands
    ]


def test_the_domain_is_confirmed(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-CREATE-07: one that has vanished when it had been made fails create."""
    open(f"{dom0.tools}/vanish", "w").close()
    dom0.refuses_bundle("was gone when it had been made", bundle)
    os.unlink(f"{dom0.tools}/vanish")


def test_a_domain_that_runs_too_early(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-CREATE-07: one that does not stand still fails create, with the end of its console; nothing is left."""
    open(f"{dom0.tools}/early", "w").close()
    dom0.refuses_bundle("does not stand still: its state is", bundle)
    assert "its console's last words: [ 0.1] a kernel's word" in dom0.last_error()
    assert dom0.domains() == {}


def test_hooks(dom0: Dom0, bundle: Bundle, workdir: str) -> None:
    """XEN-HOOKS-01, XEN-HOOKS-04: each at its moment, with the watcher's pid; poststop when all is gone."""
    for kind in ("prestart", "createRuntime", "poststart", "poststop"):
        bundle.hook(
            kind,
            "/bin/sh",
            "-c",
            f"cat >> {workdir}/told; echo >> {workdir}/told; cp {dom0.tools}/domains.json {workdir}/{kind}",
        )
    bundle.args("/bin/sh", "-c", "exit 0")
    container = dom0.create(bundle)
    pid = container.pid
    container.start()
    container.delete("--force").ok()
    with open(f"{workdir}/told", encoding="utf-8") as file:
        told = [json.loads(line) for line in file]
    assert [one["status"] for one in told] == ["creating", "creating", "running", "stopped"]
    assert [one.get("pid") for one in told] == [pid, pid, pid, None]
    for kind, count in (("prestart", 1), ("poststart", 1), ("poststop", 0)):
        with open(f"{workdir}/{kind}", encoding="utf-8") as file:
            assert len(json.load(file)["domains"]) == count


def test_a_hook_that_fails(dom0: Dom0, bundle: Bundle, workdir: str) -> None:
    """XEN-HOOKS-04: the domain is destroyed, poststop runs, nothing stays."""
    bundle.hook("createRuntime", "/bin/false")
    bundle.hook("poststop", "/bin/sh", "-c", f"echo x >> {workdir}/stopped")
    dom0.refuses_bundle("error running createRuntime hook #0: exit status 1", bundle)
    assert dom0.domains() == {}
    assert os.path.exists(f"{workdir}/stopped")


def test_a_terminal(dom0: Dom0, bundle: Bundle, workdir: str) -> None:
    """XEN-CONSOLE-04: the socket gets its master during create; bytes go both ways."""
    bundle.process["terminal"] = True
    bundle.args("/bin/sh", "-c", "read line; echo got $line")
    console = ConsoleSocket(f"{workdir}/console")
    bundle.write()
    creating = dom0.spawn("create", "--bundle", bundle.path, "--console-socket", console.path, "web")
    (master,) = console.receive().fds
    creating.wait().ok()
    container = dom0.container("web")
    container.start()
    os.write(master, b"word\n")
    got = b""
    while b"got word" not in got:
        got += os.read(master, 1000)
    wait_until(lambda: container.status() == "stopped", "its end")
    console.close()


def test_five_at_once(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-CREATE-08, XEN-CFG-07: all succeed, and no two have the same UUID."""
    bundle.write()
    started = [dom0.spawn("create", "--bundle", bundle.path, f"web{number}") for number in range(5)]
    for one in started:
        one.wait().ok()
    assert len({domain["uuid"] for domain in dom0.domains().values()}) == 5


def test_called_as_runx(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-COMPAT-01, XEN-COMPAT-03, XEN-COMPAT-04, XEN-COMPAT-07: containerd's command lines; true values."""
    dom0.binary = dom0.program("runX")
    bundle.args("/bin/sh", "-c", "exit 4")
    pid_file = dom0.new_path("pid")
    container = dom0.create(bundle, "--pid-file", pid_file, "--no-pivot")
    with open(pid_file, encoding="ascii") as file:
        assert file.read() == str(container.pid)
    told = container.state()
    assert list(told)[:7] == ["ociVersion", "id", "pid", "status", "bundle", "rootfs", "created"]
    assert (told["owner"], told["created"][-1]) == ("root", "Z")
    assert [one["memory"] for one in dom0.domains().values()] == [1024]
    assert any("has no pvcalls" in record["msg"] for record in dom0.log_records() if record["level"] == "warning")
    container.start()
    assert container.reap() == 4
    dom0.run("delete", container.id, "--force").ok()
    assert dom0.run("frobnicate").code == 3


def test_an_image_that_another_writes_to(dom0: Dom0, bundle: Bundle, workdir: str) -> None:
    """XEN-ROOTFS-04: readers may share one, a writer has it alone; a container that has stopped has none."""
    image = f"{workdir}/image"
    with open(image, "wb") as file:
        file.write(bytes(4096))
    beside = {"kernel": {"path": dom0.kernel}, "image": {"path": image}}
    root = Bundle(f"{workdir}/root", rootfs=False)
    root.config["root"]["readonly"] = False
    for one in (bundle, root):
        one.config["vm"] = beside
    dom0.create(bundle)
    reader = dom0.create(bundle)
    dom0.refuses_bundle("is in use by the container", root)
    for name in dom0.ids():
        dom0.run("delete", "--force", name).ok()
    writer = dom0.create(root)
    dom0.refuses_bundle("is in use by the container", bundle)
    writer.end()
    assert dom0.create(bundle).id != reader.id


def test_a_host_without_nested_paging(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-CFG-04, XEN-ERR-10: pvh is refused before xl makes anything."""
    dom0.set(type="pvh")
    dom0.create(bundle)
    with open(f"{dom0.tools}/caps", "w", encoding="utf-8") as file:
        file.write("pv hvm")
    dom0.refuses_bundle("this host cannot run a PVH domain", bundle)
