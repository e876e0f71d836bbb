"""The form of the command line: commands, options, arguments, help and usage errors."""

from __future__ import annotations

import os

import pytest

from tests.support import Bundle, Result, Runtime
from tests.support.mark import needs, unlike_runc

ONE_ID = [
    "create", "run", "start", "state", "delete", "pause", "resume", "events", "update", "checkpoint", "restore",
]  # fmt: skip
NO_ARGUMENT = ["list", "spec", "features"]
AT_LEAST_ONE = ["exec", "ps"]
COMMANDS = sorted([*ONE_ID, *NO_ARGUMENT, *AT_LEAST_ONE, "kill"])


def program(runtime: Runtime) -> str:
    """PROG of the checklist."""
    return os.path.basename(runtime.binary)


def usage_refused(runtime: Runtime, text: str, *words: str) -> Result:
    """See a usage error: exit status 1, ``text`` logged, the command's help on standard output."""
    result = runtime.refuses(text, *words)
    assert result.out.startswith("Incorrect Usage")
    return result


def test_global_options_are_not_known_after_the_command(runtime: Runtime) -> None:
    """LNX-CLI-01: global options are only recognised before the command word."""
    usage_refused(runtime, "flag provided but not defined: -root", "state", "--root", runtime.root, "some")


@pytest.mark.parametrize("words", [["--root", "{}"], ["--root={}"], ["-root", "{}"], ["-root={}"]])
def test_an_option_takes_its_value_in_four_ways(runtime: Runtime, words: list[str]) -> None:
    """LNX-CLI-02: ``--flag value``, ``--flag=value``, and both with a single dash."""
    os.makedirs(os.path.join(runtime.root, "leftover"))
    options = [word.format(runtime.root) for word in words]
    assert runtime.run("delete", "--force", "leftover", options=options).ok().err == ""
    assert runtime.ids() == []


@pytest.mark.parametrize(("flag", "removed"), [("--force=true", True), ("-f=true", True), ("--force=false", False)])
def test_a_boolean_flag_takes_a_value(runtime: Runtime, flag: str, removed: bool) -> None:
    """LNX-CLI-02: boolean flags accept ``=true`` and ``=false``."""
    os.makedirs(runtime.root)
    assert runtime.run("delete", flag, "nobody").code == (0 if removed else 1)


def test_the_last_occurrence_of_a_flag_wins(runtime: Runtime) -> None:
    """LNX-CLI-03: for a flag that holds one value the last occurrence wins."""
    os.makedirs(os.path.join(runtime.root, "leftover"))
    other = os.path.join(runtime.folder, "other")
    runtime.run("delete", "--force", "leftover", options=["--root", other, "--root", runtime.root]).ok()
    assert runtime.ids() == []


