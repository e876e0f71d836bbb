"""linux.rootfsPropagation, and set-up mounts that never reach the host."""

from __future__ import annotations

import pytest

from tests.conformance.inside import in_shared_mounts, inside, mounts_inside, refused
from tests.support import Bundle, Runtime
from tests.support.process import read_text

WORDS = ["shared", "slave", "private", "unbindable"]


@pytest.mark.parametrize("word", [*WORDS, *[f"r{word}" for word in WORDS], ""])
def test_known_words(runtime: Runtime, bundle: Bundle, word: str) -> None:
    """LNX-RPROP-01: the four words, their r-forms and the empty text are accepted.

    runc 1.1 fails with `unbindable`.
    """
    bundle.linux["rootfsPropagation"] = word
    assert "/" in mounts_inside(runtime, bundle)


@pytest.mark.parametrize("word", ["upwards", "Shared", "rprivate,shared"])
def test_other_words_are_refused(runtime: Runtime, bundle: Bundle, word: str) -> None:
    """LNX-RPROP-01: anything else is refused in the words callers know."""
    bundle.linux["rootfsPropagation"] = word
    refused(runtime, bundle, f"rootfsPropagation={word} is not supported")


@pytest.mark.parametrize(
    ("word", "tags"),
    [("shared", ("shared",)), ("private", ()), ("slave", ("master",)), ("unbindable", ("unbindable",))],
)
def test_propagation_of_the_root(runtime: Runtime, bundle: Bundle, word: str, tags: tuple[str, ...]) -> None:
    """LNX-RPROP-02: `/` has the propagation asked for; a slave of the host's shared mount is not shared itself.

    runc 1.1 does it for `slave` and `private` only.
    """
    in_shared_mounts(runtime)
    bundle.linux["rootfsPropagation"] = word
    assert mounts_inside(runtime, bundle)["/"].tags == tags


def test_unbindable_root_cannot_be_bound(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-RPROP-02: with `unbindable`, `/` cannot be bound again. runc 1.1 fails."""
    for kind in ("bounding", "effective", "permitted"):
        bundle.process["capabilities"][kind].append("CAP_SYS_ADMIN")
    script = "mount --bind / /mnt && echo bound || echo refused"
    assert inside(runtime, bundle, script) == "bound\n"
    bundle.linux["rootfsPropagation"] = "unbindable"
    assert inside(runtime, bundle, script) == "refused\n"


@pytest.mark.parametrize("word", ["", "shared", "rshared", "slave", "private"])
@pytest.mark.parametrize("apart", [False, True], ids=["rootfs on the host's root", "rootfs on a mount of its own"])
def test_setup_mounts_do_not_reach_the_host(runtime: Runtime, bundle: Bundle, word: str, apart: bool) -> None:
    """LNX-RPROP-03: whatever the host's propagation, mounts of the set-up never appear there, nor do any vanish."""
    before, after = runtime.new_path("before"), runtime.new_path("after")
    show = "cut -d' ' -f5 /proc/self/mountinfo | sort"
    own = f"mount --bind {bundle.path} {bundle.path}; mount --make-shared {bundle.path}; " if apart else ""
    in_shared_mounts(runtime, f"{own}{show} >{before}", f"{show} >{after}")
    bundle.linux["rootfsPropagation"] = word
    bundle.mount("/mnt", "tmpfs", "tmpfs", "shared")
    bundle.bind("/tmp", "/srv", "rshared")
    bundle.sleep()
    runtime.create(bundle)
    assert read_text(before) == read_text(after)
    assert "/dev" in read_text(before)
