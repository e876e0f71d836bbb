"""From a configuration to the plan of a container in a machine."""

from __future__ import annotations

from ringfence.container.accelerator import accelerate
from ringfence.container.compiled import Compiled
from ringfence.container.machine import Asking, machine_for
from ringfence.container.network import joined_network
from ringfence.container.record import container_directory
from ringfence.drivers.microvm import plan
from ringfence.drivers.microvm.machine import parts_of
from ringfence.drivers.microvm.sizes import check_fits, kind_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.choice import Choice
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime
    from ringfence.drivers.linux.context import Context
    from ringfence.host.facts import Host
    from ringfence.plan.step import HostStep
    from ringfence.spec.types import Config


def compile_machine(
    runtime: Runtime,
    choice: Choice,
    config: Config,
    host: Host,
    context: Context,
    steps: tuple[HostStep, ...],
    cache: str | None,
    begun: str,
) -> Compiled:
    """The plan of a machine, or of a container in that of a sandbox; ``begun`` is a state that it begins with."""
    state = container_directory(runtime, context.container_id)
    if kind_of(config.annotations):
        from ringfence.container.pod import sandbox_of  # for Kubernetes only

        if sandbox := sandbox_of(runtime, config):
            return compile_member(config, host, context, steps, state, sandbox)
    joined = joined_network(config)
    netconf = None
    if choice.settings.vm_cni_folders:
        from ringfence.container.own_network import wanted_network  # for those who allow it only

        netconf = wanted_network(config, choice.settings, prepared=bool(joined))
    verdict = accelerate(choice.settings.accelerator, cache)
    asking = Asking(context.bundle, context.rootfs, state, runtime.vm_folders, context.terminal, begun)
    hardware = machine_for(config, asking, verdict, choice.settings)
    logged, dns = bool(runtime.hypervisor_log), (netconf.field, netconf.dns) if netconf else None
    decided = plan.compile_create(config, host, context, steps, hardware, state, logged=logged, dns=dns)
    network = (joined,) if joined else ()
    notes, doubts = (hardware.own.notes, hardware.own.warnings) if hardware.own else ((), ())
    notes += (f"eth0 on the bridge {netconf.bridge}, as {netconf.file} has it for {netconf.name}",) if netconf else ()
    return Compiled(decided, parts_of(hardware), network, (*verdict.notices, *doubts), notes, netconf=netconf)


def compile_member(
    config: Config, host: Host, context: Context, steps: tuple[HostStep, ...], state: str, sandbox: ContainerRecord
) -> Compiled:
    """The plan of a container in the machine of a sandbox.

    Raises:
        RingfenceError: it asks for more memory than the machine has.
    """
    from ringfence.drivers.microvm import pod  # likewise

    check_fits(config, sandbox.machine)
    decided = pod.compile_create(config, host, context, steps, state, sandbox.directory)
    key = pod.key_of(context.container_id)
    return Compiled(decided, sandbox.machine, pod=sandbox.directory, key=key)
