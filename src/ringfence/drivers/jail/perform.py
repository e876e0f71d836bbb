"""Performing the host's part of a plan, each thing recorded before it is made."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time

from ringfence.drivers.jail import output, query, steps
from ringfence.drivers.jail.devices import OWN_RULESET, RULES, hides_first, included
from ringfence.drivers.jail.inroot import resolve
from ringfence.drivers.jail.tools import failure
from ringfence.errors import RingfenceError, from_os_error
from ringfence.host import freebsd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from ringfence.drivers.jail.made import Journal
    from ringfence.drivers.jail.tools import Said, Tools
    from ringfence.plan.plan import Plan

DYING_TRIES, DYING_PAUSE = 20, 0.1
MODULES = ("fdescfs", "procfs", "linprocfs", "linsysfs", "tmpfs", "nullfs")


class Maker:
    """One jail on its way: what is below which root, and what has been found out."""

    def __init__(self, tools: Tools, journal: Journal, plan: Plan, warn: Callable[[str], None]):
        self.tools = tools
        self.journal = journal
        self.plan = plan
        self.warn = warn
        self.base = next(step.path for step in plan.host if isinstance(step, steps.CreateJail))
        self.rulesets: dict[int, int] = {}
        self.nodes: list[tuple[str, str]] = []
        self.done: list[tuple[int, int]] = []
        """The numbers of the steps that have been done, and when, in nanoseconds (JAIL-CREATE-13)."""

    def perform(self) -> None:
        """Do every step of the host's part.

        Raises:
            RingfenceError: one failed; it names the step and its field.
        """
        total = len(self.plan.rows())
        for number, step in enumerate(self.plan.host, start=1):
            try:
                ACTS[type(step).__name__](self, step)
                self.done.append((number, time.monotonic_ns()))
            except RingfenceError as error:
                error.field = error.field or step.pointer
                error.step = error.step or f"step {number} of {total}"
                raise
            except OSError as error:
                verb, what = step.describe()
                told = from_os_error(f"cannot {verb} {what}", error, field=step.pointer)
                told.step = f"step {number} of {total}"
                raise told from None

    def make_folder(self, path: str) -> None:
        """Note what is about to be made below the root."""
        self.journal.append("folders", path)


def use_ruleset(maker: Maker, step: steps.UseRuleset) -> None:
    """A ruleset that hides everything first, defined by us if it is ours (JAIL-MNT-10, JAIL-MNT-13)."""
    shown = shown_rules(maker.tools, step.number)
    number = step.number
    if step.fallback and not shown:
        maker.warn(f"devfs ruleset {step.number} is not defined: ringfence's own is used in its place")
        number = OWN_RULESET
        shown = shown_rules(maker.tools, number)
    if number == OWN_RULESET and shown != [*RULES]:
        shown = define_own(maker.tools, bool(shown))
    first = shown[:1]
    if first and included(first[0]) >= 0:
        first = shown_rules(maker.tools, included(first[0]))[:1]
    if not hides_first(first):
        raise RingfenceError(
            f"devfs ruleset {number} does not hide everything first, so the container would see all devices",
            hint="service devfs start loads the system's rulesets; without ruleset= ringfence uses one of its own",
        )
    maker.rulesets[step.number] = number


def shown_rules(tools: Tools, number: int) -> list[str]:
    """The rules of a set, none of one that is not defined.

    Raises:
        RingfenceError: devfs fails.
    """
    return output.rules(tools.must("cannot read devfs rules", "devfs", "rule", "-s", str(number), "show").output)


def define_own(tools: Tools, occupied: bool) -> list[str]:
    """Define our ruleset, and read it back; the kernel keeps it until the next boot.

    Raises:
        RingfenceError: it cannot be defined, or the number has been given to something else.
    """
    if occupied:
        raise RingfenceError(
            f"devfs ruleset {OWN_RULESET} is in use for something else: devfs rule -s N delset frees it"
        )
    words = ("rule", "-s", str(OWN_RULESET), "add")
    if tools.run("devfs", *words, "-", rules="".join(f"{rule}\n" for rule in RULES)).status:
        for rule in RULES[len(shown_rules(tools, OWN_RULESET)) :]:
            tools.must("cannot define devfs rules", "devfs", *words, *rule.split())
    shown = shown_rules(tools, OWN_RULESET)
    if shown != [*RULES]:
        raise RingfenceError(f"devfs ruleset {OWN_RULESET} has become {len(shown)} rules of {len(RULES)}")
    return shown


def alias_root(maker: Maker, step: steps.AliasRoot) -> None:
    """The root once more, read-only; its missing mount points are made in the original before (JAIL-MNT-16)."""
    for other in maker.plan.host:
        if isinstance(other, steps.MountFilesystem):
            resolve(step.source, other.destination, maker.make_folder, as_file=is_file_mount(other))
    os.mkdir(step.target, 0o755)
    maker.journal.append("mounts", step.target)
    make_mount(maker, "nullfs", ("ro",), step.source, step.target)
    maker.nodes.append((step.target, step.pointer))


def is_file_mount(step: steps.MountFilesystem) -> bool:
    """Whether a file is to be shown."""
    return step.kind == "nullfs" and os.path.exists(step.source) and not os.path.isdir(step.source)


def mount_filesystem(maker: Maker, step: steps.MountFilesystem) -> None:
    """One mount: both ends looked at before it is made (JAIL-MNT-05 to 07)."""
    if step.kind == "nullfs":
        check_source(step)
    as_file = is_file_mount(step)
    node, is_folder = resolve(maker.base, step.destination, maker.make_folder, as_file=as_file)
    if as_file is is_folder:
        kinds = ("file", "folder") if as_file else ("folder", "file")
        text = f"cannot mount the {kinds[0]} {step.source} on {step.destination}, which is a {kinds[1]}"
        raise RingfenceError(text, field=f"{step.pointer}/destination")
    ruleset = (f"ruleset={maker.rulesets[step.ruleset]}",) if step.ruleset else ()
    if step.kind == "nullfs" and "ro" not in step.options:
        maker.journal.append("sources", step.source)
    maker.journal.append("mounts", node)
    with kept_content(node if step.copies else "") as covered:
        make_mount(maker, step.kind, (*ruleset, *step.options), step.source, node)
        if covered:
            copy_up(covered, node)
    maker.nodes.append((node, step.pointer))


def check_source(step: steps.MountFilesystem) -> None:
    """Whether there is something to show.

    Raises:
        RingfenceError: there is not.
    """
    try:
        mode = os.stat(step.source).st_mode
    except OSError as error:
        words = f'error mounting "{step.source}" to rootfs at "{step.destination}"'
        raise from_os_error(words, error, field=f"{step.pointer}/source") from None
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise RingfenceError(f"{step.source} is neither a folder nor a file", field=f"{step.pointer}/source")


def make_mount(maker: Maker, kind: str, options: tuple[str, ...], source: str, node: str) -> None:
    """Call mount(8).

    Raises:
        RingfenceError: it fails.
    """
    words = ("-o", ",".join(options)) if options else ()
    said = maker.tools.run("mount", "-t", kind, *words, source, node)
    if said.status == 0:
        return
    error = failure(f'error mounting "{source}" at {node}', "mount", said)
    if "Not a directory" in said.errors:
        error.hint = "before FreeBSD 14 a single file cannot be mounted: mount its folder"
    elif "Operation not supported" in said.errors and kind in MODULES:
        error.hint = f"the file system is not loaded: kldload {kind}"
    raise error


@contextlib.contextmanager
def kept_content(node: str) -> Iterator[str]:
    """A copy of what a mount is going to cover, with owners and modes, for as long as it takes; "" for nothing."""
    if not node or not os.listdir(node):
        yield ""
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="ringfence-") as place:
        copy_up(node, place)
        yield place


def copy_up(source: str, target: str) -> None:
    """Copy a folder's content, links as links (JAIL-MNT-09)."""
    shutil.copytree(source, target, symlinks=True, copy_function=copy_node, dirs_exist_ok=True)
    for folder, folders, _ in os.walk(source):
        for name in folders:
            path = os.path.join(folder, name)
            found = os.lstat(path)
            os.chown(target + path.removeprefix(source), found.st_uid, found.st_gid, follow_symlinks=False)


