"""The file hypervisor.args: its lines, its tags, and what becomes of QEMU's words in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.drivers.microvm.arguments import FILE, fill, read_lines, socket_values
from ringfence.drivers.microvm.machine import MICROVM, Machine, command
from ringfence.drivers.microvm.translate import Own, translate
from ringfence.errors import RingfenceError

STATE = "/run/cc/box"
VALUES = {
    "KERNEL": "/k/vmlinux", "KERNEL_PARAMS": "a=1 b", "KERNEL_NET_PARAMS": "ip=::::::box::off::", "IMAGE": "/i/image",
    "SIZE": "4194304", "UUID": "u-u-i-d", "NAME": "d", "WORKLOAD_DIR": f"{STATE}/share",
    **socket_values(STATE, console=False),
}  # fmt: skip
STOCK = """\
/usr/bin/qemu-system-x86_64
-name
@NAME@
-machine
pc-lite,accel=kvm,kernel_irqchip,nvdimm
-device
nvdimm,memdev=mem0,id=nv0
-object
memory-backend-file,id=mem0,mem-path=@IMAGE@,size=@SIZE@
-m
2G,slots=2,maxmem=3G
-kernel
@KERNEL@
-append
@KERNEL_PARAMS@ @KERNEL_NET_PARAMS@
-smp
2,sockets=1,cores=2,threads=1
-cpu
host
-rtc
base=utc,driftfix=slew
-no-user-config
-nodefaults
-global
kvm-pit.lost_tick_policy=discard
-device
virtio-serial-pci,id=virtio-serial0
-chardev
@CONSOLE_DEVICE@
-device
virtconsole,chardev=charconsole0,id=console0
-chardev
@PROCESS_SOCKET@
-chardev
socket,id=charch0,path=@AGENT_CTL_SOCKET@,server,nowait
-device
virtserialport,chardev=charch0,id=channel0,name=sh.hyper.channel.0
-uuid
@UUID@
-qmp
unix:@COMMS_SOCKET@,server,nowait
-nographic
-vga
none
"""


def own(text: str, *, kvm: bool = False, image: str = "/i/image") -> Own:
    """What a file comes to."""
    return translate(fill(read_lines(text), VALUES), STATE, image, kvm=kvm)


def texts(text: str) -> list[str]:
    return [line.text for line in read_lines(text)]


def test_a_line_is_an_argument() -> None:
    """MVM-CCOR-04: trimmed; blank lines and comments go, a sharp inside a word stays; lines keep their numbers."""
    text = "# first\n\n  /usr/bin/q  \n-name # why\n\tx#y\n   \n-a b c\n"
    assert texts(text) == ["/usr/bin/q", "-name", "x#y", "-a b c"]
    assert [line.number for line in read_lines(text)] == [3, 4, 5, 7]


@pytest.mark.parametrize(("text", "error"), [("# nothing\n", "names no hypervisor"), ("/q\n-a\0b", "line 2")])
def test_a_file_that_is_none(text: str, error: str) -> None:
    """MVM-CCOR-04."""
    with pytest.raises(RingfenceError, match=error):
        read_lines(text)


def test_every_occurrence_of_a_tag_is_replaced_once() -> None:
    """MVM-CCOR-04: and what comes in is not scanned again; an unknown word stays, with a warning."""
    values = {"NAME": "@UUID@", "UUID": "u", "HOST": None}
    filled = fill(read_lines("/q\n@NAME@ and @NAME@ @OTHER@ a@b"), values)
    assert filled.lines[1].text == "@UUID@ and @UUID@ @OTHER@ a@b"
    assert filled.warnings == (f"{FILE}, line 2: @OTHER@ is no tag, and stays as it is",)


def test_a_tag_without_a_value_is_named_with_its_line() -> None:
    """MVM-CCOR-05."""
    with pytest.raises(RingfenceError, match=r"line 3: there is no value for @IMAGE@"):
        fill(read_lines("/q\n-drive\nfile=@IMAGE@"), {"IMAGE": None})


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30))
def test_a_value_never_becomes_another_argument(value: str) -> None:
    """MVM-CCOR-04, MVM-QEMU-13: whatever is in it; in a path a comma begins no option."""
    filled = fill(read_lines("/q\n-name\n@NAME@\n-drive\nfile=@IMAGE@,if=none"), {"NAME": value, "IMAGE": f"/{value}"})
    assert [line.text for line in filled.lines] == [
        "/q", "-name", value, "-drive", f"file=/{value.replace(',', ',,')},if=none",
    ]  # fmt: skip


def test_sockets_lie_in_the_containers_folder() -> None:
    """MVM-CCOR-06: QEMU gets them as descriptors, its root has no such folder."""
    found = own(STOCK)
    assert found.sockets == ("hypervisor.sock", "process.sock", "console.sock", "ga-ctl.sock")
    words = command(Machine("/k/vmlinux", board="q35", own=found), "/t", 0)
    assert not [word for word in words if STATE in word]
    assert "socket,id=procsock,fd=9,server=on,wait=off" in words
    assert "socket,fd=10,server=on,wait=off,id=charconsole0,signal=off" in words
    assert "socket,id=charch0,fd=11,server=on,wait=off" in words
    at = words.index("chardev=hypervisor-sock,mode=control")
    assert words[at - 3 : at] == ("-chardev", "socket,id=hypervisor-sock,fd=8,server=on,wait=off", "-mon")


def test_a_console_of_the_callers_is_not_the_machines() -> None:
    """MVM-CCOR-06: the container's terminal is there, by our own port."""
    assert socket_values(STATE, console=True)["CONSOLE_DEVICE"] == "null,id=charconsole0"


