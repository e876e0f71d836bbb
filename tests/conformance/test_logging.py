"""Log records: their form, their level and where they go."""

from __future__ import annotations

import json
import os
import re
from datetime import datetime

import pytest

from tests.support import Bundle, Runtime
from tests.support.mark import needs
from tests.support.process import read_text

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"


def text_log(runtime: Runtime) -> list[str]:
    """Global options for a text log, without its path."""
    return ["--root", runtime.root, "--log", runtime.log]


def test_a_text_record(runtime: Runtime) -> None:
    """LNX-LOG-01: ``time="…" level=error msg="…"``, quotes escaped, one line."""
    result = runtime.run("state", "--bogus", options=text_log(runtime))
    assert result.code == 1
    assert re.fullmatch(rf'time="{TIME}" level=error msg="[^"]*"\n', read_text(runtime.log))
    os.unlink(runtime.log)
    runtime.run("state", options=text_log(runtime))
    assert re.fullmatch(rf'time="{TIME}" level=error msg="[^"]*: \\"state\\" requires .*"\n', read_text(runtime.log))


def test_a_text_record_on_standard_error(runtime: Runtime) -> None:
    """LNX-LOG-01: without a log file the record goes to standard error."""
    os.makedirs(runtime.root)
    result = runtime.run("state", "nobody", options=["--root", runtime.root])
    assert re.match(rf'time="{TIME}" level=error msg="container does not exist"\n', result.err)


def test_a_newline_stays_in_the_record(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LOG-01, LNX-LOG-02: a newline in a message does not make a second line."""
    bundle.args("no\nsuch")
    bundle.write()
    runtime.run("create", "-b", bundle.path, runtime.new_id(), options=text_log(runtime))
    assert read_text(runtime.log).count("\n") == 1
    os.unlink(runtime.log)
    runtime.run("create", "-b", bundle.path, runtime.new_id())
    assert len(runtime.errors()) == 1


def test_an_error_of_the_init_is_a_chain(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LOG-01: errors inside the container are reported once, as a cause chain that ends in the errno text."""
    bundle.mount("/mnt", "nosuchfs", "none")
    runtime.refuses_bundle("no such device", bundle)
    parts = runtime.last_error().split(": ")
    assert parts[0] == "runc create failed"
    assert parts[1] == "unable to start container process"
    assert parts[-1] == "no such device"


def test_a_json_record(runtime: Runtime) -> None:
    """LNX-LOG-02: one object per line with level, msg and an RFC 3339 time."""
    os.makedirs(runtime.root)
    runtime.run("state", "nobody")
    (line,) = read_text(runtime.log).splitlines()
    record = json.loads(line)
    assert (record["level"], record["msg"]) == ("error", "container does not exist")
    assert re.fullmatch(TIME, record["time"])
    assert datetime.fromisoformat(record["time"]).tzinfo is not None


@pytest.mark.parametrize("form", ["text", "json"])
@needs("pids")
def test_success_is_silent(runtime: Runtime, bundle: Bundle, form: str) -> None:
    """LNX-LOG-03: a successful command writes nothing to standard error or to the log."""
    options = [*text_log(runtime), "--log-format", form]
    bundle.sleep()
    bundle.write()
    name = runtime.new_id()
    steps = [
        ["create", "-b", bundle.path, name], ["state", name], ["start", name], ["exec", name, "true"], ["ps", name],
        ["pause", name], ["resume", name], ["update", "--pids-limit", "50", name], ["events", "--stats", name],
        ["list"], ["kill", name, "KILL"], ["delete", "--force", name],
    ]  # fmt: skip
    for words in steps:
        assert runtime.run(*words, options=options).ok().err == "", words
    assert read_text(runtime.log) == ""


def test_warnings_are_written(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LOG-03: warnings are written without ``--debug``."""
    bundle.mount("mnt", "tmpfs", "tmpfs")
    bundle.sh("true")
    runtime.run_bundle(bundle).ok()
    records = runtime.log_records()
    assert {record["level"] for record in records} == {"warning"}
    assert "mount destination" in records[0]["msg"]
    assert "not absolute" in records[0]["msg"]


def test_debug_records(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LOG-04: ``--debug`` adds debug records with file and func, to the log file only."""
    bundle.sh("true")
    result = runtime.run_bundle(bundle, options=[*runtime.globals(), "--debug"]).ok()
    records = [record for record in runtime.log_records() if record["level"] == "debug"]
    assert records
    assert all(record["msg"] for record in records)
    assert any({"file", "func"} <= set(record) for record in records)
    assert result.err == ""


def test_no_debug_records(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LOG-03: without ``--debug`` there are none."""
    bundle.sh("true")
    runtime.run_bundle(bundle).ok()
    assert runtime.log_records() == []


def test_debug_records_on_standard_error(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LOG-04: without a log file debug records go to standard error."""
    bundle.sh("true")
    result = runtime.run_bundle(bundle, options=["--root", runtime.root, "--debug"]).ok()
    assert "level=debug" in result.err


@pytest.mark.parametrize("verb", ["run", "exec"])
def test_debug_records_of_the_init(runtime: Runtime, bundle: Bundle, verb: str) -> None:
    """LNX-LOG-05: debug records of the init's side arrive in the same log and name set-up stages."""
    options = [*runtime.globals(), "--debug"]
    bundle.sleep()
    container = runtime.started(bundle)
    if verb == "exec":
        runtime.run("exec", container.id, "true", options=options).ok()
    else:
        bundle.sh("true")
        runtime.run_bundle(bundle, options=options).ok()
    told = " ".join(record["msg"] for record in runtime.log_records())
    assert re.search(r"init|exec|mount|namespace", told)