def copy_node(source: str, target: str) -> None:
    """Copy one file with its owner and mode; what is no file is left out."""
    found = os.lstat(source)
    if stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode):
        shutil.copyfile(source, target, follow_symlinks=False)
        os.chown(target, found.st_uid, found.st_gid, follow_symlinks=False)
        if stat.S_ISREG(found.st_mode):
            os.chmod(target, stat.S_IMODE(found.st_mode))


def apply_rule(maker: Maker, step: steps.ApplyRule) -> None:
    """One rule on one mount, and the node it is about (JAIL-MNT-14)."""
    node, _ = resolve(maker.base, step.destination)
    maker.tools.must(f"cannot apply a devfs rule to {node}", "devfs", "-m", node, "rule", "apply", *step.rule.split())
    if step.node and not os.path.lexists(f"{node}/{step.node}"):
        raise RingfenceError(f"there is no device {step.node}", hint="it has to exist on the host")


def check_mounts(maker: Maker, _step: steps.CheckMounts) -> None:
    """Whether the mount table has every node (JAIL-MNT-02)."""
    present = query.mounted_nodes(maker.tools)
    for node, pointer in maker.nodes:
        if node not in present:
            raise RingfenceError(f"the mount at {node} has gone somewhere else", field=pointer)


def add_alias(maker: Maker, step: steps.AddAlias) -> None:
    """An address, unless the interface has it already (JAIL-NET-02)."""
    said = maker.tools.run("ifconfig", step.interface)
    if said.status:
        raise failure(f"cannot use the interface {step.interface}", "ifconfig", said)
    words = said.output.split()
    if step.address in words or any(word.startswith(f"{step.address}%") for word in words):
        return
    family, length = ("inet", 32) if step.family == 4 else ("inet6", 128)
    maker.journal.append("aliases", f"{step.interface} {family} {step.address}")
    attempted = f"cannot add {step.address} to {step.interface}"
    maker.tools.must(attempted, "ifconfig", step.interface, family, f"{step.address}/{length}", "alias")


