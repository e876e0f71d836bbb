"""xl and xenstore-read without Xen, with the answers that were recorded of the real ones. Called by one of these names.

The folder of the program holds ``domains.json`` and a journal ``calls`` of all command lines. A file ``fail`` makes one
command fail: its lines are the command, the exit code, and what is said; with ``late-create`` the command does not end,
with ``vanish`` the domain does not stay, with ``early`` it does not stand still.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.dirname(os.path.abspath(sys.argv[0]))
REASONS = {"poweroff": 0, "reboot": 1, "crash": 3, "watchdog": 4}


class Host:
    """The domains of this stand-in's host, under its lock."""

    def __enter__(self) -> Host:
        self.lock = os.open(f"{FOLDER}/lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        try:
            with open(f"{FOLDER}/domains.json", encoding="utf-8") as file:
                self.held: dict[str, Any] = json.load(file)
        except FileNotFoundError:
            self.held = {"next": 1, "domains": {}}
        return self

    def __exit__(self, *_error: object) -> None:
        beside = f"{FOLDER}/domains.json.new"
        with open(beside, "w", encoding="utf-8") as file:
            json.dump(self.held, file)
        os.rename(beside, f"{FOLDER}/domains.json")
        os.close(self.lock)

    @property
    def domains(self) -> dict[str, dict[str, Any]]:
        """By their numbers."""
        held: dict[str, dict[str, Any]] = self.held["domains"]
        return held

    def find(self, word: str) -> dict[str, Any] | None:
        """By number or name."""
        if word.isdigit():
            return self.domains.get(word)
        return next((one for one in self.domains.values() if one["name"] == word), None)


def stop(code: int, words: str = "") -> None:
    """End with what xl says."""
    if words:
        print(words, file=sys.stderr, flush=True)
    sys.exit(code)


def unknown(word: str, code: int = 1) -> None:
    """What xl says of a domain that is not there."""
    if word.isdigit():
        stop(code, f"Error: Domain '{word}' does not exist.")
    stop(code, f"{word} is an invalid domain identifier (rc=-6)")


def state_of(domain: dict[str, Any]) -> str:
    """The column of letters."""
    reason = domain["reason"]
    letters = ["-", "-", "p" if domain["pauses"] else "-", "-", "-", "-"]
    if reason >= 0:
        letters[3] = "s"
        letters[4] = "c" if reason == REASONS["crash"] else "-"
    elif not domain["pauses"]:
        letters[domain.get("letter", 0)] = "rb-"[domain.get("letter", 0)]
    return "".join(letters)


def line(domain: dict[str, Any]) -> str:
    """One line of the list."""
    reason = domain["reason"]
    columns = (domain["name"], domain["number"], domain["memory"], domain["vcpus"], state_of(domain), domain["time"])
    told = f"{columns[0]:<40} {columns[1]:>5} {columns[2]:>5} {columns[3]:>5}     {columns[4]}   {columns[5]:>6.1f}"
    return f"{told} {domain['uuid']}  {reason if reason >= 0 else '-':>10}                -"


def listing(words: list[str]) -> None:
    """``xl list [-v] [DOMAIN]``."""
    names = [word for word in words if not word.startswith("-")]
    if "-l" in words:
        return long_listing(names[0])
    with Host() as host:
        chosen = [host.find(name) for name in names] if names else [*host.domains.values()]
    if None in chosen:
        unknown(next(name for name, one in zip(names, chosen) if one is None))
    rows = [line(one) for one in chosen if one]
    zero = "Domain-0                                     0   512     1     r-----      20.1 "
    own = [] if names else [f"{zero}00000000-0000-0000-0000-000000000000           -                -"]
    head = "Name                                        ID   Mem VCPUs\tState\tTime(s)   UUID"
    print("\n".join([f"{head}                            Reason-Code\tSecurity Label", *own, *rows]))
    return None


def long_listing(name: str) -> None:
    """``xl list -l DOMAIN``: what it was made from."""
    with Host() as host:
        found = host.find(name)
    if not found:
        return unknown(name)
    config = {"c_info": {"name": found["name"], "uuid": found["uuid"]}, "b_info": {"ramdisk": found["ramdisk"]}}
    print(json.dumps([{"domid": int(found["number"]), "config": config}], indent=4))
    return None


def parsed(path: str) -> dict[str, Any]:
    """The file of a domain: strings, numbers and lists of them."""
    import ast

    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            rows = [row.partition(" = ") for row in file.read().splitlines() if row]
    except FileNotFoundError:
        stop(3, f"Failed to read config file: {path}: No such file or directory")
    return {key: ast.literal_eval(value.strip()) for key, _, value in rows}


def refuse(config: dict[str, Any], host: Host) -> None:
    """The ways in which ``xl create`` was seen to fail."""
    if host.find(config["name"]):
        first = "libxl: error: libxl_domain.c:81:libxl__domain_rename: Domain 2:Domain with name "
        more = "libxl: error: libxl_domain.c:1133:domain_destroy_callback: Domain 2:Unable to destroy guest"
        stop(3, f'{first}"{config["name"]}" already exists.\n{more}')
    if not os.path.exists(config["kernel"]):
        missing = "No such file or directory: Internal error"
        stop(3, f"xc: error: panic: xg_dom_core.c:205: failed to open file '{config['kernel']}': {missing}")
    for entry in config.get("disk", []):
        image = entry.partition("target=")[2]
        if not os.path.exists(image):
            stop(3, f"libxl: error: Disk vdev=xvda failed to stat: {image}: No such file or directory")
    bridges = os.environ.get("NO_SUCH", "nobr")
    if any(f"bridge={bridges}" in entry for entry in config.get("vif", [])):
        stop(3, f"libxl: error: script: Could not find bridge device {bridges}")


def create(words: list[str]) -> None:
    """``xl create -q -e -p FILE``: the domain is a process that waits."""
    import pty

    config = parsed(words[-1])
    master, peer = pty.openpty()
    with Host() as host:
        refuse(config, host)
        number = str(host.held["next"])
        host.held["next"] += 1
        go = f"{FOLDER}/go-{number}"
        os.mkfifo(go, 0o600)
        domain = {
            "name": config["name"],
            "number": number,
            "uuid": config["uuid"],
            "memory": config["memory"],
            "most": config["maxmem"],
            "vcpus": config["vcpus"],
            "pauses": 1,
            "reason": -1,
            "time": 0.0,
            "letter": 1,
            "tty": os.ttyname(peer),
            "ramdisk": config["ramdisk"],
            "file": words[-1],
        }
        host.domains[number] = domain
        host.domains[number]["pid"] = begin(number, config, master, peer)
    os.close(master)
    os.close(peer)
    if os.path.exists(f"{FOLDER}/vanish"):
        destroy([number])
    if os.path.exists(f"{FOLDER}/early"):
        change([number], "unpause")
        time.sleep(0.5)
    if os.path.exists(f"{FOLDER}/late-create"):
        time.sleep(1000)


def begin(number: str, config: dict[str, Any], master: int, peer: int) -> int:
    """Start what plays the domain; it holds both ends of the console, as xenconsoled does."""
    for descriptor in (master, peer):
        os.set_inheritable(descriptor, True)
    words = [sys.executable, "-IS", f"{HERE}/guest.py", FOLDER, number, config["ramdisk"], str(master)]
    null = os.open("/dev/null", os.O_RDWR)
    said = os.open(f"{FOLDER}/guest-{number}.err", os.O_WRONLY | os.O_CREAT, 0o600)
    actions = [(os.POSIX_SPAWN_DUP2, one, at) for at, one in enumerate((null, null, said))]
    return os.posix_spawn(words[0], words, dict(os.environ), file_actions=actions, setsid=True)


def change(words: list[str], change: str) -> None:
    """Pausing is counted; a running domain that is unpaused is a failure that xl does not tell by its exit code."""
    with Host() as host:
        domain = host.find(words[-1])
        if not domain:
            return unknown(words[-1])
        if change == "pause":
            domain["pauses"] += 1
            return None
        if not domain["pauses"]:
            print(
                "libxl: error: libxl_domain.c:688:domain_unpause_done: Unpausing domain: Invalid argument",
                file=sys.stderr,
            )
            return None
        domain["pauses"] -= 1
        go = domain["pauses"] == 0 and os.path.exists(f"{FOLDER}/go-{domain['number']}")
    if go:
        with open(f"{FOLDER}/go-{domain['number']}", "w", encoding="ascii"):
            os.unlink(f"{FOLDER}/go-{domain['number']}")
    return None


def destroy(words: list[str]) -> None:
    """``xl destroy``: the console ends with the domain."""
    with Host() as host:
        domain = host.find(words[-1])
        if not domain:
            return unknown(words[-1])
        del host.domains[domain["number"]]
        for name in (f"go-{domain['number']}", f"report-{domain['number']}"):
            if os.path.exists(f"{FOLDER}/{name}"):
                os.unlink(f"{FOLDER}/{name}")
    try:
        os.killpg(domain["pid"], 9)
    except ProcessLookupError:
        return None
    return None


def shutdown(words: list[str]) -> None:
    """``xl shutdown``: the guest is asked; one that stands still does not answer."""
    with Host() as host:
        domain = host.find(words[-1])
    if not domain:
        return unknown(words[-1])
    if domain["pauses"] or domain["reason"] >= 0:
        time.sleep(60)
        stop(1, "libxl: error: guest didn't acknowledge control request: -9\nshutdown failed (rc=-9)")
    os.kill(domain["pid"], 15)
    return None


def setting(words: list[str], field: str, value: int) -> None:
    """``mem-set``, ``vcpu-set`` and the like."""
    with Host() as host:
        domain = host.find(words[0])
        if not domain:
            return unknown(words[0])
        domain[field] = value
    return None


def info(words: list[str]) -> None:
    """``xl info FIELD``."""
    known = {"free_memory": "211", "xen_scheduler": "credit2", "virt_caps": "pv hvm hap"}
    if os.path.exists(f"{FOLDER}/caps"):
        with open(f"{FOLDER}/caps", encoding="utf-8") as file:
            known["virt_caps"] = file.read()
    if not words:
        print("\n".join(f"{name:<23}: {value}" for name, value in known.items()))
    else:
        print(known.get(words[0], ""))


def schedule(words: list[str]) -> None:
    """``xl sched-credit2 -d DOMAIN [-w WEIGHT] [-c CAP]``."""
    pairs = dict(zip(words[::2], words[1::2]))
    with Host() as host:
        domain = host.find(pairs["-d"])
        if not domain:
            return unknown(pairs["-d"])
        domain.update({name: int(pairs[flag]) for flag, name in (("-w", "weight"), ("-c", "cap")) if flag in pairs})
    return None


def xenstore_read(words: list[str]) -> None:
    """``xenstore-read PATH``."""
    parts = words[-1].split("/")
    with Host() as host:
        domain = host.domains.get(parts[3])
    if domain and words[-1].endswith("/console/tty"):
        print(domain["tty"])
    elif domain and os.path.exists(f"{FOLDER}/report-{parts[3]}"):
        with open(f"{FOLDER}/report-{parts[3]}", encoding="utf-8") as file:
            print(file.read())
    else:
        stop(1, f"xenstore-read: couldn't read path {words[-1]}")


def misbehave(command: str) -> None:
    """What a test has asked for."""
    try:
        with open(f"{FOLDER}/fail", encoding="utf-8") as file:
            name, code, *said = file.read().split("\n")
    except FileNotFoundError:
        name = ""
    if name == command:
        stop(int(code), "\n".join(said))


VERBS = {
    "list": listing,
    "create": create,
    "pause": lambda words: change(words, "pause"),
    "unpause": lambda words: change(words, "unpause"),
    "destroy": destroy,
    "shutdown": shutdown,
    "info": info,
    "mem-set": lambda words: setting(words, "memory", int(words[1].removesuffix("m"))),
    "vcpu-set": lambda words: setting(words, "vcpus", int(words[1])),
    "vcpu-pin": lambda words: setting(words, "pinned", 1),
    "sched-credit2": schedule,
}


def main() -> None:
    """Do what the command line says."""
    name = os.path.basename(sys.argv[0])
    words = sys.argv[1:]
    with open(f"{FOLDER}/calls", "a", encoding="utf-8", errors="surrogateescape") as file:
        file.write(f"{name} {' '.join(words)}\n")
    if name == "xenstore-read":
        misbehave(name)
        return xenstore_read(words)
    misbehave(words[0])
    if words[0] not in VERBS:
        return stop(1, f'xl: command not implemented: "{words[0]}"')
    return VERBS[words[0]](words[1:])
