"""Recognising the form of a document."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import RingfenceError
from ringfence.spec.load import is_current
from ringfence.spec.upgrade import CURRENT, JULY, JUNE, PRE_DRAFT, RC, SPLIT, recognise
from tests.unit.spec.upgrade.documents import converted, full, here, pre_draft, rc, sample, warned

NAMED = {"mounts": [{"name": "proc", "path": "/proc"}]}
FORMS: list[tuple[dict[str, Any], str]] = [
    ({"ociVersion": "1.0.0"}, CURRENT),
    ({"ociVersion": "1.3.0"}, CURRENT),
    ({"ociVersion": "1.0.0-rc6"}, CURRENT),
    ({"ociVersion": "whatever"}, CURRENT),
    ({"ociVersion": "0.3.0"}, RC),
    ({"ociVersion": "0.6.0-dev"}, RC),
    ({"ociVersion": "1.0.0-rc1"}, RC),
    ({"ociVersion": "1.0.0-rc2-dev"}, RC),
    ({"ociVersion": "1.0.0-rc5"}, RC),
    ({"ociVersion": "0.3.0-dev", **NAMED}, SPLIT),
    ({"version": "0.2.0", **NAMED}, SPLIT),
    ({"version": "pre-draft"}, PRE_DRAFT),
    ({"processes": [{}]}, JUNE),
    ({"version": "0.1", "os": "linux"}, JUNE),
    ({"version": "0.2", "process": {}, "platform": {}, "linux": {}}, JULY),
    ({"mounts": [{"options": "ro,nosuid"}]}, PRE_DRAFT),
    ({"linux": {"devices": ["null"]}}, PRE_DRAFT),
    ({"linux": {"capabilities": []}}, PRE_DRAFT),
    ({"linux": {"namespaces": [{"type": "process"}]}}, PRE_DRAFT),
    ({"linux": {"systemProperties": {}}}, PRE_DRAFT),
    ({"linux": {"uidMapping": []}}, PRE_DRAFT),
    ({"process": {}}, CURRENT),
    ({"VERSION": "pre-draft", "ociVersion": None}, PRE_DRAFT),
]


@pytest.mark.parametrize(("document", "form"), FORMS, ids=lambda value: str(value)[:50])
def test_forms(document: dict[str, Any], form: str) -> None:
    """OLD-DETECT-01, OLD-DETECT-02, OLD-DETECT-03, OLD-DETECT-04, OLD-DETECT-05: the content alone tells the form."""
    assert recognise(document) == form


@pytest.mark.parametrize("version", ["2.0.0", "3.1", "10.0.0-rc1"])
def test_later_versions(version: str) -> None:
    """OLD-DETECT-02: 2 and up is an error that names the value."""
    with pytest.raises(RingfenceError, match=version):
        recognise({"ociVersion": version})


@pytest.mark.parametrize("version", ["0.7", "draft", "1"])
def test_other_version_texts(version: str) -> None:
    """OLD-DETECT-06: any other `version` without `ociVersion` has 2015's own words."""
    text = f'spec version is not compatible with implemented version "pre-draft": spec "{version}"'
    with pytest.raises(RingfenceError) as caught:
        recognise({"version": version})
    assert caught.value.attempted == text


def test_both_versions() -> None:
    """OLD-DETECT-06: with both keys `ociVersion` decides, with one warning."""
    document = {**pre_draft(), "ociVersion": "1.0.0-rc5"}
    assert full(document).form == RC
    assert warned(document) == ["version: ignored, since ociVersion is given too"]


def test_hand_written_files() -> None:
    """OLD-DETECT-06: without any version, a mark of 2015 makes it a pre-draft, with a warning."""
    document = pre_draft(linux={"capabilities": ["KILL"]})
    del document["version"]
    assert full(document).form == PRE_DRAFT
    assert len(warned(document)) == 1


def test_null_and_case() -> None:
    """OLD-DETECT-07: null counts as absent, unknown keys are ignored and kept, keys match regardless of case."""
    document = pre_draft(process={"CWD": "/etc", "terminal": None, "x": 1}, linux={"Resources": None, "y": {"z": 2}})
    made = converted(document)
    assert made["process"]["cwd"] == "/etc"
    assert made["process"]["terminal"] is False
    assert made["process"]["x"] == 1
    assert made["linux"]["y"] == {"z": 2}


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (pre_draft(linux={"resources": {"memory": {"limit": "1"}}}), "linux.resources.memory.limit"),
        (pre_draft(process={"args": "sh"}), "process.args"),
        (pre_draft(mounts=[{"type": 1}]), "mounts[0].type"),
        (pre_draft(root=[]), "root"),
    ],
)
def test_wrong_types(document: dict[str, Any], path: str) -> None:
    """OLD-DETECT-07: a wrong JSON type is an error with the path of the OLD field."""
    with pytest.raises(RingfenceError) as caught:
        converted(document)
    assert caught.value.attempted.startswith(f"{path}: must be ")
    assert caught.value.field == "/" + path.replace("[", "/").replace("]", "").replace(".", "/")