def test_list_flags_add_up_and_commas_do_not_separate(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CLI-03: list flags add up and a comma inside one value is not a separator."""
    bundle.sleep()
    container = runtime.started(bundle)
    result = container.exec("env", options=["-e", "A=1,B=2", "-e", "C=3", "-e=D=4"]).ok()
    assert {"A=1,B=2", "C=3", "D=4"} <= set(result.out.splitlines())


def test_exec_and_ps_leave_options_behind_the_id_alone(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CLI-04: ``exec`` and ``ps`` stop reading options at the first positional word."""
    bundle.sleep()
    container = runtime.started(bundle)
    assert container.exec("echo", "-e", "x", "-d").ok().out == "x -d\n"
    assert "COMMAND" in runtime.run("ps", container.id, "-e", "-x").ok().out


@unlike_runc("takes options of kill behind the id")
def test_kill_takes_no_options_behind_the_id(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CLI-04: ``kill`` stops reading options at the first positional word, which leaves a signal of that name."""
    container = runtime.create(bundle)
    runtime.refuses('unknown signal "--all"', "kill", container.id, "--all")
    assert container.status() == "created"


@needs("memory", "pids")
def test_other_commands_take_options_behind_the_id(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CLI-04: every other command accepts its options before or after the id."""
    bundle.sleep()
    container = runtime.started(bundle)
    runtime.run("update", container.id, "--memory", "1G").ok()
    runtime.run("update", "--pids-limit=50", container.id, "--memory", "900M").ok()
    runtime.run("delete", container.id, "-f").ok()
    assert not container.exists()


def test_every_command_exists(runtime: Runtime) -> None:
    """LNX-CLI-05: the general help lists every command, and ``h`` is ``help``."""
    listed = runtime.run("help", options=[]).ok().out
    for command in [*COMMANDS, "help"]:
        assert any(line.split()[:1] in ([command], [f"{command},"]) for line in listed.splitlines()), command
    assert runtime.run("h", options=[]).ok().out == listed


@pytest.mark.parametrize("command", ONE_ID)
@pytest.mark.parametrize("words", [[], ["a", "b"]])
def test_exactly_one_id(runtime: Runtime, command: str, words: list[str]) -> None:
    """LNX-CLI-06, LNX-CLI-07: exactly one argument, else usage on standard output and one record."""
    result = usage_refused(runtime, f'"{command}" requires exactly 1 argument(s)', command, *words)
    assert result.out.startswith("Incorrect Usage.\n\nNAME:\n")
    assert f"{program(runtime)} {command}" in result.out.splitlines()[3]
    assert f"{program(runtime)}: " in runtime.last_error()


@pytest.mark.parametrize("command", NO_ARGUMENT)
def test_no_argument(runtime: Runtime, command: str) -> None:
    """LNX-CLI-06, LNX-CLI-07: ``list``, ``spec`` and ``features`` take no argument."""
    usage_refused(runtime, f'"{command}" requires exactly 0 argument(s)', command, "word")


@pytest.mark.parametrize("command", [*AT_LEAST_ONE, "kill"])
def test_at_least_one_argument(runtime: Runtime, command: str) -> None:
    """LNX-CLI-06, LNX-CLI-07: ``exec``, ``ps`` and ``kill`` need one argument at least."""
    usage_refused(runtime, f'"{command}" requires a minimum of 1 argument(s)', command)


def test_at_most_two_arguments_of_kill(runtime: Runtime) -> None:
    """LNX-CLI-06, LNX-CLI-07: ``kill`` takes the id and a signal."""
    usage_refused(runtime, '"kill" requires a maximum of 2 argument(s)', "kill", "a", "KILL", "b")


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_flag(runtime: Runtime, command: str) -> None:
    """LNX-CLI-08: an unknown flag gives its name and the help."""
    text = "flag provided but not defined: -bogus"
    result = usage_refused(runtime, text, command, "--bogus", "some")
    assert result.out.startswith(f"Incorrect Usage: {text}\n")
    assert "NAME:" in result.out


def test_an_unknown_global_flag(runtime: Runtime) -> None:
    """LNX-CLI-08: an unknown global flag, too."""
    result = runtime.run("list", options=["--bogus"])
    assert result.code == 1
    assert result.out.startswith("Incorrect Usage")
    assert "flag provided but not defined: -bogus" in result.err


@pytest.mark.parametrize("words", [["foo"], ["foo", "-h"]])
def test_an_unknown_command(runtime: Runtime, words: list[str]) -> None:
    """LNX-CLI-09: an unknown command ends with status 3 and prints nothing."""
    assert runtime.refuses("No help topic for 'foo'", *words, code=3).out == ""


@pytest.mark.parametrize("words", [[], ["help"], ["-h"], ["--help"]])
def test_general_help(runtime: Runtime, words: list[str]) -> None:
    """LNX-CLI-10: no command, ``help``, ``-h`` and ``--help`` print the general help."""
    lines = runtime.run(*words, options=[]).ok().out.splitlines()
    assert lines[0] == "NAME:"
    assert lines[1] == f"   {program(runtime)} - Open Container Initiative runtime"


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(runtime: Runtime, command: str, flag: str) -> None:
    """LNX-CLI-11: every command has a help, which wins over a wrong argument count."""
    for words in ([flag], [flag, "a", "b", "c"]):
        lines = runtime.run(command, *words).ok().out.splitlines()
        assert lines[0] == "NAME:"
        assert f"{program(runtime)} {command}" in lines[1]
    assert runtime.errors() == []


@pytest.mark.parametrize("name", ["a/b", "../a", "/etc", "a b", "a:b", "ä", "a\n", ".", ".."])
@pytest.mark.parametrize("command", [*ONE_ID, "kill", "ps"])
def test_the_form_of_an_id(runtime: Runtime, bundle: Bundle, command: str, name: str) -> None:
    """LNX-CLI-25: a bad id is refused before the disk is touched, by every command that takes one."""
    bundle.write()
    runtime.refuses("invalid container ID format", command, name, cwd=bundle.path)
    assert not os.path.exists(runtime.root) or runtime.ids() == []


@pytest.mark.parametrize("name", ["a/b", "..", ""])
def test_the_form_of_an_id_for_exec(runtime: Runtime, name: str) -> None:
    """LNX-CLI-25: ``exec`` refuses a bad id with its own exit status."""
    text = "invalid container ID format" if name else "container id cannot be empty"
    runtime.refuses(text, "exec", name, "true", code=255)


@pytest.mark.parametrize("command", ["create", "run", "start", "state", "delete", "kill"])
def test_an_empty_id(runtime: Runtime, bundle: Bundle, command: str) -> None:
    """LNX-CLI-25: an empty id is refused."""
    bundle.write()
    runtime.refuses("container id cannot be empty", command, "", cwd=bundle.path)


def test_every_character_an_id_may_have(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CLI-25: letters, digits and ``_ + - .`` make an id, ``...`` too."""
    bundle.sh("true")
    name = f"...{runtime.token}-Az_09+."
    assert runtime.run_bundle(bundle, name=name).ok().err == ""


@pytest.mark.parametrize("command", ["start", "state", "delete", "kill", "pause", "resume", "events", "update", "ps"])
def test_an_unknown_id(runtime: Runtime, command: str) -> None:
    """LNX-CLI-26: the message holds ``container does not exist``, the exit status is 1."""
    os.makedirs(runtime.root)
    runtime.refuses("container does not exist", command, "nobody")


def test_an_unknown_id_for_exec(runtime: Runtime) -> None:
    """LNX-CLI-26, LNX-EXEC-07: for ``exec`` the exit status is 255."""
    os.makedirs(runtime.root)
    runtime.refuses("container does not exist", "exec", "nobody", "true", code=255)


@unlike_runc("makes the root folder whenever it looks for a container")
@pytest.mark.parametrize("command", ["state", "delete", "kill"])
def test_an_unknown_id_without_a_root_folder(runtime: Runtime, command: str) -> None:
    """LNX-CLI-26, LNX-CLI-16: nor is the root folder made to find that out."""
    runtime.refuses("container does not exist", command, "nobody")
    assert not os.path.exists(runtime.root)
