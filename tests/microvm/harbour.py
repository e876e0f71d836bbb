"""Two network namespaces side by side: what an engine has prepared for a container, and the world it looks out on."""

from __future__ import annotations

import subprocess


class Namespace:
    """A network namespace that lives as long as its process."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            ["unshare", "-n", "sh", "-c", "echo; exec sleep 1000"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        assert self.process.stdout
        self.process.stdout.readline()
        self.path = f"/proc/{self.process.pid}/ns/net"

    def __call__(self, command: str) -> str:
        """Run a command in it; what it writes."""
        words = ["nsenter", f"--net={self.path}", *command.split()]
        return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout

    def spawn(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a program in it."""
        words = ("nsenter", f"--net={self.path}", *words)
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    def close(self) -> None:
        """End it, with all its devices."""
        self.process.kill()
        self.process.wait()


class Harbour:
    """``inside`` is for the container, ``outside`` has the other ends of its devices."""

    def __init__(self) -> None:
        self.inside, self.outside = Namespace(), Namespace()
        self.inside("ip link set lo up")
        self.outside("ip link set lo up")

    def attach(self, name: str, number: int, mtu: int = 1500) -> None:
        """A veth whose end inside has the addresses 10.77.NUMBER.2/24 and fd77:NUMBER::2/64, that outside the 1s."""
        self.outside(f"ip link add far{number} mtu {mtu} type veth peer name {name} mtu {mtu}")
        self.outside(f"ip link set {name} netns {self.inside.process.pid}")
        for namespace, device, host in ((self.inside, name, 2), (self.outside, f"far{number}", 1)):
            namespace(f"ip addr add 10.77.{number}.{host}/24 dev {device}")
            namespace(f"ip addr add fd77:{number}::{host}/64 dev {device} nodad")
            namespace(f"ip link set {device} up")

    def close(self) -> None:
        """End both."""
        self.inside.close()
        self.outside.close()
