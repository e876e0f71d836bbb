"""What a container in a machine of its own needs besides ringfence: QEMU and a kernel."""

from __future__ import annotations

import platform
import shutil

from guest import stock
from guest.place import GuestError
from ringfence.container.kernel import kernel
from ringfence.errors import RingfenceError
from tools.demo.story import Stage, StoryError

QEMU = "qemu-system-x86_64"


def no_machine() -> str:
    """Why there can be no machine here, "" if there can."""
    if platform.machine() != "x86_64":
        return f"they are for x86_64, not yet for {platform.machine()}"
    return "" if shutil.which(QEMU) else f"{QEMU} is not installed"


def guest_kernel(stage: Stage) -> str:
    """The kernel that the guest will get; the distribution's is fetched where there is none yet.

    Raises:
        StoryError: it cannot be had.
    """
    try:
        return kernel().path
    except RingfenceError:
        stage.say("there is none of our own (`make guest`, some minutes), so the distribution's is taken")
    try:
        stock.build()
        return kernel().path
    except (GuestError, RingfenceError) as error:
        raise StoryError(str(error)) from None
