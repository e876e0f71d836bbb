"""From the configuration to the jail's parameters, as jls shows them."""

from __future__ import annotations

import json
import os

from tests.jail.harness import PREFIX, Host, Skip


def test_names_and_hosts(host: Host) -> None:
    """JAIL-CFG-02, JAIL-CFG-06, JAIL-CFG-07, JAIL-CFG-08: what is not said, and what hostname and domainname mean."""
    plain = host.create(host.bundle())
    names = ("host", "host.hostname", "ip4", "ip6", "vnet", "sysvmsg", "sysvsem", "sysvshm", "enforce_statfs")
    assert host.jail(plain, *names) == ["new", "", "disable", "disable", "inherit", "new", "new", "new", "2"]
    assert host.jail(plain, "allow.raw_sockets", "allow.chflags", "allow.mount") == ["false"] * 3
    bundle = host.bundle(hostname="web", domainname="example.org")
    bundle.jail.update({"enforceStatfs": 1, "sysvmsg": "disable", "sysvshm": "inherit"})
    bundle.jail["allow"] = {"rawSockets": True, "setHostname": False, "mount": ["tmpfs"]}
    told = host.create(bundle)
    assert host.jail(told, "host.hostname", "host.domainname", "enforce_statfs", "sysvmsg", "sysvshm") == [
        *("web", "example.org", "1", "disable", "inherit"),
    ]
    flags = ("allow.raw_sockets", "allow.set_hostname", "allow.mount", "allow.mount.tmpfs", "allow.mount.devfs")
    assert host.jail(told, *flags) == ["true", "false", "true", "true", "false"]


def test_what_contradicts_itself(host: Host) -> None:
    """JAIL-CFG-02, JAIL-CFG-03, JAIL-CFG-05, JAIL-CFG-09, JAIL-CFG-13, JAIL-CFG-15: both fields are named."""
    cases: list[tuple[dict[str, object], dict[str, object], tuple[str, ...]]] = [
        ({"hostname": "a"}, {"host": "inherit"}, ("hostname", "host")),
        ({}, {"host": "disable"}, ("/freebsd/jail/host",)),
        ({}, {"ip4": "disable", "ip4Addr": ["10.0.0.1"]}, ("ip4", "ip4Addr")),
        ({}, {"vnet": "new", "ip4": "inherit"}, ("vnet", "ip4")),
        ({}, {"vnet": "new", "ip6Addr": ["::2"]}, ("vnet", "ip6Addr")),
        ({}, {"vnetInterfaces": ["lo7"]}, ("vnetInterfaces", "vnet")),
        ({}, {"interface": "lo0"}, ("interface",)),
        ({}, {"enforceStatfs": 3}, ("/freebsd/jail/enforceStatfs",)),
        ({}, {"ip4Addr": ["10.0.0.256"]}, ("/freebsd/jail/ip4Addr/0",)),
        ({}, {"ip6Addr": ["::ffff:1.2.3.4"]}, ("/freebsd/jail/ip6Addr/0",)),
        ({}, {"allow": {"mount": ["nullfs"]}, "enforceStatfs": 1}, ("nullfs",)),
        ({}, {"allow": {"mount": ["tmpfs"]}}, ("mount", "enforceStatfs")),
        ({}, {"allow": {"chflags": "yes"}}, ("/freebsd/jail/allow/chflags",)),
        ({"linux": {"seccomp": {"defaultAction": "SCMP_ACT_ALLOW"}}}, {}, ("seccomp",)),
        ({"linux": {"sysctl": {"a.b": "1"}}}, {}, ("sysctl",)),
        ({"annotations": {"org.freebsd.jail.vnet": "new"}}, {"vnet": "inherit"}, ("vnet",)),
    ]
    for more, jail, texts in cases:
        bundle = host.bundle(**more)
        bundle.jail.update(jail)
        host.refuses(bundle, *texts)


def test_annotations_say_the_same(host: Host) -> None:
    """JAIL-CFG-15, JAIL-CFG-16: read as the fields are."""
    bundle = host.bundle(annotations={"org.freebsd.jail.sysvmsg": "disable", "org.freebsd.jail.allow.raw_sockets": "1"})
    container = host.create(bundle)
    assert host.jail(container, "sysvmsg", "allow.raw_sockets") == ["disable", "true"]
    bundle.config["annotations"] = {"org.freebsd.jail.sysvmsg": "new persist=0"}
    host.refuses(bundle, "org.freebsd.jail.sysvmsg")


def test_ids_that_tools_would_read_as_something_else(host: Host) -> None:
    """JAIL-NAME-02, JAIL-NAME-03, JAIL-NAME-04: numbers, dots and dashes are mapped, and nobody sees how."""
    end = host.token.replace("-", "")
    number = str(os.getpid() % 100000 + 100000)
    for name in (number, f"0{number}", f"+{number}", f"a.{end}", f"{end}-Web", f"{end}-web", "0"):
        container = host.create(host.bundle(), name=name)
        state = container.state()
        assert (state["id"], state["status"]) == (name, "created")
        held = host.jail(container, "name", "path")
        assert "." not in held[0]
        assert not held[0].lstrip("+-").isdigit()
        assert held[0] not in ("0", number)
        if name in (number, f"a.{end}"):
            container.run("start").ok()
            assert container.exec("/bin/echo", "in").ok().out == "in\n"
        container.delete("--force").ok()
    bundle = host.bundle()
    bundle.write()
    host.run("create", "--bundle", bundle.path, "--", f"-{end}", out=host.path()).ok()
    assert f'"id": "-{end}"' in host.run("state", "--", f"-{end}").ok().out
    host.run("delete", "--force", "--", f"-{end}").ok()
    assert host.traces() == []


