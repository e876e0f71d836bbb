"""What the demonstration shows: each command, what it printed, and how long it took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

PATIENCE = 10.0
SMALL = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


class StoryError(Exception):
    """A command did not do what the story says."""


class Stage:
    """Calls ringfence with a state folder of its own below ``scratch`` and tells about it on standard output."""

    def __init__(self, program: Path, scratch: Path) -> None:
        self.program = str(program)
        self.root = str(scratch / "state")
        self.scratch = scratch
        self.scenes = 0
        self.bold, self.dim, self.plain = ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", "")

    def say(self, text: str) -> None:
        print(f"   {text}", flush=True)

    def some(self, lines: list[str], most: int) -> None:
        """The first lines, and how many more there are."""
        for line in lines[:most]:
            self.say(line)
        self.say(f"… {max(len(lines) - most, 0)} more lines")

    def note(self, text: str) -> None:
        self.say(f"{self.dim}# {text}{self.plain}")

    def title(self, text: str) -> None:
        self.scenes += 1
        print(f"\n{self.bold}{self.scenes}. {text}{self.plain}", flush=True)

    def call(self, *words: str, silent: bool = False) -> tuple[int, str, float]:
        """Exit status, output and milliseconds. A created container keeps its output, so ``silent`` gives it none."""
        sink = subprocess.DEVNULL if silent else subprocess.PIPE
        begin = time.perf_counter()
        done = subprocess.run(
            [self.program, "--root", self.root, *words],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=None if silent else subprocess.STDOUT,
            cwd=self.scratch,
            env=SMALL,
            text=True,
            check=False,
        )
        return done.returncode, (done.stdout or "").rstrip("\n"), (time.perf_counter() - begin) * 1000

    def ringfence(self, *words: str, told: bool = True, quiet: bool = False, silent: bool = False) -> str:
        """Perform one command and return its output. It is ``told`` of, and unless ``quiet`` its output is shown.

        Raises:
            StoryError: when its exit status is not 0.
        """
        status, output, taken = self.call(*words, silent=silent)
        if told:
            self.tell(words, taken)
        if output and (status != 0 or (told and not quiet)):
            self.say(output.replace("\n", "\n   "))
        if status != 0:
            raise StoryError(f"ringfence {words[0]} ended with exit status {status}")
        return output

    def tell(self, words: tuple[str, ...], taken: float) -> None:
        """Show a command line and its milliseconds."""
        shown = " ".join(word if " " not in word else f"'{word}'" for word in words)
        self.say(f"{self.bold}$ ringfence {shown}{self.plain}  {self.dim}{taken:.1f} ms{self.plain}")

    def status(self, identity: str, wanted: str) -> None:
        """Show the container's state, which has to be ``wanted``.

        Raises:
            StoryError: when it is another one.
        """
        _, output, taken = self.call("state", identity)
        state = json.loads(output)
        self.tell(("state", identity), taken)
        self.say(f"status {state['status']}, pid {state['pid']}")
        if state["status"] != wanted:
            raise StoryError(f"the container is {state['status']}, it should be {wanted}")

    def wait_for(self, identity: str, wanted: str) -> None:
        """Wait until the container is in that state, and show it."""
        end = time.monotonic() + PATIENCE
        while f'"{wanted}"' not in self.call("state", identity)[1] and time.monotonic() < end:
            time.sleep(0.02)
        self.status(identity, wanted)

    def clear(self, identity: str) -> None:
        """Delete the container, should the story have broken off."""
        if os.path.exists(os.path.join(self.root, identity)):
            self.call("delete", "--force", identity)
