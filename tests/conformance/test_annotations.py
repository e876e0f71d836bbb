"""annotations."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conformance.inside import inside, refused
from tests.support import Bundle, Runtime
from tests.support.process import read_text

GIVEN = {"org.example.key": "value", "empty": "", "text": 'ä "quoted"\nline', "": "no key"}


def test_annotations_are_passed_on(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ANN-01: annotations appear unchanged in state, list -f json and hook stdin."""
    seen = runtime.new_path("seen")
    bundle.config["annotations"] = dict(GIVEN)
    bundle.hook("prestart", "/bin/sh", "-c", f"cat >{seen}")
    bundle.sleep()
    container = runtime.create(bundle)
    listed = json.loads(runtime.run("list", "--format", "json").ok().out)
    for holder in (container.state(), listed[0], json.loads(read_text(seen))):
        assert {key: holder["annotations"].get(key) for key in GIVEN} == GIVEN


@pytest.mark.parametrize("value", [1, True, ["a"], {"a": "b"}], ids=str)
def test_other_values_are_refused(runtime: Runtime, bundle: Bundle, value: Any) -> None:
    """LNX-ANN-01: a value that is no text is an error."""
    bundle.config["annotations"] = {"key": value}
    refused(runtime, bundle)


@pytest.mark.parametrize(
    "key", ["org.opencontainers.runc.nothing", "run.oci.hooks.stdout", "org.criu.other", "org.systemd.other"]
)
def test_unknown_keys_have_no_effect(runtime: Runtime, bundle: Bundle, key: str) -> None:
    """LNX-ANN-01, LNX-ANN-02: unknown keys have no effect; the known ones concern systemd and CRIU only."""
    bundle.config["annotations"] = {key: "/etc/passwd"}
    assert inside(runtime, bundle, "echo seen") == "seen\n"
    assert runtime.log_records() == []
