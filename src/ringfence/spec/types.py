"""config.json as typed records: OCI runtime-spec 1.3, the parts that a Linux container uses.

A field's name is the JSON name in snake_case, its annotation says what the JSON may hold. Absent scalars and objects
are None, absent lists ``()``, absent maps ``{}``. The loader (``load.py``) reads these annotations; there is no second
table. U16, U32, U64, I32 and I64 are ints of that range.
"""

from __future__ import annotations

from ringfence.record import Record

U16 = int
U32 = int
U64 = int
I64 = int
I32 = int


class IDMapping(Record):
    """One line of a uid_map or gid_map (user_namespaces(7))."""

    container_id: U32
    host_id: U32
    size: U32


class Box(Record):
    """The size of a terminal in characters (config.md, Process)."""

    height: U32
    width: U32


class User(Record):
    """Who the process runs as (config.md, POSIX-platform User)."""

    uid: U32 = 0
    gid: U32 = 0
    umask: U32 | None = None
    additional_gids: tuple[U32, ...] = ()


class Capabilities(Record):
    """The five capability sets, by name (capabilities(7))."""

    bounding: tuple[str, ...] = ()
    effective: tuple[str, ...] = ()
    inheritable: tuple[str, ...] = ()
    permitted: tuple[str, ...] = ()
    ambient: tuple[str, ...] = ()


class Rlimit(Record):
    """One resource limit (getrlimit(2)); 2**64-1 is infinity."""

    type: str
    soft: U64
    hard: U64


class Scheduler(Record):
    """Arguments of sched_setattr(2)."""

    policy: str
    nice: I32 | None = None
    priority: I32 | None = None
    flags: tuple[str, ...] = ()
    runtime: U64 | None = None
    deadline: U64 | None = None
    period: U64 | None = None


class IOPriority(Record):
    """Arguments of ioprio_set(2)."""

    class_: str
    priority: I64 = 0


class ExecCPUAffinity(Record):
    """CPU lists for exec'd processes before and after they enter the cgroup (config.md, execCPUAffinity)."""

    initial: str | None = None
    final: str | None = None


class Process(Record):
    """The program and its identity (config.md, Process)."""

    cwd: str
    terminal: bool = False
    console_size: Box | None = None
    user: User | None = None
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    capabilities: Capabilities | None = None
    rlimits: tuple[Rlimit, ...] = ()
    no_new_privileges: bool = False
    apparmor_profile: str | None = None
    oom_score_adj: I32 | None = None
    scheduler: Scheduler | None = None
    selinux_label: str | None = None
    io_priority: IOPriority | None = None
    exec_cpu_affinity: ExecCPUAffinity | None = None


class Root(Record):
    """The container's root file system (config.md, Root)."""

    path: str
    readonly: bool = False


class Mount(Record):
    """One entry of mounts (config.md, Mounts)."""

    destination: str
    type: str | None = None
    source: str | None = None
    options: tuple[str, ...] = ()
    uid_mappings: tuple[IDMapping, ...] = ()
    gid_mappings: tuple[IDMapping, ...] = ()


class Hook(Record):
    """One hook (config.md, POSIX-platform Hooks); timeout in seconds."""

    path: str
    args: tuple[str, ...] = ()
    env: tuple[str, ...] | None = None
    timeout: I64 | None = None


class Hooks(Record):
    """The six lists of hooks, in the order of the lifecycle."""

    prestart: tuple[Hook, ...] = ()
    create_runtime: tuple[Hook, ...] = ()
    create_container: tuple[Hook, ...] = ()
    start_container: tuple[Hook, ...] = ()
    poststart: tuple[Hook, ...] = ()
    poststop: tuple[Hook, ...] = ()


class Namespace(Record):
    """A namespace to make, or with a path to join (config-linux.md, Namespaces)."""

    type: str
    path: str | None = None


class Device(Record):
    """A device node (config-linux.md, Devices); file_mode as in mknod(2)."""

    path: str
    type: str
    major: I64 | None = None
    minor: I64 | None = None
    file_mode: U32 | None = None
    uid: U32 | None = None
    gid: U32 | None = None


class DeviceRule(Record):
    """One rule of the device cgroup, in order."""

    allow: bool
    type: str | None = None
    major: I64 | None = None
    minor: I64 | None = None
    access: str | None = None


