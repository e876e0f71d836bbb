"""The network of a container in a machine of its own: what its namespace has is carried into the guest."""

from __future__ import annotations

import posix
from errno import EINVAL, ENOENT, EOPNOTSUPP

from ringfence.container.record import save_record
from ringfence.drivers.guest.client import Client
from ringfence.drivers.linux.context import CLONE_NEWNET
from ringfence.errors import RingfenceError
from ringfence.host.probe import read_or
from ringfence.network.carry import compile_network
from ringfence.network.found import find
from ringfence.network.kernel import ask, dump, dump_all
from ringfence.network.redirect import connect, release
from ringfence.network.rules import GENERIC_SIZE, GET_TABLE, NETFILTER, passed_by, tables
from ringfence.plan import birth
from ringfence.plan.frames import NETWORK
from ringfence.plan.guest import TakeRedirectsAway
from ringfence.plan.plan import Plan
from ringfence.spec.types import Config

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Log
    from ringfence.network.found import Found

HOSTS = ("/proc/self/ns/net", "/proc/1/ns/net")
FIELD = "/linux/namespaces"
RESOLVER = bytes((127, 0, 0, 11))
WITHOUT_REDIRECTS = (ENOENT, EOPNOTSUPP, EINVAL)
"""How a kernel says that it has not the queue, the classifier or the action."""
MARKED = 3
"""Parts of a record's ``network`` when devices have been changed: path, inode number, one device at least."""


def identity(path: str) -> tuple[int, int] | None:
    """What tells a namespace from all others; None when it is not there or may not be looked at."""
    try:
        found = posix.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def joined_network(config: Config) -> str:
    """The path of the network namespace that a container joins; "" when it has a new one.

    Raises:
        RingfenceError: it is the host's, whose devices no guest is ever given (MVM-NET-07).
    """
    for index, namespace in enumerate(config.linux.namespaces if config.linux else ()):
        if namespace.type == "network" and namespace.path:
            refuse_host(namespace.path, f"{FIELD}/{index}")
            return namespace.path
    return ""


def refuse_host(path: str, field: str) -> None:
    """See that a network namespace is not the host's.

    Raises:
        RingfenceError: it is.
    """
    found = identity(path)
    if found and found in map(identity, HOSTS):
        raise RingfenceError(f"config.json#{field}: the host's own network cannot be a guest's", field=field)


def connect_network(record: ContainerRecord, log: Log, *, again: bool = False) -> None:
    """Carry the network into the guest, which has not started its program yet, and warn of what could not be carried.

    ``again``: the guest goes on from a state in which its devices had what another namespace's had. It is done so late
    because engines attach devices as late as between create and start (MVM-NET-10).

    Raises:
        RingfenceError: the kernel or the guest refuses; the devices are as they were.
    """
    from ringfence.container.machine import change_guest

    if record.reserved:
        return
    refuse_host(f"/proc/{record.pid}/ns/net", FIELD)
    lost: tuple[str, ...] = ()
    socket = netlink(record)
    found = find(dump_all(socket))
    has_resolver = knows_resolver(read_or(f"/proc/{record.pid}/net/udp", b""))
    if found.links:
        lost = (*found.lost, *passed_by(rules_of(record), has_resolver=has_resolver))
    remember(record, found)
    try:
        connect_all(socket, found, record)
        plan = compile_network(found, again=again)
        if plan.birth:
            change_guest(record, plan)
        if found.links and has_resolver:
            answer_for(record, RESOLVER)
    except RingfenceError:
        let_go(socket, found)
        for request in record.bridged:
            with_errors_ignored(socket, bytes.fromhex(request))
        forget(record)
        raise
    finally:
        socket.close()
    for words in lost:
        log.warning(f"the container's network has {words}")


def rules_of(record: ContainerRecord) -> tuple[str, ...]:
    """The tables of rules in the container's network namespace; none where the kernel has no nftables."""
    legacy = b"".join(read_or(f"/proc/{record.pid}/net/{name}_tables_names", b"") for name in ("ip", "ip6"))
    socket = netlink(record, NETFILTER)
    try:
        return tables(dump(socket, GET_TABLE, GENERIC_SIZE), legacy)
    except RingfenceError:
        return tables((), legacy)
    finally:
        socket.close()