def test_the_stock_file_on_todays_qemu() -> None:
    """MVM-CCOR-09: each rewrite is told."""
    found = own(STOCK)
    words = command(Machine("/k/vmlinux", board=found.board, memory=found.memory, cpus=found.cpus, own=found), "/t", 0)
    assert words[words.index("-machine") + 1] == "q35,kernel_irqchip=on,nvdimm=on"
    assert "memory-backend-file,id=mem0,mem-path=/proc/self/fd/\0image\0,size=4194304,readonly=on" in found.words
    assert (found.board, found.memory, found.cpus, found.kernel) == ("q35", 2048, 2, "/k/vmlinux")
    notes = "\n".join(found.notes)
    for told in (
        "line 5: pc-lite is read as q35",
        "nvdimm is read as nvdimm=on",
        "accel=kvm is left out",
        "host is read",
    ):
        assert told in notes


def test_ours_follows_the_files() -> None:
    """MVM-CCOR-08: ramdisk, ports, share, monitor; our words to the kernel are the last, and our init its first."""
    found = own(STOCK, kvm=True)
    machine = Machine("/k/vmlinux", "q35", "/usr/libexec/virtiofsd", found.memory, found.cpus, kvm=True, own=found)
    words = command(machine, "/t", 1)
    for ours in (
        "virtserialport,chardev=control,name=ringfence.control",
        "chardev=monitor,mode=control",
        "/proc/self/fd/6",
    ):
        assert words.index(ours) > words.index("-vga")
    assert "memory-backend-memfd,id=memory,size=2048M,share=on" in words
    assert (words.count("-m"), words.count("-smp"), words.count("-cpu"), words.count("-accel")) == (1, 1, 1, 1)
    line = words[words.index("-append") + 1]
    assert line.startswith("a=1 b ip=::::::box::off:: console=hvc1 quiet")
    assert line.endswith("rdinit=/init guest")


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ("-initrd\n/x", r"line 2: -initrd cannot be"),
        ("-daemonize", r"line 2: -daemonize cannot be"),
        ("-m\n64\n-qmp\nstdio", r"line 5: standard input"),
        ("-chardev\nstdio,id=x", r"line 3: standard input"),
        ("-serial\nmon:stdio", r"line 3: standard input"),
        ("-m\nmuch", r"line 3: much is no size"),
        ("-kernel\nvmlinux", r"line 3: the path of a kernel"),
    ],
)
def test_what_cannot_be(lines: str, error: str) -> None:
    """MVM-CCOR-08: named by its line."""
    with pytest.raises(RingfenceError, match=error):
        own(f"/q\n{lines}\n")


EARLY = "/q\n-machine\npc\n-fsdev\nlocal,id=w,path=@WORKLOAD_DIR@\n" + "".join(
    f"@{name}@\n" for name in ("NETDEV", "NETDEV_PARAMS", "NETDEVICE", "NETDEVICE_PARAMS")
)


def test_early_tags_of_the_network() -> None:
    """MVM-CCOR-07: the first device stands where the file has it, the others follow; without any the lines go."""
    found = own(EARLY)
    assert found.folder
    machine = Machine("/k/vmlinux", "q35", own=found)
    without = command(machine, "/t", 0)
    assert not [word for word in without if "netdev" in word or "\0" in word]
    words = command(machine, "/t", 2)
    at = words.index("-netdev")
    assert words[at + 1 : at + 3] == ("tap,id=nic0,fd=8", "-device")
    assert at < words.index("-accel") < words.index("tap,id=nic1,fd=9")


def test_the_board_without_acpi() -> None:
    """MVM-KERNEL-09: the words about timers follow the file's board."""
    assert own("/q\n-M\nmicrovm\n").board == MICROVM
    lines = {}
    for name in ("microvm", "microvm,acpi=off"):
        words = command(Machine("/k", MICROVM, own=own(f"/q\n-M\n{name}\n")), "/t", 0)
        lines[name] = words[words.index("-append") + 1]
    assert "nolapic_timer" not in lines["microvm"]
    assert "nolapic_timer" in lines["microvm,acpi=off"]
