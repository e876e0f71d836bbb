"""explain cannot lie: what it prints is what the init performs."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.support import Bundle, Runtime

START = ("await", "start")


def explained(runtime: Runtime, bundle: Bundle, name: str, phase: str) -> list[tuple[str, str, str]]:
    """The rows of one phase, up to the wait for start."""
    told = json.loads(runtime.run("explain", "--json", "--bundle", bundle.path, name).out)
    rows = [(row["verb"], row["text"], row["pointer"]) for row in told["steps"] if row["phase"] == phase]
    waits = [number for number, row in enumerate(rows) if row[:2] == START]
    return rows[: waits[0]] if waits else rows


def performed(trace: Path, phase: str) -> list[tuple[str, str, str]]:
    """What the init recorded of one phase, in the order it was done."""
    lines = [json.loads(line) for line in trace.read_text().splitlines()]
    return [(line["verb"], line["text"], line["pointer"]) for line in lines if line["phase"] == phase]


def create_traced(runtime: Runtime, bundle: Bundle, trace: Path) -> str:
    """Create a container and return its id."""
    name = runtime.new_id()
    result = runtime.run("--trace", str(trace), "create", "--bundle", bundle.path, name)
    assert result.code == 0, result.err
    return name


def test_every_step_that_explain_prints_is_performed_in_its_order(
    runtime: Runtime, bundle: Bundle, workdir: str
) -> None:
    bundle.config["hostname"] = "explained"
    bundle.config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1"}
    bundle.config["hooks"] = {"createRuntime": [{"path": "/bin/true"}], "createContainer": [{"path": "/bin/true"}]}
    bundle.sh("true")
    bundle.write()
    name = create_traced(runtime, bundle, Path(workdir, "trace"))
    for phase in ("birth", "inside"):
        rows = explained(runtime, bundle, name, phase)
        assert rows
        assert performed(Path(workdir, "trace"), phase) == rows


def test_explain_changes_nothing(runtime: Runtime, bundle: Bundle) -> None:
    bundle.write()
    before = sorted(os.listdir(bundle.path))
    assert runtime.run("explain", "--bundle", bundle.path).code == 0
    assert sorted(os.listdir(bundle.path)) == before
    assert not os.path.exists(runtime.root)


def test_explain_needs_no_privilege(runtime: Runtime, bundle: Bundle) -> None:
    bundle.write()
    runtime.prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"]
    result = runtime.run("explain", "--bundle", bundle.path, options=[])
    assert result.code == 0, result.err
    assert "exec" in result.out
