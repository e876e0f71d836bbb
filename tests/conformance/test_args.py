"""process.args and how the program is found."""

from __future__ import annotations

import os

import pytest

from tests.conformance.inside import output, refused
from tests.support import Bundle, Runtime


@pytest.mark.parametrize("args", [[], None])
def test_empty_args_are_refused(runtime: Runtime, bundle: Bundle, args: list[str] | None) -> None:
    """LNX-ARGS-01: empty or missing args are refused."""
    bundle.process["args"] = args
    refused(runtime, bundle, "args must not be empty")


def test_path_with_a_slash_is_relative_to_cwd(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ARGS-02: args[0] with a slash is that path, relative to cwd."""
    bundle.file("/opt/tool", "#!/bin/sh\necho found\n", 0o755)
    bundle.process["cwd"] = "/opt"
    bundle.args("./tool")
    assert output(runtime, bundle) == "found\n"


def test_without_path_nothing_is_found(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ARGS-02: without PATH in process.env a bare name is not found."""
    bundle.process["env"] = ["TERM=xterm"]
    bundle.args("sh")
    refused(runtime, bundle, 'exec: "sh": executable file not found in $PATH')


def test_first_executable_in_path_is_taken(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ARGS-02: PATH is searched in order; folders and files that may not be executed are passed over."""
    os.makedirs(os.path.join(bundle.rootfs, "a/tool"))
    bundle.file("/b/tool", "#!/bin/sh\necho b\n", 0o644)
    bundle.file("/c/tool", "#!/bin/sh\necho c\n", 0o755)
    bundle.file("/d/tool", "#!/bin/sh\necho d\n", 0o755)
    bundle.process["env"] = ["PATH=/a:/b:/c:/d"]
    bundle.args("tool")
    assert output(runtime, bundle) == "c\n"


def test_not_in_path(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ARGS-03: a name that is not in PATH gives the text Docker turns into 127."""
    bundle.args("no-such-tool")
    refused(runtime, bundle, 'exec: "no-such-tool": executable file not found in $PATH')


@pytest.mark.parametrize("path", ["/no/such/tool", "./tool"])
def test_no_such_file(runtime: Runtime, bundle: Bundle, path: str) -> None:
    """LNX-ARGS-04: a given path that does not exist gives the text Docker turns into 127."""
    bundle.args(path)
    refused(runtime, bundle, f'exec: "{path}": stat {path}: no such file or directory')


@pytest.mark.parametrize("path", ["/etc", "/etc/passwd"])
def test_not_executable(runtime: Runtime, bundle: Bundle, path: str) -> None:
    """LNX-ARGS-05: a folder or a file without execute right gives the text Docker turns into 126.

    runc 1.1 says `is a directory` of a folder.
    """
    bundle.args(path)
    refused(runtime, bundle, f'exec: "{path}": permission denied')


def test_execute_right_is_that_of_the_user(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ARGS-06: the execute check is done as the final user."""
    bundle.file("/opt/tool", "#!/bin/sh\necho found\n", 0o700)
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.args("/opt/tool")
    refused(runtime, bundle, "/opt/tool", "permission denied")


def test_execute_right_by_capability(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ARGS-06: with CAP_DAC_OVERRIDE in ambient a root-only file can be run by uid 1000."""
    bundle.file("/opt/tool", "#!/bin/sh\nid -u\n", 0o700)
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    sets = ("bounding", "effective", "permitted", "inheritable", "ambient")
    bundle.process["capabilities"] = {kind: ["CAP_DAC_OVERRIDE"] for kind in sets}
    bundle.args("/opt/tool")
    assert output(runtime, bundle) == "1000\n"


@pytest.mark.parametrize("first", ["cat", "/bin/cat", "../bin/cat"])
def test_argv_is_passed_unchanged(runtime: Runtime, bundle: Bundle, first: str) -> None:
    """LNX-ARGS-07: argv is passed unchanged, argv[0] included."""
    words = [first, "--", "/proc/self/cmdline", "", "a b", "-ä\n"]
    bundle.process["cwd"] = "/etc"
    bundle.args(*words)
    result = runtime.run_bundle(bundle)
    assert result.out.split("\0")[:-1] == words


def test_missing_interpreter(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ARGS-08: a script with a missing interpreter gives one line on standard error and exit 1."""
    bundle.file("/run.sh", "#!/no/such/shell\n", 0o755)
    bundle.args("/run.sh")
    result = runtime.run_bundle(bundle)
    assert result.code == 1
    assert result.err.splitlines()[-1].endswith("exec /run.sh: no such file or directory")
    assert len(result.err.splitlines()) == 1


def test_text_is_not_given_to_a_shell(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ARGS-08: text without `#!` is an exec format error and never run by a shell."""
    bundle.file("/text", "echo run by a shell\n", 0o755)
    bundle.args("/text")
    result = runtime.run_bundle(bundle)
    assert (result.code, result.out) == (1, "")
    assert "exec /text: exec format error" in result.err