def raise_children(maker: Maker, step: steps.RaiseChildren) -> None:
    """One child more than there are, never less than is allowed (JAIL-CFG-11)."""
    words = ("-d", "--libxo", "json", "jid", "name", "children.max", "children.cur")
    said = maker.tools.must("cannot list the jails", "jls", *words)
    for jail in output.objects(said.output, ("name", "children.max", "children.cur")):
        if jail["name"] == step.parent:
            most, now = output.number(jail["children.max"]), output.number(jail["children.cur"])
            if most <= now:
                attempted = f"cannot raise children.max of the jail {step.parent}"
                maker.tools.must(attempted, "jail", "-m", f"name={step.parent}", f"children.max={now + 1}")
            return
    raise RingfenceError(f'the parent jail "{step.parent}" was not found', hint="it has to exist: jls shows all")


def create_jail(maker: Maker, step: steps.CreateJail) -> None:
    """jail(8), whose only word is the JID (JAIL-CREATE-02)."""
    words = jail_words(step, lacking(maker.tools, step))
    maker.journal.note(name=step.name, path=step.path)
    said = maker.tools.run("jail", *words)
    for _ in range(DYING_TRIES):
        if "is dying" not in said.errors:
            break
        time.sleep(DYING_PAUSE)
        said = maker.tools.run("jail", *words)
    if said.status:
        raise refused(maker, step, said)
    jid = output.jid_of(said.output)
    if not jid:
        raise RingfenceError(f"jail printed no JID but: {said.output.strip()[: output.SHOWN]!r}")
    maker.journal.note(jid=jid)


