"""A config.json that is hostile in itself: annotations, names, sizes."""

from __future__ import annotations

import os

import pytest

from tests.conformance.inside import inside
from tests.security.outside import Outside
from tests.support import Bundle, Runtime
from tests.support.mark import unlike_runc

KINDS = ("ipc", "mnt", "net", "pid", "uts")
SHOW = f"for kind in {' '.join(KINDS)}; do readlink /proc/self/ns/$kind; done"


@pytest.mark.parametrize(
    "key",
    [
        "org.systemd.property.ExecStartPre",
        "org.systemd.property.SuccessAction",
        "org.criu.config",
        "run.oci.handler",
        "run.oci.hooks.stdout",
        "io.katacontainers.config.hypervisor.path",
        "bundle",
    ],
)
def test_annotations_carry_out_nothing(runtime: Runtime, bundle: Bundle, outside: Outside, key: str) -> None:
    """CVE-2024-3154, CVE-2026-44210: an annotation makes the host run or write something. None is acted upon."""
    made = os.path.join(outside.path, "made")
    bundle.config["annotations"] = {key: f"/bin/sh -c 'touch {made}'" if key != "run.oci.hooks.stdout" else made}
    bundle.args("true")
    runtime.run_bundle(bundle)
    outside.assert_untouched()


IDS = ["..", ".", "../escaped", "a/../../escaped", "a/b", "/tmp/escaped", "", "a\nb", "a%00b"]


@pytest.mark.parametrize("name", IDS, ids=repr)
@pytest.mark.parametrize("verb", ["create", "state", "kill", "delete", "exec"])
def test_an_id_is_no_path(runtime: Runtime, bundle: Bundle, outside: Outside, verb: str, name: str) -> None:
    """Container ids become folders: no id leads out of the state folder."""
    bundle.args("true")
    bundle.write()
    outside.add("state.json", "{}")
    runtime.root = os.path.join(outside.path, "root")
    os.mkdir(runtime.root)
    outside.remember()
    words = {
        "create": ["--bundle", bundle.path, "--", name],
        "delete": ["--force", "--", name],
        "kill": ["--", name, "KILL"],
        "exec": ["--", name, "true"],
        "state": ["--", name],
    }
    result = runtime.run(verb, *words[verb])
    assert result.code != 0 or (verb == "delete" and runtime.ids() == [])
    outside.assert_untouched()


LONG = 70_000


@pytest.mark.parametrize(
    "where", ["env", "args", "hostname", "option", "namespace", "mappings", "annotation", "rlimit"]
)
def test_sizes_beyond_16_bits_change_nothing_else(runtime: Runtime, bundle: Bundle, where: str) -> None:
    """CVE-2021-43784: a length of 16 bits wrapped round and the rest of a value was read as further orders.

    The container has its own namespaces or there is none.
    """
    crafted = "\1\2\3\4" * 4 + "A" * LONG
    if where == "env":
        bundle.env.append(f"LONG={crafted}")
    elif where == "args":
        bundle.process["args"] = ["sh", "-c", SHOW, crafted]
    elif where == "hostname":
        bundle.config["hostname"] = crafted
    elif where == "option":
        bundle.mount("/mnt", "tmpfs", "tmpfs", crafted)
    elif where == "namespace":
        bundle.namespace("network", "/" + crafted)
    elif where == "mappings":
        bundle.user_namespace()
        entries = [{"containerID": n, "hostID": 100000 + n, "size": 1} for n in range(LONG // 20)]
        bundle.linux["uidMappings"] = entries
    elif where == "annotation":
        bundle.config["annotations"] = {"a": crafted}
    else:
        bundle.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}] * LONG
    if where != "args":
        bundle.sh(SHOW)
    result = runtime.run_bundle(bundle)
    own = {os.readlink(f"/proc/self/ns/{kind}") for kind in KINDS}
    assert not own & set(result.out.split()), where
    assert (result.code, len(result.out.split())) in ((0, len(KINDS)), (1, 0))
    assert result.code == 0 or where not in ("args", "env", "annotation")


HOSTILE = ["/bin/sh\0-c", "\0", "a\0b"]


@unlike_runc("takes a hostname with a NUL", always=False)
@pytest.mark.parametrize("text", HOSTILE, ids=repr)
@pytest.mark.parametrize("where", ["args", "env", "cwd", "hostname", "destination", "source"])
def test_no_text_ends_early(runtime: Runtime, bundle: Bundle, outside: Outside, where: str, text: str) -> None:
    """CVE-2021-43784's family: a NUL in a text would end it for the kernel. It is refused, before anything is done."""
    if where in ("args", "env"):
        bundle.process[where].append(f"X={text}")
    elif where == "cwd":
        bundle.process["cwd"] = f"/{text}"
    elif where == "hostname":
        bundle.config["hostname"] = text
    else:
        entry = {"destination": "/mnt", "source": outside.path, "type": "bind", "options": ["bind"]}
        bundle.mounts.append({**entry, where: f"/{text}"})
    bundle.write()
    assert runtime.run("run", "--bundle", bundle.path, runtime.new_id()).code == 1
    assert runtime.ids() == []


def test_a_deeply_nested_configuration_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """A reader of JSON that recurses must fail as any error does."""
    bundle.write_text('{"ociVersion": "1.0.0", "x": ' + "[" * 200_000 + "]" * 200_000 + "}")
    assert runtime.run("create", "--bundle", bundle.path, runtime.new_id()).code == 1
    assert runtime.ids() == []


def test_nothing_is_looked_up_in_the_bundle(runtime: Runtime, bundle: Bundle, outside: Outside) -> None:
    """CVE-2026-84042: a helper program is found in the container or by a PATH of its choosing. None is looked for."""
    made = os.path.join(outside.path, "made")
    evil = f"#!/bin/sh\ntouch {made}\n"
    for name in ("newuidmap", "newgidmap", "ringfence-init", "python3", "mount", "iptables", "systemctl", "sh"):
        for folder in ("bin", "usr/bin", "sbin"):
            path = os.path.join(bundle.path, folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="ascii") as file:
                file.write(evil)
            os.chmod(path, 0o755)
    bundle.env[:] = [f"PATH={bundle.path}/bin:{bundle.path}/usr/bin:/bin"]
    bundle.user_namespace()
    result = inside(runtime, bundle, "echo seen", cwd=bundle.path, env={"PATH": f"{bundle.path}/bin:/usr/bin:/bin"})
    assert result == "seen\n"
    outside.assert_untouched()
