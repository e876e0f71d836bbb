"""The administrator's file that ``XLCONF`` names: whether it may be used, and what it changes (XEN-ENV-02)."""

from __future__ import annotations

from ringfence.drivers.guest.inner import changed
from ringfence.drivers.xen.xlconf import LARGEST, checked, parse
from ringfence.errors import RingfenceError
from ringfence.network.cni import trusted_text
from ringfence.settings import FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.drivers.linux.context import Context
    from ringfence.drivers.xen.environment import Said
    from ringfence.drivers.xen.wanted import Wanted
    from ringfence.settings import XenSettings


def with_file(wanted: Wanted, said: Said, settings: XenSettings, context: Context) -> Wanted:
    """The domain with what the file says of it.

    Raises:
        RingfenceError: the file may not be used, or is wrong.
    """
    if not settings.xlconf_folders:
        hint = f"xen.xlconf-folders of {FILE} names the folders of such files"
        raise RingfenceError("XLCONF is not allowed here", field=said.field, hint=hint)
    if any(f"{said.value}/".startswith(f"{place}/") for place in (context.bundle, context.rootfs)):
        raise RingfenceError("the file of XLCONF may not lie in the bundle", field=said.field)
    text = trusted_text(said.value, said.field, settings.xlconf_folders)
    if len(text) > LARGEST:
        raise RingfenceError(f"{said.value} is larger than {LARGEST} bytes", field=said.field)
    values = checked(parse(text, said.value, said.field), said.value, said.field)
    sizes = wanted.sizes
    for key in ("memory", "vcpus"):
        if key in values:
            sizes = changed(sizes, **{key: values.pop(key)})
    return changed(wanted, sizes=sizes, more=tuple(values.items()))  # type: ignore[no-any-return]
