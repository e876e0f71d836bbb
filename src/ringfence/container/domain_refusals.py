"""What cannot be done with a container's domain, by the name of what hinders it (XEN-EXEC-02)."""

from __future__ import annotations

from ringfence.container.bundle import read_text
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord

HINDRANCES = (
    ("\np9 = ", "its files are served by 9p, which xl save does not carry over"),
    ("\ndtdev = ", "it has a device of the host"),
    ("\niomem = ", "it has memory of the host's devices"),
    ("\nirqs = ", "it has interrupts of the host"),
)


def refuse_checkpoint(record: ContainerRecord) -> None:
    """Refuse a checkpoint; the container is left as it is.

    Raises:
        RingfenceError: always: no set of devices has been proven to come back.
    """
    try:
        text = read_text(f"{record.directory}/xl.cfg")
    except OSError:
        text = ""
    named = next((words for key, words in HINDRANCES if key in text), "its kernel has not been proven to come back")
    raise RingfenceError(f"a Xen domain's container cannot be checkpointed: {named}")
