"""Log records, and what a person sees of an error."""

from __future__ import annotations

import json
import posix
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.cli.log import Log, json_record, quoted
from ringfence.errors import RingfenceError

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
ERROR = RingfenceError("no such mount", field="/mounts/7/source", hint="create it on the host")


def make(path: Path | None = None, form: str = "text", verbose: bool = False) -> Log:
    log = Log()
    log.configure(str(path or ""), form, verbose)
    return log


def records(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_text_record(capfd: pytest.CaptureFixture[str]) -> None:
    """LNX-LOG-01."""
    make().warning('say "hi"\n\\o/')
    assert re.fullmatch(rf'time="{TIME}" level=warning msg="say \\"hi\\"\\n\\\\o/"\n', capfd.readouterr().err)


def test_json_record(capfd: pytest.CaptureFixture[str]) -> None:
    """LNX-LOG-02: one line, whatever names the message holds."""
    make(form="json").failure(RingfenceError('say "hi"\n'))
    (line,) = capfd.readouterr().err.splitlines()
    found = json.loads(line)
    assert re.fullmatch(TIME, found.pop("time"))
    assert found == {"level": "error", "msg": 'say "hi"\\n'}


def test_without_debug_no_debug_records(capfd: pytest.CaptureFixture[str]) -> None:
    """LNX-LOG-03."""
    make().debug("hello")
    assert capfd.readouterr() == ("", "")


def test_debug_records_name_their_place_and_go_to_the_file_only(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """LNX-LOG-04."""
    path = tmp_path / "log"
    make(path, "json", verbose=True).debug("hello")
    (found,) = records(path)
    assert found["level"] == "debug"
    assert str(found["file"]).startswith(__file__)
    assert str(found["func"]).endswith("test_debug_records_name_their_place_and_go_to_the_file_only")
    assert capfd.readouterr().err == ""


def test_the_file_is_appended_to(tmp_path: Path) -> None:
    """LNX-CLI-12."""
    path = tmp_path / "log"
    for text in ("one", "two"):
        log = make(path, "json")
        log.warning(text)
        assert not posix.get_inheritable(log.descriptor)
    assert [record["msg"] for record in records(path)] == ["one", "two"]


def test_a_file_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    """LNX-CLI-12."""
    path = tmp_path / "none" / "log"
    with pytest.raises(RingfenceError) as caught:
        make(path)
    assert str(caught.value) == f"open {path}: no such file or directory"


def test_unknown_format() -> None:
    """LNX-CLI-13."""
    with pytest.raises(RingfenceError, match=r"^invalid log-format: xml$"):
        make(form="xml")


def test_an_error_in_a_file_is_one_record_and_the_bare_message_on_standard_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """LNX-CLI-23."""
    path = tmp_path / "log"
    make(path, "json").failure(ERROR)
    (found,) = records(path)
    assert (found["level"], found["msg"]) == ("error", "no such mount")
    assert (found["field"], found["hint"]) == ("/mounts/7/source", "create it on the host")
    assert capfd.readouterr().err == "no such mount\n"


def test_without_a_file_a_person_is_told_the_field_and_the_hint(capfd: pytest.CaptureFixture[str]) -> None:
    make().failure(ERROR)
    record, *below = capfd.readouterr().err.splitlines()
    assert record.endswith('level=error msg="no such mount"')
    assert below == ["  asked for by config.json#/mounts/7/source", "  hint: create it on the host"]


def test_json_on_standard_error_stays_one_record(capfd: pytest.CaptureFixture[str]) -> None:
    make(form="json").failure(ERROR)
    (line,) = capfd.readouterr().err.splitlines()
    assert json.loads(line)["hint"] == "create it on the host"


def test_a_terminal_shows_the_field_and_the_hint_even_beside_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(posix, "isatty", lambda _: True)
    make(tmp_path / "log").failure(ERROR)
    assert capfd.readouterr().err.splitlines() == [
        "no such mount",
        "  asked for by config.json#/mounts/7/source",
        "  hint: create it on the host",
    ]


def test_warnings_of_a_failed_create_are_part_of_its_only_record(tmp_path: Path) -> None:
    """LNX-CLI-23: podman decodes the whole file as one value."""
    path = tmp_path / "log"
    log = make(path, "json")
    log.hold()
    log.warning("one")
    log.warning("two")
    log.failure(ERROR)
    (found,) = records(path)
    assert (found["msg"], found["warnings"]) == ("no such mount", ["one", "two"])


def test_warnings_of_a_successful_create_are_records(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = make(path, "json")
    log.hold()
    log.warning("one")
    assert path.read_text() == ""
    log.release()
    log.warning("two")
    assert [(record["level"], record["msg"]) for record in records(path)] == [("warning", "one"), ("warning", "two")]


@pytest.mark.parametrize(("form", "verbose"), [("text", False), ("json", True)])
def test_warnings_are_not_kept_back_in_text_or_with_debug(tmp_path: Path, form: str, verbose: bool) -> None:
    path = tmp_path / "log"
    log = make(path, form, verbose)
    log.hold()
    log.warning("one")
    assert "one" in path.read_text()


def test_a_log_that_cannot_be_written_changes_nothing() -> None:
    make(Path("/dev/full")).warning("one")


@given(st.text(alphabet=st.characters()), st.lists(st.text(), max_size=3))
def test_every_json_record_is_one_line_of_valid_json(text: str, warnings: list[str]) -> None:
    line = json_record([("msg", text)], warnings)
    assert line.endswith("}\n")
    assert line.isascii()
    assert "\n" not in line[:-1]
    assert json.loads(line) == {"msg": text, **({"warnings": warnings} if warnings else {})}


@given(st.text())
def test_every_quoted_text_is_one_printable_line(text: str) -> None:
    shown = quoted(text)
    assert shown.isprintable()
    assert '"' not in re.sub(r"\\.", "", shown[1:-1])


def test_bytes_that_are_not_utf8_are_shown_as_such() -> None:
    assert quoted(b"a\xff\x01".decode("utf-8", "surrogateescape")) == '"a\\xff\\x01"'
