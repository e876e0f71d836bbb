"""config.json in general: what is ignored, what is accepted, what is refused."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.inside import inside, output, refused
from tests.conformance.probe import failed, install_probe
from tests.support import Bundle, Runtime, cgroup
from tests.support.mark import needs

MAX_U64 = 2**64 - 1
Edit = Callable[[dict[str, Any]], object]


def test_unknown_properties_are_ignored(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CFG-01: unknown properties anywhere are ignored without error."""
    unknown: dict[str, Any] = {"x-unknown": {"deep": [1, None, "two"]}}
    process = bundle.process
    for holder in (bundle.config, process, process["user"], process["capabilities"], process["rlimits"][0]):
        holder.update(unknown)
    for holder in (bundle.config["root"], bundle.mounts[0], bundle.linux, bundle.resources, bundle.namespaces[0]):
        holder.update(unknown)
    bundle.resources["devices"][0].update(unknown)
    bundle.config["windows"] = {"layerFolders": ["x"]}  # another platform's section; freebsd and vm choose a wall
    assert inside(runtime, bundle, "echo seen") == "seen\n"
    assert runtime.log_records() == []


@needs("cpu", "pids")
def test_keys_match_in_any_case(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CFG-02: known keys are matched case-insensitively when the exact spelling is absent."""
    bundle.process["CWD"] = "/etc"
    del bundle.process["cwd"]
    bundle.config["HostName"] = "shouted"
    del bundle.config["hostname"]
    bundle.linux["Resources"] = {"CPU": {"Shares": 512}, "Pids": {"LIMIT": 321}}
    del bundle.linux["resources"]
    name, value = ("cpu.weight", "59") if cgroup.is_v2() else ("cpu.shares", "512")
    files = f"{cgroup.seen_inside('cpu')}/{name} {cgroup.seen_inside('pids')}/pids.max"
    assert inside(runtime, bundle, f"hostname; pwd; cat {files}").split() == ["shouted", "/etc", value, "321"]


def test_last_of_equal_keys_counts(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CFG-02: of two equal keys the last one counts."""
    bundle.args("hostname")
    text = json.dumps(bundle.config).replace('"hostname": "ringfence"', '"hostname": "first", "hostname": "last"')
    bundle.write_text(text)
    result = runtime.run("run", "--bundle", bundle.path, runtime.new_id())
    assert (result.code, result.out) == (0, "last\n")


def test_null_counts_as_absent(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CFG-03: null counts as absent for every property."""
    bundle.config.update(hostname=None, domainname=None, hooks=None, annotations=None)
    absent = ["rlimits", "capabilities", "user", "apparmorProfile", "selinuxLabel", "oomScoreAdj", "consoleSize"]
    bundle.process.update(dict.fromkeys([*absent, "noNewPrivileges", "terminal", "scheduler", "ioPriority"]))
    names = ["resources", "maskedPaths", "readonlyPaths", "seccomp", "sysctl", "devices", "uidMappings", "gidMappings"]
    names += [
        "cgroupsPath",
        "rootfsPropagation",
        "timeOffsets",
        "intelRdt",
        "mountLabel",
        "personality",
        "memoryPolicy",
    ]
    bundle.linux.update(dict.fromkeys([*names, "netDevices"]))
    bundle.config["root"]["readonly"] = None
    bundle.mounts[0]["options"] = None
    assert inside(runtime, bundle, "touch /made && id -u") == "0\n"


@needs("pids")
def test_null_inside_resources(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CFG-03: null counts as absent for every property, limits included."""
    empty = dict.fromkeys(
        ["devices", "memory", "cpu", "pids", "blockIO", "hugepageLimits", "network", "rdma", "unified"]
    )
    bundle.linux["resources"] = empty
    assert inside(runtime, bundle, "echo seen") == "seen\n"
    bundle.linux["resources"] = {"memory": {"limit": None}, "cpu": {"shares": None, "cpus": None}, "pids": {"limit": 7}}
    assert inside(runtime, bundle, f"cat {cgroup.seen_inside('pids')}/pids.max") == "7\n"


WRONG_TYPES: dict[str, Edit] = {
    "text for a number": lambda c: c["process"]["user"].update(uid="0"),
    "a negative unsigned": lambda c: c["process"]["user"].update(uid=-1),
    "an unsigned of 32 bits plus one": lambda c: c["process"]["user"].update(gid=2**32),
    "a fraction for an integer": lambda c: c["process"].update(oomScoreAdj=1.5),
    "a negative rlimit": lambda c: c["process"]["rlimits"][0].update(hard=-1),
    "an unsigned of 64 bits plus one": lambda c: c["process"]["rlimits"][0].update(hard=2**64),
    "text for a boolean": lambda c: c["process"].update(terminal="false"),
    "text for a list": lambda c: c["process"].update(args="sh"),
    "a number in a list of texts": lambda c: c["process"].update(env=["PATH=/bin", 5]),
    "a number for a text": lambda c: c.update(hostname=5),
    "an object for a list": lambda c: c.update(mounts={}),
    "a list for an object": lambda c: c["linux"].update(resources=[]),
    "text for an object": lambda c: c.update(root="rootfs"),
    "a boolean for a number": lambda c: c["linux"]["resources"].update(pids={"limit": True}),
}


@pytest.mark.parametrize("edit", WRONG_TYPES.values(), ids=WRONG_TYPES)
def test_wrong_json_type_is_refused(runtime: Runtime, bundle: Bundle, edit: Edit) -> None:
    """LNX-CFG-04: a value of the wrong JSON type is an error before anything is created."""
    edit(bundle.config)
    refused(runtime, bundle)


def test_large_rlimit_is_exact(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CFG-05: 18446744073709551615 for a rlimit is kept exactly, as infinity."""
    bundle.process["rlimits"] = [{"type": "RLIMIT_CORE", "soft": MAX_U64, "hard": MAX_U64}]
    assert inside(runtime, bundle, "grep core /proc/self/limits").split()[4:6] == ["unlimited", "unlimited"]


@pytest.mark.parametrize("value", [MAX_U64, 2**53 + 1])
def test_large_seccomp_value_is_exact(runtime: Runtime, bundle: Bundle, value: int) -> None:
    """LNX-CFG-05: unsigned 64-bit values of a filter are kept exactly, beyond what a double holds."""
    install_probe(bundle)
    arguments = [{"index": 0, "value": value, "op": "SCMP_CMP_EQ"}]
    rule = {"names": ["getpgid"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENODATA, "args": arguments}
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}
    lines = inside(runtime, bundle, f"probe sys 121 {value}; probe sys 121 {value - 1}").splitlines()
    assert lines[0] == failed(errno.ENODATA)
    assert lines[1] != failed(errno.ENODATA)


@pytest.mark.parametrize("version", ["1.0.0", "1.0.2-dev", "1.3.0", "1.99.0+later"])
def test_any_version_one_is_accepted(runtime: Runtime, bundle: Bundle, version: str) -> None:
    """LNX-CFG-06: ociVersion of any 1.x text is accepted."""
    bundle.config["ociVersion"] = version
    assert inside(runtime, bundle, "echo seen") == "seen\n"


@pytest.mark.parametrize(
    ("key", "text"), [("process", "process property must not be empty"), ("root", "root must be specified")]
)
def test_missing_part_is_refused(runtime: Runtime, bundle: Bundle, key: str, text: str) -> None:
    """LNX-CFG-07: no process, or no root, is refused in the words callers know."""
    del bundle.config[key]
    refused(runtime, bundle, text)


@pytest.mark.parametrize("text", ["", "null"])
def test_empty_file_is_refused(runtime: Runtime, bundle: Bundle, text: str) -> None:
    """LNX-CFG-07: an empty file or null is an error. runc 1.1 crashes on null."""
    bundle.write_text(text)
    runtime.refuses("", "create", "--bundle", bundle.path, runtime.new_id())


INVALID_VALUES: dict[str, Edit] = {
    "rlimit": lambda c: c["process"]["rlimits"][0].update(type="RLIMIT_FOO"),
    "namespace": lambda c: c["linux"]["namespaces"].append({"type": "bogus"}),
    "propagation": lambda c: c["linux"].update(rootfsPropagation="upwards"),
    "device type": lambda c: c["linux"].update(devices=[{"path": "/dev/x", "type": "q", "major": 1, "minor": 3}]),
    "seccomp action": lambda c: c["linux"].update(seccomp={"defaultAction": "SCMP_ACT_SHRUG"}),
    "sysctl": lambda c: c["linux"].update(sysctl={"kernel.panic": "1"}),
    "hook path": lambda c: c.update(hooks={"prestart": [{"path": "relative"}]}),
    "swappiness": lambda c: c["linux"]["resources"].update(memory={"swappiness": 1000}),
    "cpus": lambda c: c["linux"]["resources"].update(cpu={"cpus": "zero"}),
}


@pytest.mark.parametrize("edit", INVALID_VALUES.values(), ids=INVALID_VALUES)
def test_invalid_value_is_refused(runtime: Runtime, bundle: Bundle, edit: Edit) -> None:
    """LNX-CFG-08: invalid values of known properties are errors, never silently ignored."""
    edit(bundle.config)
    refused(runtime, bundle)


def test_config_may_hold_any_json_text(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CFG-01: escapes and characters beyond ASCII in texts reach the program unchanged."""
    bundle.args("printf", "%s", 'ä€😀 "\\\t/')
    assert output(runtime, bundle) == 'ä€😀 "\\\t/'