def test_a_name_that_somebody_else_has(host: Host) -> None:
    """JAIL-NAME-07: a foreign jail is told of and left alone, with and without a delete by force."""
    name = host.name()
    root = f"{host.folder}/foreign"
    os.mkdir(root)
    jid = host.tool("jail", "-i", "-c", f"name={name}", f"path={root}", "persist").ok().out.strip()
    bundle = host.bundle()
    bundle.write()
    host.run("create", "--bundle", bundle.path, name).refused("container with given ID already exists", "foreign")
    host.run("delete", "--force", name).ok()
    assert jid in [jail["jid"] for jail in host.jails()]
    host.tool("jail", "-r", jid).ok()


def test_one_id_in_two_state_folders(host: Host) -> None:
    """JAIL-NAME-07: the second create fails, the first container goes on."""
    container = host.start(host.bundle())
    bundle = host.bundle()
    bundle.write()
    line = ["create", "--bundle", bundle.path, container.id]
    host.run(*line, options=["--root", f"{host.folder}/second"]).refused("container with given ID already exists")
    assert container.status == "running"


def test_long_ids(host: Host) -> None:
    """JAIL-NAME-05: the kernel takes 255 bytes; an id beyond them gets a shorter name."""
    for length in (240, 255):
        name = (host.token + "n" * 300)[:length]
        container = host.start(host.bundle(), name=name)
        assert container.exec("/bin/echo", "in").ok().out == "in\n"
        container.delete("--force").ok()


def test_a_jail_in_a_jail(host: Host) -> None:
    """JAIL-CFG-11, JAIL-DEL-06, JAIL-KILL-05: room is made in the parent, which does not go while it has children."""
    parent = host.start(host.bundle())
    inside = host.bundle()
    inside.jail["parent"] = parent.id
    child = host.start(inside)
    assert host.jail(child, "name") == [f"{parent.id}.{child.id}"]
    assert int(host.jail(parent, "children.max")[0]) >= 1
    parent.kill("KILL").ok()
    parent.ends()
    parent.delete().refused(child.id)
    assert child.status == "running"
    child.delete("--force").ok()
    parent.delete().ok()
    orphan = host.bundle()
    for name in ("0", "17", "a..b", f"{PREFIX}-nosuch"):
        orphan.jail["parent"] = name
        host.refuses(orphan, "/freebsd/jail/parent")


def test_an_extension_file(host: Host) -> None:
    """JAIL-CFG-17: runj's file beside the config is merged over it; unknown keys are refused."""
    bundle = host.bundle()
    bundle.jail["ip4"] = "disable"
    extension = f"{bundle.path}/runj.ext.json"
    with open(extension, "w") as file:
        json.dump({"network": {"ipv4": {"mode": "inherit"}}}, file)
    container = host.create(bundle)
    assert host.jail(container, "ip4") == ["inherit"]
    with open(extension, "w") as file:
        json.dump({"network": {"ipv9": {}}}, file)
    host.refuses(bundle, "ipv9")


def test_unknown_keys_are_ignored(host: Host) -> None:
    """JAIL-CFG-13, JAIL-CFG-14: and what has no meaning for a jail is warned of once."""
    bundle = host.bundle(something={"else": 1})
    bundle.config["linux"] = {"namespaces": [{"type": "pid"}], "cgroupsPath": "/x", "maskedPaths": ["/proc/nosuch"]}
    bundle.write()
    name = host.name()
    told = host.run("create", "--bundle", bundle.path, name, out=host.path()).ok().err
    for text in ("/linux/namespaces", "/linux/cgroupsPath", "/linux/maskedPaths"):
        assert told.count(text) == 1, told


def test_a_static_program_alone(host: Host) -> None:
    """JAIL-PROC-08, JAIL-KILL-01, JAIL-PS-01: a root with one file and nothing else."""
    source = "/bin/busybox" if host.is_standin else "/rescue/sleep"
    if not os.path.exists(source):
        raise Skip(f"there is no {source}")
    bundle = host.bundle("/sleep", "1000")
    bundle.mounts.clear()
    for folder, folders, files in os.walk(bundle.rootfs, topdown=False):
        for name in files:
            os.unlink(f"{folder}/{name}")
        for name in folders:
            os.rmdir(f"{folder}/{name}")
    with open(source, "rb") as program, open(f"{bundle.rootfs}/sleep", "wb") as target:
        target.write(program.read())
    os.chmod(f"{bundle.rootfs}/sleep", 0o755)
    container = host.start(bundle)
    assert container.status == "running"
    assert len(json.loads(container.run("ps", options=["-f", "json"]).ok().out)) == 1
    container.kill("KILL").ok()
    container.ends()
    assert os.listdir(bundle.rootfs) == ["sleep"]
