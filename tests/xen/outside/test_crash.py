"""A runtime that is killed in the middle of its work, and what delete --force finds."""

from __future__ import annotations

import os

import pytest

from tests.support import Bundle, wait_until
from tests.support.process import alive, kill_quietly, pids, read_text
from tests.xen.outside.standin import Dom0

DYING = """
import os
from ringfence.container import birth, domain_birth
place, moment = {place!r}, {moment!r}
def dying(real, name):
    def perform(self, *words):
        here = name or type(words[0]).__name__
        if (here, moment) == (place, "before"):
            os.kill(os.getpid(), 9)
        held = real(self, *words)
        if (here, moment) == (place, "after"):
            os.kill(os.getpid(), 9)
        return held
    return perform
domain_birth.Rise.perform = dying(domain_birth.Rise.perform, "")
birth.Birth.born = dying(birth.Birth.born, "born")
birth.Birth.tell = dying(birth.Birth.tell, "tell")
"""


def dies(dom0: Dom0, bundle: Bundle, place: str, moment: str) -> None:
    """A create that is killed at one place."""
    bundle.write()
    whole = dom0.binary
    dom0.binary = dom0.program("dying", DYING.format(place=place, moment=moment))
    assert dom0.run("create", "--bundle", bundle.path, "web").code == 137
    dom0.binary = whole


@pytest.mark.parametrize(
    ("place", "moment"),
    [
        ("CheckPlaces", "before"),
        ("WriteConfig", "after"),
        ("WriteRamdisk", "after"),
        ("RunCommand", "after"),
        ("ConfirmDomain", "after"),
        ("OpenConsole", "after"),
        ("born", "after"),
        ("tell", "after"),
    ],
)
def test_killed_at_a_step(dom0: Dom0, bundle: Bundle, place: str, moment: str) -> None:
    """XEN-CRASH-01, XEN-CRASH-02: whatever has been made is found, by the UUID that was written before."""
    dies(dom0, bundle, place, moment)
    made = place not in ("CheckPlaces", "WriteConfig", "WriteRamdisk")
    assert len(dom0.domains()) == made
    status = dom0.container("web").status()
    assert status == ("created" if made else "stopped")
    dom0.run("delete", "--force", "web").ok()
    assert (dom0.domains(), dom0.ids()) == ({}, [])


def test_killed_while_xl_makes_the_domain(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-CRASH-01, XEN-CRASH-03: a half-built domain is found though nobody has recorded that it is there."""
    bundle.write()
    open(f"{dom0.tools}/late-create", "w").close()
    creating = dom0.spawn("create", "--bundle", bundle.path, "web")
    wait_until(lambda: dom0.domains() != {}, "the domain")
    toolstack = [pid for pid in pids() if f"{dom0.tools}/xl\0create" in read_text(f"/proc/{pid}/cmdline")]
    creating.popen.kill()
    creating.wait()
    for pid in toolstack:
        kill_quietly(pid)
    os.unlink(f"{dom0.tools}/late-create")
    dom0.run("delete", "--force", "web").ok()
    assert (dom0.domains(), dom0.ids()) == ({}, [])


def test_killed_in_a_hook(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-CRASH-01, XEN-HOOKS-01."""
    bundle.hook("createRuntime", "/bin/sh", "-c", "kill -9 $(ps -o ppid= -p $PPID)")
    bundle.write()
    assert dom0.run("create", "--bundle", bundle.path, "web").code == 137
    dom0.run("delete", "--force", "web").ok()
    assert (dom0.domains(), dom0.ids()) == ({}, [])


def test_a_domain_of_another_is_never_touched(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-CRASH-02, XEN-STATE-02: name and number are the same, the UUID is not."""
    dom0.create(bundle, name="web")
    ((name, domain),) = dom0.domains().items()
    with open(f"{dom0.tools}/domains.json", encoding="utf-8") as file:
        text = file.read()
    other = f"ffffffff{domain['uuid'][8:]}"
    with open(f"{dom0.tools}/domains.json", "w", encoding="utf-8") as file:
        file.write(text.replace(domain["uuid"], other))
    assert dom0.container("web").status() == "stopped"
    dom0.run("delete", "--force", "web").ok()
    assert list(dom0.domains()) == [name]
    dom0.xl("destroy", name)


def test_a_create_that_hangs(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-CREATE-08: it is killed, and the domain that it may have made is destroyed."""
    dom0.set(timeout=2)
    bundle.write()
    open(f"{dom0.tools}/late-create", "w").close()
    told = dom0.run("create", "--bundle", bundle.path, "web")
    assert "xl create -q -e -p" in told.err
    assert "has not come to its end within 2 seconds" in told.err
    assert (dom0.domains(), dom0.ids()) == ({}, [])


def test_dom0_has_been_started_anew(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-CRASH-05: the domain is gone; nothing that belongs to another now is touched."""
    container = dom0.create(bundle, name="web")
    pid = container.pid
    dom0.xl("destroy", next(iter(dom0.domains())))
    wait_until(lambda: not alive(pid), "the watcher's end")
    assert container.status() == "stopped"
    container.delete().ok()


def test_a_toolstack_that_is_gone(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-CRASH-05, XEN-STATE-03: state is an error, never "stopped"; delete --force works all the same."""
    container = dom0.create(bundle, name="web")
    dom0.fail("list", 1, "xs_open: no")
    dom0.refuses("xenstored does not answer", "state", "web")
    dom0.refuses("xenstored does not answer", "delete", "--force", "web")
    os.unlink(f"{dom0.tools}/fail")
    assert container.status() == "created"
    pid = container.pid
    dom0.xl("destroy", next(iter(dom0.domains())))
    os.rename(f"{dom0.tools}/xl", f"{dom0.tools}/away")
    dom0.run("delete", "--force", "web").ok()
    assert dom0.ids() == []
    os.rename(f"{dom0.tools}/away", f"{dom0.tools}/xl")
    wait_until(lambda: not alive(pid), "the watcher's end")


def test_no_room(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-CRASH-05: a full disk is told, and nothing is left."""
    bundle.write()
    whole = dom0.binary
    text = "import posix\nfrom ringfence.container import domain_birth\n"
    text += "def full(*_words):\n    raise OSError(28, 'No space left on device')\ndomain_birth.write_bytes = full\n"
    dom0.binary = dom0.program("full", text)
    dom0.refuses_bundle("ramdisk: no space left on device", bundle)
    dom0.binary = whole
