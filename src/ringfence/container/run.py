"""run: create, start and, in the foreground, wait and delete."""

from __future__ import annotations

from ringfence import paths
from ringfence.container.birth import Birth
from ringfence.container.create import bear_detached
from ringfence.container.delete import remove
from ringfence.container.foreground import Foreground, become_subreaper
from ringfence.container.planning import GUESTS, again_without_kvm, choose_wall, decide
from ringfence.container.runtime import JAIL, XEN
from ringfence.container.start import open_gate
from ringfence.drivers.linux.context import CLONE_NEWPID, section, user_outside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.planning import Chosen, Prepared
    from ringfence.container.runtime import RunOptions, Runtime


def run(runtime: Runtime, container_id: str, options: RunOptions) -> int:
    """Run a container; returns the program's exit status, 0 when detached (LNX-LIFE-12, LNX-LIFE-14).

    Raises:
        RingfenceError: it could not be run; nothing is left behind.
    """
    chosen = choose_wall(runtime, options)
    if chosen.choice.driver == JAIL:
        from ringfence.container.jail.run import run as run_jail

        return run_jail(runtime, container_id, options, chosen)
    if options.detach:
        birth = bear_detached(runtime, container_id, options, chosen, fifo=False)
        after_start(runtime, birth)
        if birth.relay:
            birth.relay.wait(birth.record.pid)
        return 0
    return run_foreground(runtime, container_id, options, chosen)


def after_start(runtime: Runtime, birth: Birth) -> None:
    """The poststart hooks; their failure ends the container (LNX-HOOK-13)."""
    if birth.options.state:
        from ringfence.container.network import connect_network

        connect_network(birth.record, runtime.log, again=True)
    elif birth.record.driver in GUESTS:
        open_gate(runtime, birth.record)
    if birth.record.hooks:
        from ringfence.container.hooks import run_poststart

        run_poststart(runtime, birth.record, birth.prepared.config)


def run_foreground(runtime: Runtime, container_id: str, options: RunOptions, chosen: Chosen) -> int:
    """Run a container to its end and, unless it is to be kept, delete it (LNX-LIFE-13)."""
    birth, front = again_without_kvm(
        runtime,
        lambda: decide(runtime, container_id, options, detached=False, fifo=False, chosen=chosen),
        lambda prepared: bear_attached(runtime, container_id, options, prepared),
    )
    try:
        after_start(runtime, birth)
        ended = front.wait(birth.record.pid, birth.relay)
        if birth.record.driver == XEN:
            from ringfence.container.domain_life import tell_ending

            tell_ending(runtime, birth.record, ended)
        return ended
    finally:
        if not options.keep and paths.isdir(birth.record.directory):
            remove(runtime, birth.record, force=True)


def bear_attached(
    runtime: Runtime, container_id: str, options: RunOptions, prepared: Prepared
) -> tuple[Birth, Foreground]:
    """Bear a container whose stdio this process passes on.

    Raises:
        RingfenceError: it could not be; nothing is left behind.
    """
    if not options.no_subreaper and not prepared.namespaces.new & CLONE_NEWPID:
        # What a container with a pid namespace leaves behind is ended by the kernel with its init.
        become_subreaper()
    birth = Birth(runtime, container_id, options, prepared)
    owner = user_outside(prepared.process, section(prepared.config), prepared.namespaces.own)
    front = Foreground(prepared.process.terminal, owner, needs_caller=not options.supervised)
    if prepared.process.terminal and front.caller < 0:
        runtime.log.warning("no terminal to take: the program's own is only copied, and keeps its size")
    birth.begin()
    birth.perform(front.given, front.stdio)
    birth.release()
    return birth, front