class MemoryResources(Record):
    """memory limits in bytes; -1 is unlimited."""

    limit: I64 | None = None
    reservation: I64 | None = None
    swap: I64 | None = None
    kernel: I64 | None = None
    kernel_tcp: I64 | None = None
    swappiness: U64 | None = None
    disable_oom_killer: bool | None = None
    use_hierarchy: bool | None = None
    check_before_update: bool | None = None


class CPUResources(Record):
    """cpu limits; quota, period, burst and realtime values in microseconds."""

    shares: U64 | None = None
    quota: I64 | None = None
    burst: U64 | None = None
    period: U64 | None = None
    realtime_runtime: I64 | None = None
    realtime_period: U64 | None = None
    cpus: str | None = None
    mems: str | None = None
    idle: I64 | None = None


class PidsResources(Record):
    """The limit of tasks; -1 is unlimited."""

    limit: I64 | None = None


class WeightDevice(Record):
    """The I/O weight of one block device."""

    major: I64
    minor: I64
    weight: U16 | None = None
    leaf_weight: U16 | None = None


class ThrottleDevice(Record):
    """A rate for one block device, in bytes or operations a second."""

    major: I64
    minor: I64
    rate: U64


class BlockIOResources(Record):
    """block I/O weights and limits."""

    weight: U16 | None = None
    leaf_weight: U16 | None = None
    weight_device: tuple[WeightDevice, ...] = ()
    throttle_read_bps_device: tuple[ThrottleDevice, ...] = ()
    throttle_write_bps_device: tuple[ThrottleDevice, ...] = ()
    throttle_read_iops_device: tuple[ThrottleDevice, ...] = ()
    throttle_write_iops_device: tuple[ThrottleDevice, ...] = ()


class HugepageLimit(Record):
    """A limit in bytes for one size of huge page, named as in hugetlb.SIZE.*."""

    page_size: str
    limit: U64


class InterfacePriority(Record):
    """The net_prio priority of one interface."""

    name: str
    priority: U32


class NetworkResources(Record):
    """net_cls and net_prio."""

    class_id: U32 | None = None
    priorities: tuple[InterfacePriority, ...] = ()


class RdmaLimit(Record):
    """rdma.max of one device."""

    hca_handles: U32 | None = None
    hca_objects: U32 | None = None


class Resources(Record):
    """Limits of the container's cgroup (config-linux.md, Control groups)."""

    devices: tuple[DeviceRule, ...] | None = None
    memory: MemoryResources | None = None
    cpu: CPUResources | None = None
    pids: PidsResources | None = None
    block_io: BlockIOResources | None = None
    hugepage_limits: tuple[HugepageLimit, ...] = ()
    network: NetworkResources | None = None
    rdma: dict[str, RdmaLimit] = {}  # noqa: RUF012 - records are values, their defaults are never changed
    unified: dict[str, str] = {}  # noqa: RUF012


class SeccompArg(Record):
    """One comparison of a system call's argument."""

    index: U32
    value: U64
    op: str
    value_two: U64 = 0


class SeccompSyscall(Record):
    """A rule for some system calls."""

    names: tuple[str, ...]
    action: str
    errno_ret: U32 | None = None
    args: tuple[SeccompArg, ...] = ()


class Seccomp(Record):
    """The system call filter (config-linux.md, Seccomp). flags None means absent, which is not the same as empty."""

    default_action: str
    default_errno_ret: U32 | None = None
    architectures: tuple[str, ...] = ()
    flags: tuple[str, ...] | None = None
    listener_path: str | None = None
    listener_metadata: str | None = None
    syscalls: tuple[SeccompSyscall, ...] = ()


class TimeOffset(Record):
    """An offset of a clock in a time namespace (time_namespaces(7))."""

    secs: I64 = 0
    nanosecs: U32 = 0


class IntelRdt(Record):
    """resctrl settings (config-linux.md, IntelRdt)."""

    clos_id: str | None = None
    schemata: tuple[str, ...] = ()
    l3_cache_schema: str | None = None
    mem_bw_schema: str | None = None
    enable_monitoring: bool = False


class Personality(Record):
    """Arguments of personality(2)."""

    domain: str
    flags: tuple[str, ...] = ()