def test_fields_of_neighbours() -> None:
    """OLD-DETECT-08: a field of a neighbouring form is understood; the new place counts, a warning names the other."""
    made = converted(rc(linux={"capabilities": ["KILL"]}, process={"cwd": "/"}))
    assert made["process"]["capabilities"]["bounding"] == ["CAP_KILL"]
    document = pre_draft(process={"capabilities": {"bounding": []}}, linux={"capabilities": ["KILL"]})
    assert converted(document)["process"]["capabilities"] == {"bounding": []}
    assert any("linux.capabilities" in text for text in warned(document))
    assert converted(pre_draft(mounts=[{"type": "tmpfs", "destination": "/x", "options": ["ro"]}]))["mounts"][0][
        "options"
    ] == ["ro"]


@pytest.mark.parametrize(
    ("platform", "text"),
    [
        ({"os": "solaris", "arch": "amd64"}, "target os solaris mismatch with current os linux"),
        ({"os": "linux", "arch": "arm64"}, "target arch arm64 mismatch with current arch amd64"),
    ],
)
def test_platforms(platform: dict[str, str], text: str) -> None:
    """OLD-DETECT-09, OLD-RC-05: another platform than the host's is refused to run, and warned of in an upgrade."""
    for document in (pre_draft(platform=platform), rc(platform=platform)):
        with pytest.raises(RingfenceError, match=text):
            converted(document)
        assert any(text in warning for warning in warned(document, strict=False))
        assert "platform" not in converted(document, strict=False)


@pytest.mark.parametrize("platform", [{}, {"os": "", "arch": ""}, {"os": "linux", "arch": "386"}, None])
def test_platforms_that_pass(platform: dict[str, str] | None) -> None:
    """OLD-DETECT-09: "" and absent are not checked; a 32-bit one the machine executes passes with a warning."""
    document = pre_draft(platform=platform)
    assert "platform" not in converted(document)
    assert len(warned(document)) == (1 if platform and platform.get("arch") == "386" else 0)


KEYS = ["version", "ociVersion", "process", "linux", "mounts", "root", "options", "type", "resources", "x"]
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=20,
)


@given(DOCUMENTS)
def test_no_document_breaks_the_conversion(document: Any) -> None:
    """OLD-DETECT-07: whatever the JSON is, it is converted or a RingfenceError."""
    try:
        full(document)
    except RingfenceError:
        pass


SECTIONS = ["process", "root", "mounts", "linux", "hooks", "platform", "hostname"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**65) | st.text(max_size=3) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "args",
                    "env",
                    "user",
                    "cwd",
                    "namespaces",
                    "type",
                    "path",
                    "options",
                    "destination",
                    "source",
                    "resources",
                    "memory",
                    "limit",
                    "devices",
                    "rlimits",
                    "hard",
                    "capabilities",
                    "uidMappings",
                    "size",
                    "hostID",
                    "blockIO",
                    "blkioWeightDevice",
                    "prestart",
                    "seccomp",
                    "syscalls",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(["pre-draft", "june", "rc"]), st.sampled_from(SECTIONS), VALUES)
def test_no_section_breaks_the_conversion(form: str, section: str, value: Any) -> None:
    """OLD-DETECT-07, OLD-UPGRADE-03: any section of any kind is converted or refused; a second time changes nothing."""
    base: dict[str, dict[str, Any]] = {
        "pre-draft": pre_draft(), "june": {"processes": [{"args": ["x"]}]}, "rc": rc(),
    }  # fmt: skip
    document = {**base[form], section: value}
    try:
        made = converted(document)
    except RingfenceError:
        return
    assert converted(made) == made


def test_todays_files_take_the_short_way() -> None:
    """OLD-DETECT-01: a file of today is told by two looks; everything else goes the long way."""
    assert is_current({"ociVersion": "1.0.2", "process": {"capabilities": {}}})
    others: list[Any] = [sample(), rc(), {"ociVersion": "1.0.0", "process": {"capabilities": []}}, {}, [], None]
    for document in others:
        assert not is_current(document)
    assert here().machine == "x86_64"
