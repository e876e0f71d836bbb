"""Containers in the background, from ``create`` to ``rm``; the same with docker and podman."""

from __future__ import annotations

import os

import pytest

from tests.engines.engine import FOREVER, Container, Engine
from tests.support.image import NAME
from tests.support.poll import wait_until

STUBBORN = "trap '' TERM; echo up; while :; do sleep 1000; done"


def test_created_started_and_ended(engine: Engine) -> None:
    container = Container(engine, engine("create", NAME, "sh", "-c", "echo here; exit 5").ok().out.strip())
    assert container.status == "created"
    result = engine("start", "--attach", container.id)
    assert (result.code, result.out) == (5, "here\n")
    assert (container.status, container.exit_code) == ("exited", 5)


def test_a_container_that_has_ended_can_be_started_again(engine: Engine) -> None:
    container = engine.started(script="echo $((1 + $(cat /count || echo 0))) > /count; cat /count")
    assert container.wait() == 0
    assert engine("start", "--attach", container.id).ok().out == "2\n"


def test_logs_hold_both_streams_of_a_detached_container(engine: Engine) -> None:
    container = engine.started(script="echo out; echo err >&2")
    assert container.wait() == 0
    wait_until(lambda: (container.logs().out, container.logs().err) == ("out\n", "err\n"), "both streams in the logs")


def test_following_logs_goes_on_until_the_container_ends(engine: Engine) -> None:
    container = engine.started(script="echo first; until test -e /go; do sleep 0.05; done; echo last")
    following = engine.spawn("logs", "--follow", container.id)
    container.wait_log("first")
    assert following.running()
    container.exec("touch", "/go").ok()
    assert following.wait().ok().out == "first\nlast\n"


def test_wait_returns_the_exit_status(engine: Engine) -> None:
    container = engine.started(script="until test -e /go; do sleep 0.05; done; exit 9")
    waiting = engine.spawn("wait", container.id)
    container.exec("touch", "/go").ok()
    assert waiting.wait().ok().out == "9\n"


def test_attach_connects_all_three_streams(engine: Engine) -> None:
    container = engine.started("--interactive", script="read line; echo got $line; echo err >&2; exit 6")
    reader, writer = os.pipe()
    client = engine.spawn("attach", container.id, stdin=reader)
    os.write(writer, b"a line\n")
    result = client.wait()
    os.close(reader)
    os.close(writer)
    assert (result.out.strip(), result.err) == ("got a line", "err\n")  # podman adds an empty line
    assert container.wait() == 6


def test_stop_lets_the_program_end_by_itself(engine: Engine) -> None:
    container = engine.running()
    container("stop").ok()
    assert (container.status, container.exit_code) == ("exited", 0)


def test_stop_kills_a_program_that_does_not_end(engine: Engine) -> None:
    container = engine.started(script=STUBBORN)
    container.wait_log("up")
    container("stop", "--time", "1").ok()
    assert (container.status, container.exit_code) == ("exited", 137)


def test_stop_sends_the_stop_signal(engine: Engine) -> None:
    script = "trap 'exit 7' QUIT; echo up; while :; do sleep 1000 & wait $!; done"
    container = engine.started("--stop-signal", "QUIT", script=script)
    container.wait_log("up")
    container("stop").ok()
    assert container.exit_code == 7


def test_kill_ends_the_container_with_137(engine: Engine) -> None:
    container = engine.running()
    pid = container.pid
    container("kill").ok()
    assert container.wait() == 137
    assert container.ended(pid)


def test_kill_delivers_any_signal_to_process_1(engine: Engine) -> None:
    script = "trap 'echo usr1; exit 8' USR1; echo up; while :; do sleep 1000 & wait $!; done"
    container = engine.started(script=script)
    container.wait_log("up")
    container("kill", "--signal", "USR1").ok()
    assert container.wait() == 8
    container.wait_log("usr1")


def test_killing_a_stopped_container_is_an_error_that_says_so(engine: Engine) -> None:
    container = engine.started(script="true")
    container.wait()
    container.wait_status("exited")
    result = container("kill")
    assert result.code != 0
    assert "not running" in result.err or "state improper" in result.err


def test_process_1_takes_every_process_of_the_container_with_it(engine: Engine) -> None:
    container = engine.started(script="sleep 1234 & sleep 1234 & sleep 1234 & echo up; wait")
    container.wait_log("up")
    container("kill").ok()
    wait_until(
        lambda: not [line for line in engine.sandbox.processes().values() if "sleep 1234" in line],
        "an end of all processes of the container",
    )


