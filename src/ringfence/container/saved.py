"""The configuration as it was at create: editing the bundle later has no effect (LNX-LIFE-09)."""

from __future__ import annotations

from ringfence.container.bundle import read_text
from ringfence.container.record import CONFIG
from ringfence.container.runtime import JAIL
from ringfence.errors import from_os_error
from ringfence.spec.load import load_config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.spec.types import Config


def saved_config(record: ContainerRecord) -> Config:
    """The configuration kept in the state folder.

    Raises:
        RingfenceError: it has gone or been damaged.
    """
    try:
        text = read_text(f"{record.directory}/{CONFIG}")
    except OSError as error:
        raise from_os_error(f"cannot read the kept configuration of container {record.id}", error) from None
    if record.driver == JAIL:
        from ringfence.container.jail.planning import kept_config

        return kept_config(text)
    return load_config(text)