def jail_words(step: steps.CreateJail, without: tuple[str, ...]) -> tuple[str, ...]:
    """The command line of jail(8); ``without`` are parameters that are disabled instead."""
    words = (f"{word.partition('=')[0]}=disable" if word.partition("=")[0] in without else word for word in step.words)
    return ("-i", "-c", f"name={step.name}", f"path={step.path}", "persist", *words)


def lacking(tools: Tools, step: steps.CreateJail) -> tuple[str, ...]:
    """Parameters that nobody asked for and the parent has disabled: the kernel gives them to no child then."""
    if not step.parent or not step.unsaid:
        return ()
    said = tools.run("jls", "-d", "--libxo", "json", "name", *step.unsaid)
    if said.status:
        return ()
    found = output.objects(said.output, ("name", *step.unsaid))
    parents = [jail for jail in found if jail["name"] == step.parent]
    return tuple(name for name in step.unsaid if any(jail[name] == "disable" for jail in parents))


def refused(maker: Maker, step: steps.CreateJail, said: Said) -> RingfenceError:
    """What jail(8) says, with the field that is meant; a jail of that name that is there already is not ours."""
    sentence = said.sentence("jail")
    if "already exists" in sentence:
        maker.journal.note(name="", path="")
        text = "container with given ID already exists"
        return RingfenceError(f"{text}: a foreign jail holds the name {step.name}", hint="jls shows all jails")
    error = failure(f"cannot create jail {step.name}", "jail", said)
    for word, pointer in zip(step.words, step.fields_of_words):
        name = word.partition("=")[0]
        if name in sentence.replace(":", " ").split() or f"allow.no{name.removeprefix('allow.')}" in sentence.split():
            error.field = pointer
    if "unknown parameter" in sentence:
        error.hint = f"FreeBSD {freebsd.uname()[1]} does not have it, or the module that brings it is not loaded"
    if "Operation not permitted" in sentence and query.is_jailed(maker.tools):
        error.hint = "this system is itself a jail: its allow.* and children.max limit what can be made in it"
    return error


def move_interface(maker: Maker, step: steps.MoveInterface) -> None:
    """An interface into the jail."""
    maker.journal.append("interfaces", step.interface)
    attempted = f"cannot move the interface {step.interface} into the jail"
    maker.tools.must(attempted, "ifconfig", step.interface, "vnet", str(maker.journal.made.jid))


def limit_jail(maker: Maker, step: steps.LimitJail) -> None:
    """A rule of rctl(8), whose subject is the jail's name (JAIL-UPD-04)."""
    if ":" in step.name:
        raise RingfenceError(f"the jail's name {step.name} cannot be the subject of a limit")
    maker.journal.append("rules", step.rule)
    maker.tools.must("cannot set a limit", "rctl", "-a", f"jail:{step.name}:{step.rule}")


def pin_jail(maker: Maker, step: steps.PinJail) -> None:
    """The processors."""
    maker.tools.must("cannot set the processors", "cpuset", "-l", step.cpus, "-j", str(maker.journal.made.jid))


ACTS: dict[str, Callable[[Maker, Any], None]] = {
    "UseRuleset": use_ruleset,
    "AliasRoot": alias_root,
    "MountFilesystem": mount_filesystem,
    "ApplyRule": apply_rule,
    "CheckMounts": check_mounts,
    "AddAlias": add_alias,
    "RaiseChildren": raise_children,
    "CreateJail": create_jail,
    "MoveInterface": move_interface,
    "LimitJail": limit_jail,
    "PinJail": pin_jail,
}