def knows_resolver(sockets: bytes) -> bool:
    """Whether one of the sockets in a /proc/net/udp is that of Docker's resolver, which lives in the namespace."""
    address = f"{int.from_bytes(RESOLVER, 'little'):08X}:".encode()
    return any(line.split()[1].startswith(address) for line in sockets.splitlines()[1:])


def answer_for(record: ContainerRecord, resolver: bytes) -> None:
    """Have the guest's questions to a resolver on a loopback address asked in the namespace (MVM-NET-05).

    Raises:
        RingfenceError: the guest refuses.
    """
    from ringfence.container.machine import check

    with Client(record.directory) as client:
        check(client.ask("NAMES", resolver))


def netlink(record: ContainerRecord, protocol: int = 0) -> _socket.socket:
    """A netlink socket of the container's network namespace, lent by the supervisor, which lives in it.

    Raises:
        RingfenceError: the supervisor has ended.
    """
    import _socket

    with Client(record.directory) as client:
        return _socket.socket(_socket.AF_NETLINK, _socket.SOCK_RAW, protocol, client.borrow(NETWORK + protocol))


def remember(record: ContainerRecord, found: Found) -> None:
    """Record which devices of somebody else's namespace are going to be changed."""
    if not record.network or not found.links:
        return
    inode = identity(f"/proc/{record.pid}/ns/net")
    numbers = (str(link.index) for link in found.links)
    record.network = (record.network[0], str(inode[1] if inode else 0), *numbers)
    save_record(record)


def forget(record: ContainerRecord) -> None:
    """Record that nothing is changed any more."""
    if record.network or record.bridged:
        record.network = record.network[:1]
        record.bridged = ()
        save_record(record)


def connect_all(socket: _socket.socket, found: Found, record: ContainerRecord) -> None:
    """Connect each device with its tap: by redirects, or by bridges where the kernel has none (MVM-NET-03).

    Raises:
        RingfenceError: the kernel refuses both.
    """
    try:
        redirect_all(socket, found)
    except RingfenceError as error:
        if error.errno not in WITHOUT_REDIRECTS:
            raise
        let_go(socket, found)
        bridge_all(socket, found, record)


def bridge_all(socket: _socket.socket, found: Found, record: ContainerRecord) -> None:
    """Put each device and its tap on a bridge; what undoes it is recorded before."""
    from ringfence.network import bridge  # where redirects are refused only

    pairs = list(zip(found.links, found.taps, strict=False))
    record.bridged = tuple(request.hex() for link, _ in pairs for request in bridge.restore(link, found))
    save_record(record)
    for link, tap in pairs:
        for request in bridge.connect(link, tap, found):
            ask(socket, request, f"cannot put the network device {link.name} and its tap {tap.name} on a bridge")


def let_go(socket: _socket.socket, found: Found) -> None:
    """Take all redirects away."""
    for device in (*found.links, *found.taps):
        with_errors_ignored(socket, release(device.index))


def redirect_all(socket: _socket.socket, found: Found) -> None:
    """Connect each device with its tap."""
    for link, tap in zip(found.links, found.taps, strict=False):
        for request in connect(link, tap):
            ask(socket, request, f"cannot connect the network device {link.name} with its tap {tap.name}")


def with_errors_ignored(socket: _socket.socket, request: bytes) -> None:
    """Undo something that may not have been done."""
    try:
        ask(socket, request, "")
    except RingfenceError:
        return


def disconnect_network(record: ContainerRecord) -> None:
    """Leave the devices of a namespace that outlives the container as they were found (MVM-DELETE-01).

    One that has gone, or whose path leads to another by now, needs nothing (MVM-NET-12).
    """
    from ringfence.drivers.linux.perform import perform_outside

    if len(record.network) < MARKED:
        return
    path, inode, *numbers = record.network
    found = identity(path)
    if found is None or str(found[1]) != inode:
        return
    requests = (*(release(int(number)) for number in numbers), *map(bytes.fromhex, record.bridged))
    steps = (birth.JoinNamespace(FIELD, path, CLONE_NEWNET), TakeRedirectsAway(FIELD, requests))
    try:
        perform_outside(Plan((), steps, (), ("plan", "status")))
    except RingfenceError:
        return  # it has gone meanwhile
