"""config.json to records: which values are taken, which are refused, and how that is said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ringfence.errors import RingfenceError
from ringfence.record import Record
from ringfence.spec import types
from ringfence.spec.load import json_name, load_config, load_process, load_resources
from tests.unit.spec.documents import Document, Edit, document, loaded, problems, refusal

MAX_U64 = 2**64 - 1


def test_the_default_config_is_loaded_whole() -> None:
    config = loaded()
    assert config.oci_version == "1.3.0"
    assert config.root == types.Root("rootfs", True)
    assert config.process is not None
    assert config.process.args == ("sh",)
    assert config.process.capabilities is not None
    assert config.process.capabilities.bounding == ("CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE")
    assert config.process.rlimits == (types.Rlimit("RLIMIT_NOFILE", 1024, 1024),)
    assert config.mounts[0] == types.Mount(destination="/proc", type="proc", source="proc")
    assert config.mounts[1].options == ("nosuid", "strictatime", "mode=755", "size=65536k")
    assert config.linux is not None
    assert config.linux.resources == types.Resources(devices=(types.DeviceRule(allow=False, access="rwm"),))
    assert (config.hooks, config.annotations, config.linux.sysctl) == (None, {}, {})


def test_every_irregular_name_is_known() -> None:
    def edit(made: Document) -> None:
        made["process"]["ioPriority"] = {"class": "IOPRIO_CLASS_BE"}
        made["process"]["execCPUAffinity"] = {"initial": "0", "final": "1"}
        made["linux"]["intelRdt"] = {"closID": "gold", "l3CacheSchema": "L3:0=f", "memBwSchema": "MB:0=20"}
        rates = [{"major": 8, "minor": 0, "rate": 9}]
        made["linux"]["resources"] = {
            "memory": {"disableOOMKiller": True, "kernelTCP": 5},
            "network": {"classID": 7},
            "blockIO": {"throttleReadIOPSDevice": rates, "throttleWriteIOPSDevice": rates},
        }
        made["mounts"][0].update(uidMappings=[], gidMappings=None)

    config = loaded(edit)
    assert config.process is not None
    assert config.process.io_priority == types.IOPriority("IOPRIO_CLASS_BE")
    assert config.process.exec_cpu_affinity == types.ExecCPUAffinity("0", "1")
    assert config.linux is not None
    assert config.linux.intel_rdt == types.IntelRdt("gold", (), "L3:0=f", "MB:0=20")
    rate = (types.ThrottleDevice(8, 0, 9),)
    assert config.linux.resources == types.Resources(
        memory=types.MemoryResources(disable_oom_killer=True, kernel_tcp=5),
        network=types.NetworkResources(class_id=7),
        block_io=types.BlockIOResources(throttle_read_iops_device=rate, throttle_write_iops_device=rate),
    )


def test_unknown_properties_are_ignored() -> None:
    """LNX-CFG-01: unknown properties anywhere are ignored without error."""

    def edit(made: Document) -> None:
        for holder in (made, made["process"], made["process"]["user"], made["linux"], made["mounts"][0]):
            holder["x-unknown"] = {"deep": [None, "\0"]}

    assert loaded(edit) == loaded()


@pytest.mark.parametrize("key", ["CWD", "Cwd", "cWd"])
def test_keys_match_in_any_case(key: str) -> None:
    """LNX-CFG-02: known keys are matched case-insensitively when the exact spelling is absent."""

    def edit(made: Document) -> None:
        del made["process"]["cwd"]
        made["process"][key] = "/etc"

    process = loaded(edit).process
    assert process is not None
    assert process.cwd == "/etc"


@pytest.mark.parametrize("exact_first", [True, False])
def test_the_exact_spelling_goes_before_others(exact_first: bool) -> None:
    """LNX-CFG-02: other spellings count only when the exact one is absent."""
    names = ["hostname", "HostName"] if exact_first else ["HostName", "hostname"]

    def edit(made: Document) -> None:
        del made["hostname"]
        made.update({name: name for name in names})

    assert loaded(edit).hostname == "hostname"


def test_of_other_spellings_the_last_counts() -> None:
    """LNX-CFG-02: of two equal keys the last one counts, null being absent."""

    def edit(made: Document) -> None:
        made.update(hostname=None, HOSTNAME="first", HostName="last", hostName=None)

    assert loaded(edit).hostname == "last"


def _null_everywhere(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _null_everywhere(item) for key, item in value.items()} | {"another": None}
    return [_null_everywhere(item) for item in value] if isinstance(value, list) else value


def test_null_counts_as_absent() -> None:
    """LNX-CFG-03: null counts as absent for every property of every object."""
    made = document()
    for record in (types.Config, types.Process, types.Linux, types.Hooks):
        holder = {"Config": made, "Process": made["process"], "Linux": made["linux"], "Hooks": {}}[record.__name__]
        for field in record.fields():
            holder.setdefault(json_name(field), None)
    made["linux"]["seccomp"] = None
    made["annotations"] = {"kept": "x", "dropped": None}
    config = load_config(json.dumps(_null_everywhere(made)))
    assert config.annotations == {"kept": "x"}
    config.annotations = {}
    assert config == loaded()


WRONG: dict[str, tuple[Edit, str, str]] = {
    "text for a number": (
        lambda made: made["process"]["user"].update(uid="0"),
        "/process/user/uid",
        "must be a whole number from 0 to 4294967295, not a string",
    ),
    "negative for an unsigned": (
        lambda made: made["process"]["user"].update(uid=-1),
        "/process/user/uid",
        "must be a whole number from 0 to 4294967295, not -1",
    ),
    "one more than 32 bits": (
        lambda made: made["process"]["user"].update(additionalGids=[0, 2**32]),
        "/process/user/additionalGids/1",
        "must be a whole number from 0 to 4294967295, not 4294967296",
    ),
    "one more than 64 bits": (
        lambda made: made["process"]["rlimits"][0].update(hard=2**64),
        "/process/rlimits/0/hard",
        "must be a whole number from 0 to 18446744073709551615, not 18446744073709551616",
    ),
    "one more than signed 32 bits": (
        lambda made: made["process"].update(oomScoreAdj=2**31),
        "/process/oomScoreAdj",
        "must be a whole number from -2147483648 to 2147483647, not 2147483648",
    ),
    "one less than signed 64 bits": (
        lambda made: made["linux"]["resources"].update(pids={"limit": -(2**63) - 1}),
        "/linux/resources/pids/limit",
        "must be a whole number from -9223372036854775808 to 9223372036854775807, not -9223372036854775809",
    ),
    "a fraction": (
        lambda made: made["process"].update(oomScoreAdj=1.5),
        "/process/oomScoreAdj",
        "must be a whole number from -2147483648 to 2147483647, not 1.5",
    ),
    "a number with a point": (
        lambda made: made["process"]["user"].update(gid=1.0),
        "/process/user/gid",
        "must be a whole number from 0 to 4294967295, not 1.0",
    ),
    "a boolean for a number": (
        lambda made: made["process"]["user"].update(gid=True),
        "/process/user/gid",
        "must be a whole number from 0 to 4294967295, not a boolean",
    ),
    "a number for a boolean": (
        lambda made: made["root"].update(readonly=1),
        "/root/readonly",
        "must be true or false, not 1",
    ),
    "a number for a text": (lambda made: made.update(hostname=5), "/hostname", "must be a string, not 5"),
    "a text for a list": (
        lambda made: made["process"].update(args="sh"),
        "/process/args",
        "must be a list, not a string",
    ),
    "null in a list of texts": (
        lambda made: made["process"].update(env=["A=b", None]),
        "/process/env/1",
        "must be a string, not null",
    ),
    "an object for a list": (
        lambda made: made.update(mounts={}),
        "/mounts",
        "must be a list, not an object",
    ),
    "null in a list of objects": (
        lambda made: made["mounts"].append(None),
        "/mounts/7",
        "must be an object, not null",
    ),
    "a list for an object": (
        lambda made: made["linux"].update(resources=[]),
        "/linux/resources",
        "must be an object, not a list",
    ),
    "a text for a map": (
        lambda made: made.update(annotations="x"),
        "/annotations",
        "must be an object, not a string",
    ),
    "a number in a map of texts": (
        lambda made: made.update(annotations={"a/b~c": 1}),
        "/annotations/a~1b~0c",
        "must be a string, not 1",
    ),
}


@pytest.mark.parametrize(("edit", "pointer", "text"), WRONG.values(), ids=WRONG)
def test_a_value_of_the_wrong_type_is_refused(edit: Edit, pointer: str, text: str) -> None:
    """LNX-CFG-04: a value of the wrong JSON type is an error that names its place."""
    assert problems(edit) == {pointer: text}


def test_large_values_are_exact() -> None:
    """LNX-CFG-05: unsigned 64-bit values are kept exactly."""

    def edit(made: Document) -> None:
        made["process"]["rlimits"][0].update(soft=MAX_U64, hard=MAX_U64)
        arguments = [{"index": 0, "value": MAX_U64, "valueTwo": 2**53 + 1, "op": "SCMP_CMP_EQ"}]
        rule = {"names": ["getpid"], "action": "SCMP_ACT_ERRNO", "args": arguments}
        made["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}

    config = loaded(edit)
    assert config.process is not None
    assert config.process.rlimits == (types.Rlimit("RLIMIT_NOFILE", MAX_U64, MAX_U64),)
    assert config.linux is not None
    assert config.linux.seccomp is not None
    assert config.linux.seccomp.syscalls[0].args == (types.SeccompArg(0, MAX_U64, "SCMP_CMP_EQ", 2**53 + 1),)


@pytest.mark.parametrize("version", ["1.0.0", "1.0.2-dev", "1.3.0", "1.99.0+later"])
def test_any_version_one_is_accepted(version: str) -> None:
    """LNX-CFG-06: ociVersion of any 1.x text is accepted."""
    assert loaded(lambda made: made.update(ociVersion=version)).oci_version == version


@pytest.mark.parametrize("version", ["", "0.5.0", "2.0.0", "1", None])
def test_other_versions_are_refused(version: str | None) -> None:
    """LNX-CFG-06: only 1.x is accepted."""
    assert list(problems(lambda made: made.update(ociVersion=version))) == ["/ociVersion"]


@pytest.mark.parametrize(
    ("key", "text"), [("process", "process property must not be empty"), ("root", "root must be specified")]
)
def test_process_and_root_are_needed(key: str, text: str) -> None:
    """LNX-CFG-07: no process, or no root, is refused."""
    assert problems(lambda made: made.pop(key)) == {f"/{key}": text}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "config.json: the text is empty"),
        ("null", "config.json: must be an object, not null"),
        ("[]", "config.json: must be an object, not a list"),
        ("{", "config.json: line 1, column 2: expecting property name"),
    ],
)
def test_what_is_no_object_is_refused(text: str, words: str) -> None:
    """LNX-CFG-07: an empty file or null is an error; LNX-LIFE-03: so is broken JSON."""
    with pytest.raises(RingfenceError) as caught:
        load_config(text)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["/bin\0/sh", "\0", "ä\0"])
def test_a_nul_byte_is_refused_in_any_text(text: str) -> None:
    """LNX-ENV-03: a NUL byte would cut the text short in the kernel."""
    words = "must not hold a NUL byte"
    assert problems(lambda made: made["process"].update(args=["sh", text])) == {"/process/args/1": words}
    assert problems(lambda made: made["root"].update(path=text)) == {"/root/path": words}
    assert list(problems(lambda made: made.update(annotations={text: "x"})).values()) == [words]


@pytest.mark.parametrize("text", ["\ud800", "a\udcff", "\udc00\ud800"])
def test_a_lone_surrogate_is_refused_in_any_text(text: str) -> None:
    words = "must not hold a lone surrogate"
    assert problems(lambda made: made["process"].update(env=[f"A={text}"])) == {"/process/env/0": words}
    assert problems(lambda made: made.update(hostname=text)) == {"/hostname": words}


def test_texts_beyond_ascii_are_kept() -> None:
    args = ["printf", 'ä€😀 "\\\t/']
    process = loaded(lambda made: made["process"].update(args=args)).process
    assert process is not None
    assert process.args == tuple(args)


def test_all_problems_are_told_at_once() -> None:
    def edit(made: Document) -> None:
        made["process"].update(cwd="tmp", args=[], terminal="yes")
        made["mounts"][3]["destination"] = 7
        made["linux"]["namespaces"].append({"type": "bogus"})

    error = refusal(edit)
    assert str(error) == (
        "config.json#/process/terminal: must be true or false, not a string"
        "; config.json#/mounts/3/destination: must be a string, not 7"
        "; config.json#/process/cwd: Cwd must be an absolute path"
        "; config.json#/process/args: args must not be empty"
        '; config.json#/linux/namespaces/5/type: namespace {"bogus" ""} does not exist'
    )
    assert error.field == "/process/terminal"


def test_a_place_that_is_unusable_is_told_once() -> None:
    """What rules would say of a stand-in is not said."""

    def edit(made: Document) -> None:
        made.update(ociVersion=1, root=[], hooks={"prestart": ["x"]})
        made["process"].update(cwd=5, args=None, rlimits=[{"type": 7}])
        made["linux"]["devices"] = [{"type": "c", "path": "/dev/x", "uid": "1", "minor": None}]

    expected = {
        "/ociVersion": "must be a string, not 1",
        "/process/cwd": "must be a string, not 5",
        "/process/rlimits/0/type": "must be a string, not 7",
        "/process/rlimits/0/soft": "must be given",
        "/process/rlimits/0/hard": "must be given",
        "/root": "must be an object, not a list",
        "/linux/devices/0/uid": "must be a whole number from 0 to 4294967295, not a string",
        "/hooks/prestart/0": "must be an object, not a string",
        "/process/args": "args must not be empty",
        "/linux/devices/0/major": "must be given",
        "/linux/devices/0/minor": "must be given",
    }
    assert list(problems(edit).items()) == list(expected.items())


def test_very_many_problems_are_counted() -> None:
    text = str(refusal(lambda made: made["process"].update(env=[None] * 1000)))
    assert text.count("must be a string") == 50
    assert text.endswith("; and 950 more problems")


def test_messages_hold_nothing_a_terminal_obeys() -> None:
    """A hostile config cannot write on the terminal of whoever reads the error, nor fill it."""

    def edit(made: Document) -> None:
        made["annotations"] = {"\x1b[2J\n" + "x" * 100_000: 1}
        made["process"]["rlimits"][0]["type"] = "\x1b]0;" + "x" * 100_000

    text = str(refusal(edit))
    assert text.isprintable()
    assert len(text) < 1000


def _records() -> list[type[Record]]:
    found = [value for value in vars(types).values() if isinstance(value, type) and issubclass(value, Record)]
    return [record for record in found if record is not Record and record.required()]


# A valid object of every record that has required fields, and where it stands in a config.
PLACES: dict[str, tuple[str, Document]] = {
    "Config": ("", {}),
    "Root": ("/root", {"path": "rootfs"}),
    "Process": ("/process", {"cwd": "/", "args": ["sh"]}),
    "Box": ("/process/consoleSize", {"height": 24, "width": 80}),
    "Rlimit": ("/process/rlimits/0", {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}),
    "Scheduler": ("/process/scheduler", {"policy": "SCHED_OTHER"}),
    "IOPriority": ("/process/ioPriority", {"class": "IOPRIO_CLASS_BE"}),
    "Mount": ("/mounts/0", {"destination": "/mnt"}),
    "Hook": ("/hooks/prestart/0", {"path": "/bin/true"}),
    "IDMapping": ("/linux/uidMappings/0", {"containerID": 0, "hostID": 0, "size": 1}),
    "Namespace": ("/linux/namespaces/0", {"type": "pid"}),
    "Device": ("/linux/devices/0", {"path": "/dev/x", "type": "c", "major": 1, "minor": 3}),
    "Personality": ("/linux/personality", {"domain": "LINUX"}),
    "MemoryPolicy": ("/linux/memoryPolicy", {"mode": "MPOL_LOCAL"}),
    "Seccomp": ("/linux/seccomp", {"defaultAction": "SCMP_ACT_ALLOW"}),
    "SeccompSyscall": ("/linux/seccomp/syscalls/0", {"names": ["getpid"], "action": "SCMP_ACT_LOG"}),
    "SeccompArg": ("/linux/seccomp/syscalls/0/args/0", {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}),
    "DeviceRule": ("/linux/resources/devices/0", {"allow": True}),
    "WeightDevice": ("/linux/resources/blockIO/weightDevice/0", {"major": 8, "minor": 0, "weight": 10}),
    "ThrottleDevice": ("/linux/resources/blockIO/throttleReadBpsDevice/0", {"major": 8, "minor": 0, "rate": 1}),
    "HugepageLimit": ("/linux/resources/hugepageLimits/0", {"pageSize": "2MB", "limit": 0}),
    "InterfacePriority": ("/linux/resources/network/priorities/0", {"name": "eth0", "priority": 1}),
    "Hypervisor": ("/vm/hypervisor", {"path": "/usr/bin/qemu"}),
    "GuestKernel": ("/vm/kernel", {"path": "/vmlinux"}),
    "GuestImage": ("/vm/image", {"path": "/image", "format": "raw"}),
    "MemoryFrames": ("/vm/hwConfig/iomems/0", {"firstMFN": 1, "nrMFNs": 1}),
    "FreeBSDDevice": ("/freebsd/devices/0", {"path": "null"}),
}


def _put(made: Document, pointer: str, value: Any) -> None:
    """Put ``value`` at ``pointer``, below which nothing else stands then, making what is missing on the way."""
    first, *keys = pointer.split("/")[1:]
    for key in reversed(keys):
        value = [value] if key == "0" else {key: value}
    made[first] = {**made[first], **value} if first in ("linux", "process") and keys else value


@pytest.mark.parametrize("record", _records(), ids=lambda record: record.__name__)
def test_every_required_field_is_demanded(record: type[Record]) -> None:
    """Absent required fields are refused, with a pointer to where they should be."""
    where, whole = PLACES[record.__name__]
    for field in record.required():
        name = json_name(field)
        held = {key: value for key, value in whole.items() if key != name}

        def edit(made: Document, held: Document = held, name: str = name) -> None:
            made.pop(name, None)
            if where:
                _put(made, where, held)

        assert f"{where}/{name}" in problems(edit)


def test_a_process_is_loaded_by_itself() -> None:
    """LNX-EXEC-04: the file of ``exec --process`` has the schema of process."""
    process = load_process('{"cwd": "/", "args": ["id"], "user": {"uid": 7, "umask": 63}, "Terminal": true}')
    assert process == types.Process(cwd="/", args=("id",), user=types.User(uid=7, umask=63), terminal=True)


def test_problems_of_a_process_name_its_file() -> None:
    with pytest.raises(RingfenceError) as caught:
        load_process('{"args": [7], "env": ["x"]}')
    assert str(caught.value) == (
        "process.json#/args/0: must be a string, not 7"
        "; process.json#/cwd: Cwd property must not be empty"
        '; process.json#/env/0: invalid environment variable: "x"'
    )
    assert caught.value.field == "/args/0"


def test_resources_are_loaded_by_themselves() -> None:
    """LNX-UPD-02: ``update --resources`` reads the content of a resources object."""
    resources = load_resources('{"memory": {"limit": -1}, "blockIO": {"weight": 10}, "pids": {"limit": 0}}', "-")
    assert resources == types.Resources(
        memory=types.MemoryResources(limit=-1),
        block_io=types.BlockIOResources(weight=10),
        pids=types.PidsResources(limit=0),
    )


def test_problems_of_resources_name_their_file() -> None:
    with pytest.raises(RingfenceError) as caught:
        load_resources('{"memory": {"swappiness": 101}, "cpu": 1}', "limits.json")
    assert str(caught.value) == (
        "limits.json#/cpu: must be an object, not 1; limits.json#/memory/swappiness: must be from 0 to 100, not 101"
    )
