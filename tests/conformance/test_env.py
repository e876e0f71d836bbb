"""process.env and HOME."""

from __future__ import annotations

import json
import os

import pytest

from tests.conformance.inside import output, refused
from tests.support import Bundle, Runtime
from tests.support.config import PATH


def environment(runtime: Runtime, bundle: Bundle, **how: object) -> list[str]:
    """The entries of the program's environment, as the kernel holds them."""
    bundle.args("/bin/cat", "/proc/self/environ")
    return output(runtime, bundle, **how).split("\0")[:-1]


def test_only_the_configured_environment(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ENV-01: the program sees process.env and HOME, nothing of the caller's environment."""
    bundle.process["env"] = ["ONE=1", "TWO=2"]
    caller = {"SECRET": "s", "TERM": "vt100", "LANG": "C", "PYTHONPATH": "/nowhere", "_LIBCONTAINER_X": "1"}
    assert sorted(environment(runtime, bundle, env=caller)) == ["HOME=/root", "ONE=1", "TWO=2"]


def test_empty_environment(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ENV-01: no env gives HOME alone, without a TERM or PATH of the runtime's own."""
    del bundle.process["env"]
    assert environment(runtime, bundle) == ["HOME=/root"]


def test_exec_environment(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ENV-01: exec'd programs see nothing of the caller's environment either."""
    bundle.sleep()
    container = runtime.started(bundle)
    out = container.exec("cat", "/proc/self/environ", env={"SECRET": "s"}).ok().out
    assert sorted(out.split("\0")[:-1]) == ["HOME=/root", f"PATH={PATH}", "TERM=xterm"]


def test_lookup_path_is_the_configured_one(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ENV-01: the program is looked up in the PATH of process.env."""
    bundle.file("/opt/only/here", "#!/bin/sh\necho found\n", 0o755)
    bundle.process["env"] = ["PATH=/nowhere:/opt/only"]
    bundle.args("here")
    assert output(runtime, bundle) == "found\n"


def test_last_duplicate_wins(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ENV-02: of duplicate names the last entry wins and the name appears once.

    runc 1.1 passes some duplicates on.
    """
    bundle.process["env"] = ["A=first", "B=x", "A=last", "HOME=/a", "HOME=/b"]
    assert sorted(environment(runtime, bundle)) == ["A=last", "B=x", "HOME=/b"]


def test_values_are_kept(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ENV-02: values may hold newlines and `=`; an empty value is kept."""
    entries = ["LINES=one\ntwo\n", "SUM=1+1=2=2", "ONE=", "UMLAUT=ä", "HOME=/h", "SPACE= a  b "]
    bundle.process["env"] = entries
    assert sorted(environment(runtime, bundle)) == sorted(entries)


@pytest.mark.parametrize("entry", ["NOEQUALS", ""])
def test_entry_without_equals_is_refused(runtime: Runtime, bundle: Bundle, entry: str) -> None:
    """LNX-ENV-03: an entry without `=` is refused and quoted."""
    bundle.env.append(entry)
    refused(runtime, bundle, f'invalid environment variable: "{entry}"')


def test_nul_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ENV-03: a NUL byte is an error."""
    bundle.env.append("A=b\0c")
    refused(runtime, bundle)


def home(runtime: Runtime, bundle: Bundle, **how: object) -> str:
    """The value of HOME that the program sees."""
    found = [entry for entry in environment(runtime, bundle, **how) if entry.startswith("HOME=")]
    assert len(found) == 1
    return found[0].removeprefix("HOME=")


@pytest.mark.parametrize(("uid", "expected"), [(0, "/root"), (1000, "/home/alice"), (4321, "/")])
def test_home_is_from_the_containers_passwd(runtime: Runtime, bundle: Bundle, uid: int, expected: str) -> None:
    """LNX-ENV-04: HOME is from the container's /etc/passwd for the uid, `/` without an entry."""
    bundle.process["user"]["uid"] = uid
    assert home(runtime, bundle) == expected


def test_empty_home_counts_as_missing(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ENV-04: an empty HOME is replaced, after the rule that the last entry wins. runc 1.1 keeps an empty one."""
    bundle.env.extend(["HOME=/given", "HOME="])
    assert home(runtime, bundle) == "/root"


def test_home_is_kept(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ENV-04: `HOME=/override` is kept."""
    bundle.env.append("HOME=/override")
    assert home(runtime, bundle) == "/override"


@pytest.mark.parametrize("text", ["", "garbage\n:::::\nroot\n", "x" * 5000])
def test_home_without_a_usable_passwd(runtime: Runtime, bundle: Bundle, text: str) -> None:
    """LNX-ENV-04: without an entry in the container's passwd file HOME is `/`, whatever the file holds.

    runc takes a line without fields for an entry of uid 0 with an empty home.
    """
    bundle.file("/etc/passwd", text)
    assert home(runtime, bundle) == "/"


def test_passwd_symlink_is_read_inside(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ENV-04: /etc/passwd is read inside the container's root, also through an absolute symlink."""
    bundle.file("/other/passwd", "root:x:0:0::/from/inside:/bin/sh\n")
    os.unlink(os.path.join(bundle.rootfs, "etc/passwd"))
    os.symlink("/other/passwd", os.path.join(bundle.rootfs, "etc/passwd"))
    assert home(runtime, bundle) == "/from/inside"


def test_home_of_exec(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ENV-04: the rules hold for exec with another user, and for `exec -p` without env."""
    bundle.sleep()
    container = runtime.started(bundle)
    assert "HOME=/home/alice" in container.exec("cat", "/proc/self/environ", options=["--user", "1000"]).out
    path = runtime.new_path("process")
    process = {"args": ["/bin/cat", "/proc/self/environ"], "cwd": "/", "user": {"uid": 1000, "gid": 1000}}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(process, file)
    assert runtime.run("exec", "--process", path, container.id).ok().out == "HOME=/home/alice\0"