def test_restart_gives_a_new_process_in_the_same_container(engine: Engine) -> None:
    container = engine.running()
    pid = container.pid
    container.exec("touch", "/kept").ok()
    container("restart").ok()
    wait_until(lambda: container.logs().out.count("up") == 2, "a second start")
    assert container.status == "running"
    assert container.pid != pid
    container.exec("test", "-e", "/kept").ok()


def test_restart_policy_starts_a_failing_container_as_often_as_it_says(engine: Engine) -> None:
    container = engine.started("--restart", "on-failure:2", script="echo try; exit 3")
    container.wait_inspect("{{.RestartCount}} {{.State.Status}}", "2 exited")
    assert container.exit_code == 3
    assert container.logs().out == "try\n" * 3


def test_pause_freezes_and_unpause_thaws(engine: Engine) -> None:
    container = engine.running()
    container("pause").ok()
    assert container.status == "paused"
    assert container.frozen()
    assert container.exec("true").code != 0
    container("unpause").ok()
    assert container.status == "running"
    assert not container.frozen()
    container.exec("true").ok()


def test_pausing_twice_is_an_error(engine: Engine) -> None:
    container = engine.running()
    container("pause").ok()
    assert container("pause").code != 0
    container("unpause").ok()
    assert container("unpause").code != 0
    assert container.status == "running"


def test_a_paused_container_can_be_removed_by_force(engine: Engine) -> None:
    container = engine.running()
    container("pause").ok()
    container("rm", "--force").ok()
    assert engine.ids() == []


def test_a_running_container_is_removed_by_force_only(engine: Engine) -> None:
    container = engine.running()
    assert container("rm").code != 0
    assert container.status == "running"
    container("rm", "--force").ok()
    assert engine.ids() == []


def test_top_shows_the_processes(engine: Engine) -> None:
    container = engine.running()
    assert "sleep 1000" in container("top").ok().out


def test_files_are_copied_into_a_running_container_and_out_of_it(engine: Engine) -> None:
    container = engine.running()
    path = engine.sandbox.new_path()
    with open(path, "w", encoding="utf-8") as file:
        file.write("copied\n")
    engine("cp", path, f"{container.id}:/tmp/there").ok()
    assert container.exec("cat", "/tmp/there").ok().out == "copied\n"
    container.sh("echo changed >> /tmp/there").ok()
    engine("cp", f"{container.id}:/tmp/there", path + ".back").ok()
    with open(path + ".back", encoding="utf-8") as file:
        assert file.read() == "copied\nchanged\n"


def test_commit_of_a_running_container_makes_an_image_and_lets_it_run_on(engine: Engine) -> None:
    container = engine.running()
    container.sh("echo snow > /weather").ok()
    engine("commit", container.id, "ringfence-committed").ok()
    try:
        assert engine("run", "--rm", "ringfence-committed", "cat", "/weather").ok().out == "snow\n"
        assert container.status == "running"
        container.exec("true").ok()
    finally:
        engine("rmi", "ringfence-committed").ok()


def test_twenty_containers_at_once_each_return_their_own_output_and_status(engine: Engine) -> None:
    clients = [engine.spawn("run", "--rm", NAME, "sh", "-c", f"echo {n}; exit {n}") for n in range(20)]
    results = [client.wait() for client in clients]
    wrong = [result for n, result in enumerate(results) if (result.code, result.out) != (n, f"{n}\n")]
    assert not wrong


def test_twenty_containers_run_side_by_side_and_stop_together(engine: Engine) -> None:
    clients = [engine.spawn("run", "--detach", NAME, "sh", "-c", FOREVER) for _ in range(20)]
    containers = [Container(engine, client.wait().ok().out.strip()) for client in clients]
    for container in containers:
        container.wait_log("up")
    assert len(engine("ps", "--quiet").ok().out.split()) == 20
    engine("stop", *(container.id for container in containers)).ok()
    assert [container.exit_code for container in containers] == [0] * 20


@pytest.mark.parametrize("verb", ["stop", "kill", "pause", "exec"])
def test_an_unknown_container_is_an_error(engine: Engine, verb: str) -> None:
    words = ["nobody", "true"] if verb == "exec" else ["nobody"]
    result = engine(verb, *words)
    assert result.code in {1, 125}
    assert "no such container" in result.err.lower()
