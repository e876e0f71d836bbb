"""Names of kernel parameters (sysctl(8)), and the namespaces that they belong to."""

from __future__ import annotations

IPC = ("msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced")


def sysctl_path(name: str) -> str:
    """The file below /proc/sys: ``net.ipv4.ip_forward`` and ``net/ipv4/ip_forward`` are the same one.

    Whichever comes first separates the parts. After a slash a dot stands for itself, after a dot a slash stands for a
    dot: ``net/ipv4/conf/eth0.1/forwarding`` and ``net.ipv4.conf.eth0/1.forwarding`` (sysctl.d(5)).
    """
    slash, dot = name.find("/"), name.find(".")
    if dot < 0 or 0 <= slash < dot:
        return name
    return "/".join(part.replace("/", ".") for part in name.split("."))


def is_plain(path: str) -> bool:
    """Whether a path of ``sysctl_path`` stays below /proc/sys: no part is empty, ``.`` or ``..``."""
    return all(part not in ("", ".", "..") for part in path.split("/"))


def namespace_of(path: str) -> str:
    """The type of the namespace that holds the parameter, "" if it is the whole machine's."""
    top, _, rest = path.partition("/")
    if top in ("net", "user") and rest:
        return "network" if top == "net" else "user"
    if (top == "fs" and rest.startswith("mqueue/")) or (top == "kernel" and rest in IPC):
        return "ipc"
    if top == "kernel" and rest in ("domainname", "hostname"):
        return "uts"
    return ""
