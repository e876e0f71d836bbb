"""The step of the process in dom0 that stands for a Xen domain's container."""

from __future__ import annotations

from ringfence.plan.step import InitStep


class WatchDomain(InitStep):
    """Stand for the container of a domain until that has ended: pass bytes between the console and the own stdio.

    ``console`` is the slot of the console's terminal, ``listener`` that of the socket that clients connect to, ``oom``
    that of a file that gets a byte for each process that the guest's kernel has killed for want of memory, ``said``
    that of one for a kernel's last words. ``digest`` names the guest's plan. ``patience`` are the milliseconds from the
    start until the program must run, ``ending`` those that the domain has to end by itself when the container has.
    ``looking`` is the command that tells whether the domain with this ``uuid`` runs, ``ends`` the one that ends it.
    """

    console: int
    listener: int
    oom: int
    said: int
    digest: bytes
    terminal: bool
    patience: int
    ending: int
    looking: tuple[str, ...]
    ends: tuple[str, ...]
    uuid: str

    def describe(self) -> tuple[str, str]:
        return "watch", f"the domain {self.uuid}, and stand for the container"
