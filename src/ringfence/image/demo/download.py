"""A release's base system from a mirror: the checksum first, resumed where it was cut off."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from typing import TypeVar

from ringfence.errors import RingfenceError, from_os_error
from ringfence.image.demo.http import PATIENCE, Answer, BrokenError, RefusedError, request
from ringfence.image.demo.release import ARCHIVE, Release, digest_in
from ringfence.image.output import is_special

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    class Progress(Protocol):
        """What is told how far it has come."""

        def begin(self, total: int, done: int = 0) -> None:
            """So many bytes there will be, -1 if nobody knows, and ``done`` of them are there."""

        def add(self, count: int) -> None:
            """So many more."""


TRIES = 5
LONGEST_MANIFEST = 2**20
NOT_FOUND, PARTIAL, NOT_SATISFIABLE = 404, 206, 416
Value = TypeVar("Value")
RANGE = re.compile(r"bytes (?:(\d{1,19})-\d{1,19}|\*)/(\d{1,19})", re.ASCII)


class MismatchError(RingfenceError):
    """What has been fetched is not what the release's MANIFEST says."""


class Download:
    """One download.

    Args:
        release: what to fetch.
        target: the file; meanwhile there are ``target.part`` and, with what a resumed request needs, ``target.tag``.
        progress: told how far it has come.
        wait: waits so many seconds before another try.
        patience: seconds without a byte after which a connection counts as broken.
    """

    def __init__(
        self,
        release: Release,
        target: str,
        progress: Progress,
        wait: Callable[[float], None] = time.sleep,
        patience: float = PATIENCE,
    ) -> None:
        self.release = release
        self.target = target
        self.part = f"{target}.part"
        self.tag = f"{target}.tag"
        self.progress = progress
        self.wait = wait
        self.patience = patience

    def run(self, mirrors: Sequence[str]) -> None:
        """Fetch from the first mirror that has it.

        Raises:
            RingfenceError: no mirror gave it, it was not what its MANIFEST says, or the target cannot be replaced.
        """
        try:
            if is_special(self.target):
                raise RingfenceError(f"{self.target}: not a regular file, which a release could take the place of")
        except OSError as error:
            raise from_os_error(f"open {self.target}", error) from None
        failures: list[RingfenceError] = []
        for mirror in mirrors:
            try:
                self._from(f"{mirror.rstrip('/')}/{self.release.path()}")
            except MismatchError:
                raise
            except RingfenceError as error:
                failures.append(error)
            else:
                return
        raise failures[-1] if len(failures) == 1 else RingfenceError("; ".join(map(str, failures)))

    def _from(self, folder: str) -> None:
        digest = digest_in(self._tried(lambda: self._manifest(f"{folder}/MANIFEST")), f"{folder}/MANIFEST")
        try:
            self._tried(lambda: self._fetch(f"{folder}/{ARCHIVE}"))
            self._check(digest)
            os.rename(self.part, self.target)
            remove(self.tag)
        except OSError as error:
            raise from_os_error(f"write {self.part}", error) from None

    def _tried(self, attempt: Callable[[], Value]) -> Value:
        """What the attempt gives, at the latest at the last of some tries."""
        for count in range(TRIES):
            try:
                return attempt()
            except BrokenError:
                self.wait(2.0**count)
        return attempt()

    def _manifest(self, url: str) -> str:
        with self._found(request(url, {}, self.patience)) as answer:
            data = b""
            for chunk in answer.chunks():
                data += chunk
                if len(data) > LONGEST_MANIFEST:
                    raise RefusedError(f"{url}: longer than a MANIFEST is")
            if answer.length() not in (-1, len(data)):
                raise BrokenError(f"{url}: cut off after {len(data)} bytes")
        return data.decode("utf-8", "replace")

    def _fetch(self, url: str) -> None:
        """Fetch what is missing of the archive."""
        with os.fdopen(os.open(self.part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666), "r+b") as file:
            done, tag = file.seek(0, os.SEEK_END), self._load_tag(url)
            if not tag:
                done = file.truncate(0)
            wanted = {"Range": f"bytes={done}-", "If-Range": str(tag["validator"])} if done else {}
            with self._found(request(url, wanted, self.patience), NOT_SATISFIABLE) as answer:
                if answer.status == NOT_SATISFIABLE:
                    self._complete(answer, done)
                    return
                if answer.status == PARTIAL:
                    self._continues(answer, done, tag)
                else:
                    done = file.truncate(0)
                    self._save_tag(url, answer)
                file.seek(done)
                self._receive(answer, file.write, done)

    def _receive(self, answer: Answer, write: Callable[[bytes], int], done: int) -> None:
        length = answer.length()
        self.progress.begin(done + length if length >= 0 else -1, done)
        got = 0
        for chunk in answer.chunks():
            write(chunk)
            got += len(chunk)
            self.progress.add(len(chunk))
        if length not in (-1, got):
            raise BrokenError(f"{answer.url}: cut off after {done + got} of {done + length} bytes")

    def _found(self, answer: Answer, *others: int) -> Answer:
        """The answer, if it has what was asked for.

        Raises:
            RefusedError: the mirror does not have it.
            BrokenError: the mirror has a problem of its own.
        """
        if answer.status in (200, PARTIAL, *others):
            return answer
        with answer:
            if answer.status == NOT_FOUND:
                mirror = answer.url.removesuffix(f"/{self.release.path()}/{answer.url.rpartition('/')[2]}")
                raise RefusedError(
                    f"{answer.url}: there is no release {self.release.version} for {self.release.machine}, "
                    f"{self.release.arch}",
                    hint=f"{mirror}/{self.release.machine}/{self.release.arch}/ lists the releases that there are",
                )
            error = BrokenError if answer.status >= 500 else RefusedError
            raise error(f"{answer.url}: the mirror answers with status {answer.status}")

    def _complete(self, answer: Answer, done: int) -> None:
        """The mirror has nothing behind what is there: either that is all, or another file.

        Raises:
            BrokenError: it is another file; it will be fetched from the start.
        """
        found = RANGE.fullmatch(answer.header("Content-Range"))
        if not found or int(found[2]) != done:
            self._start_over(answer)

    def _continues(self, answer: Answer, done: int, tag: dict[str, object]) -> None:
        """See that what comes belongs behind what is there.

        Raises:
            BrokenError: it does not; the file will be fetched from the start.
        """
        found = RANGE.fullmatch(answer.header("Content-Range"))
        if (
            not found
            or found[1] != str(done)
            or int(found[2]) != tag.get("length")
            or validator(answer) != tag["validator"]
        ):
            self._start_over(answer)

    def _start_over(self, answer: Answer) -> None:
        os.truncate(self.part, 0)
        remove(self.tag)
        raise BrokenError(f"{answer.url}: the file has changed on the mirror")

    def _load_tag(self, url: str) -> dict[str, object]:
        """What is known of the file that has been begun, {} if it cannot be resumed."""
        try:
            with open(self.tag, encoding="utf-8") as file:
                found = json.load(file)
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) and found.get("url") == url and found.get("validator") else {}

    def _save_tag(self, url: str, answer: Answer) -> None:
        with open(self.tag, "w", encoding="utf-8") as file:
            json.dump({"url": url, "validator": validator(answer), "length": answer.length()}, file)

    def _check(self, digest: str) -> None:
        """Compare the file with the release's MANIFEST.

        Raises:
            MismatchError: it is another one; it is removed.
        """
        with open(self.part, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != digest:
            remove(self.part)
            remove(self.tag)
            raise MismatchError(f"{ARCHIVE}: the MANIFEST says sha256 {digest}, what was fetched has {found}")


def validator(answer: Answer) -> str:
    """What a resumed request names the file by: a strong ETag, else its date (RFC 9110, If-Range)."""
    etag = answer.header("ETag")
    return etag if etag and not etag.startswith("W/") else answer.header("Last-Modified")


def remove(path: str) -> None:
    """Remove a file if it is there.

    Raises:
        OSError: it cannot be removed.
    """
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