class MemoryPolicy(Record):
    """Arguments of set_mempolicy(2)."""

    mode: str
    nodes: str | None = None
    flags: tuple[str, ...] = ()


class NetDevice(Record):
    """The new name of an interface that is moved into the container."""

    name: str | None = None


class Linux(Record):
    """The linux section (config-linux.md)."""

    namespaces: tuple[Namespace, ...] = ()
    uid_mappings: tuple[IDMapping, ...] = ()
    gid_mappings: tuple[IDMapping, ...] = ()
    time_offsets: dict[str, TimeOffset] = {}  # noqa: RUF012
    devices: tuple[Device, ...] = ()
    net_devices: dict[str, NetDevice] = {}  # noqa: RUF012
    cgroups_path: str | None = None
    resources: Resources | None = None
    intel_rdt: IntelRdt | None = None
    sysctl: dict[str, str] = {}  # noqa: RUF012
    seccomp: Seccomp | None = None
    rootfs_propagation: str | None = None
    masked_paths: tuple[str, ...] = ()
    readonly_paths: tuple[str, ...] = ()
    mount_label: str | None = None
    personality: Personality | None = None
    memory_policy: MemoryPolicy | None = None


class Hypervisor(Record):
    """The program that runs a virtual machine (config-vm.md)."""

    path: str
    parameters: tuple[str, ...] = ()


class GuestKernel(Record):
    """The kernel of a virtual machine; paths are the host's (config-vm.md)."""

    path: str
    parameters: tuple[str, ...] = ()
    initrd: str | None = None


class GuestImage(Record):
    """The image that holds a virtual machine's root (config-vm.md); one that does not tell its format is raw."""

    path: str
    format: str = "raw"


class MemoryFrames(Record):
    """Frames of the host's memory that a virtual machine is given, and where it sees them (config-vm.md)."""

    first_mfn: U64
    nr_mfns: U64
    first_gfn: U64 | None = None


class Hardware(Record):
    """What a virtual machine consists of, ``memory`` in bytes; the last three are a Xen domain's (config-vm.md)."""

    device_tree: str | None = None
    vcpus: U32 | None = None
    memory: U64 | None = None
    dtdevs: tuple[str, ...] = ()
    iomems: tuple[MemoryFrames, ...] = ()
    irqs: tuple[U32, ...] = ()


class VirtualMachine(Record):
    """The vm section (config-vm.md)."""

    hypervisor: Hypervisor | None = None
    kernel: GuestKernel | None = None
    image: GuestImage | None = None
    hw_config: Hardware | None = None


class FreeBSDDevice(Record):
    """A node that is shown in the container's /dev, by its path below it (config-freebsd.md, Devices)."""

    path: str
    mode: U32 | None = None


class JailAllow(Record):
    """What the processes of a jail may do (config-freebsd.md); None is the kernel's own default (jail(8))."""

    set_hostname: bool | None = None
    raw_sockets: bool | None = None
    chflags: bool | None = None
    mount: tuple[str, ...] = ()
    quotas: bool | None = None
    socket_af: bool | None = None
    mlock: bool | None = None
    reserved_ports: bool | None = None
    suser: bool | None = None


class Jail(Record):
    """The parameters of a jail (config-freebsd.md, Jail configuration)."""

    parent: str | None = None
    host: str | None = None
    ip4: str | None = None
    ip4_addr: tuple[str, ...] = ()
    ip6: str | None = None
    ip6_addr: tuple[str, ...] = ()
    vnet: str | None = None
    interface: str | None = None
    vnet_interfaces: tuple[str, ...] = ()
    sysvmsg: str | None = None
    sysvsem: str | None = None
    sysvshm: str | None = None
    enforce_statfs: U32 | None = None
    allow: JailAllow | None = None


class FreeBSD(Record):
    """The freebsd section (config-freebsd.md)."""

    devices: tuple[FreeBSDDevice, ...] = ()
    jail: Jail | None = None


class Config(Record):
    """A whole config.json."""

    oci_version: str
    process: Process | None = None
    root: Root | None = None
    hostname: str | None = None
    domainname: str | None = None
    mounts: tuple[Mount, ...] = ()
    hooks: Hooks | None = None
    annotations: dict[str, str] = {}  # noqa: RUF012
    linux: Linux | None = None
    vm: VirtualMachine | None = None
    freebsd: FreeBSD | None = None
