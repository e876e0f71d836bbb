"""The help texts (LNX-CLI-10, 11), loaded only when one is asked for.

Which options there are is said in ``options.py``; here are the words about them.
"""

from __future__ import annotations

import textwrap

from ringfence.cli.options import GLOBAL_OPTIONS, GROUPS, HELP, HIDDEN_OPTIONS, SUBVERBS, SWITCH, VERBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Option

WIDTH = 100

VERB_LINES = {
    "bundle": "unpack an image to a bundle",
    "checkpoint": "write the processes of a container to files",
    "create": "create a container; its program waits for start",
    "delete": "remove what is left of a container",
    "demo": "fetch a release of FreeBSD and make a bundle or an image of it",
    "events": "print the container's resource usage and what happens to it",
    "exec": "run another process in a container",
    "explain": "print every step that create would take, and take none",
    "features": "print what this runtime can do",
    "image": "build an image, or look into one",
    "kill": "send a signal to a container",
    "list": "list the containers of a state folder",
    "pause": "freeze all processes of a container",
    "ps": "print the processes of a container",
    "restore": "bring a container back from the files of a checkpoint",
    "resume": "thaw the processes of a paused container",
    "run": "create and start a container, and wait for its program",
    "spec": "write a config.json to start from",
    "start": "let the program of a created container go",
    "state": "print the state of a container",
    "update": "change the resource limits of a container",
}
SUBVERB_LINES = {
    "demo download": "fetch the base system of a release of FreeBSD",
    "demo oci-image": "make an image of a release of FreeBSD",
    "demo spec": "write a config.json for a jail",
    "image build": "make an image of one layer from a folder or a tar archive",
    "image inspect": "print what is in an image",
}
USAGES = {
    "bundle": "[options] <image> <folder> [-- word...]",
    "demo": "download|oci-image|spec [options]",
    "image": "build|inspect [options]",
    **dict.fromkeys(("demo download", "demo oci-image", "demo spec"), "[options]"),
    "image build": "--rootfs ROOT -o FILE [options]",
    "image inspect": "[options] <image>",
    "events": "[options] <container-id>",
    "exec": "[options] <container-id> <program> [argument...]  or  -p FILE <container-id>",
    "explain": "[options] [container-id]",
    "features": "",
    "kill": "<container-id> [signal]",
    "list": "[options]",
    "ps": "[options] <container-id> [options of ps]",
    "spec": "[options]  or  upgrade FILE",
    **dict.fromkeys(("checkpoint", "create", "delete", "restore", "run", "update"), "[options] <container-id>"),
    **dict.fromkeys(("pause", "resume", "start", "state"), "<container-id>"),
}
DESCRIPTIONS = {
    "bundle": "The image is an OCI image layout, a tar archive of one, or what docker save writes. The folder gets a "
    "rootfs with all layers, a folder for each volume, and a config.json that create takes as it is. Words behind -- "
    "replace the image's Cmd.",
    "demo download": "Takes base.txz from the FreeBSD project's server, checks it against the release's MANIFEST, and "
    "goes on where an earlier attempt was cut off.",
    "demo oci-image": "Makes the image of a base.txz that is there, or downloads the release first.",
    "image build": "The same root gives the same bytes. SOURCE_DATE_EPOCH in the environment is the latest time in the "
    "image, and the time of its creation.",
    "image inspect": "Nothing is unpacked. The image is a layout, a tar archive of one, or what docker save writes.",
    "checkpoint": "CRIU dumps the container's processes; afterwards it is gone, unless --leave-running or --pre-dump "
    "is given. Needs the program criu and root.",
    "create": "Reads config.json of the bundle and does everything up to the start of the program: namespaces, mounts, "
    "cgroups, limits and hooks. The caller's standard input, output and error become the program's.",
    "delete": "A container that runs is refused unless --force is given.",
    "events": "Prints one JSON object a line: the usage at every interval, and OOM kills as they happen.",
    "exec": "The exit status is that of the program, or 255 when it could not be run.",
    "explain": "Compiles the bundle's config.json to the very plan that create would perform and prints its steps, "
    "each with the field of config.json that asked for it. Needs no privilege.",
    "kill": "The signal is a number or a name such as KILL or SIGKILL; without one it is SIGTERM.",
    "list": "A container whose state cannot be read is named on standard error.",
    "ps": "Runs the host's ps, by default as ps -ef, and prints the lines of the container's processes.",
    "restore": "Makes a new container from the bundle and the image folder. Without --detach the exit status is that "
    "of its program, and the container is deleted at its end.",
    "run": "The exit status is that of the program; death by signal N gives 128+N. When the program has ended the "
    "container is deleted, unless it was started with --detach or --keep.",
    "spec": "With upgrade FILE, a configuration of any older form is printed as one of today: those of the runc of "
    "2015, and of the release candidates. FILE is a path, a folder with a config.json, or - for standard input.",
    "start": "Returns as soon as the program runs.",
    "update": "Limits that are not named keep their values. Sizes take a suffix k, m or g; -1 is no limit. With "
    "--resources the limits come from JSON as below linux.resources of config.json, and the other options count for "
    "nothing.",
}

CREATE_LINES = {
    "bundle": ("DIR", "the bundle, default is the current folder"),
    "console-socket": ("PATH", "a listening unix socket that is sent the master of the program's terminal"),
    "pidfd-socket": ("PATH", "a listening unix socket that is sent a pidfd of the new process"),
    "pid-file": ("FILE", "a file to write the pid of the new process to"),
    "no-pivot": ("", "change the root with a moved mount and chroot instead of pivot_root, for a rootfs on a ramdisk"),
    "no-new-keyring": ("", "keep the caller's session keyring"),
    "preserve-fds": ("N", "hand the descriptors 3 to 2+N to the program"),
}
DETACH_LINE = ("", "do not wait for the program")
CRIU_LINES = {
    "image-path": ("DIR", "the folder of the image files, default is checkpoint in the current folder"),
    "work-path": ("DIR", "the folder for CRIU's log and working files, default is that of the images"),
    "tcp-established": ("", "allow open TCP connections"),
    "ext-unix-sk": ("", "allow unix sockets that are connected to others outside"),
    "shell-job": ("", "allow a session whose leader is outside, such as a shell's job"),
    "lazy-pages": ("", "transfer memory only when it is used"),
    "file-locks": ("", "allow file locks"),
    "manage-cgroups-mode": ("MODE", "how cgroups are handled: soft (default), full, strict or ignore"),
    "empty-ns": ("NAMESPACE", "leave what is in the namespace out; only network is possible"),
    "auto-dedup": ("", "free the memory of earlier images that is not needed any more"),
}
IMAGE_LINES = {
    "platform": ("OS/ARCH[/VARIANT]", "take the image for this platform, default is that of this machine"),
    "ref": ("NAME", "take the image of this name"),
    "limit": ("NAME=N", "bytes, entries, file, headers, name, component, depth, layers, images or ratio; repeatable"),
}
RELEASE_LINES = {
    "machine": ("NAME", "the machine such as amd64, default is that of a FreeBSD host"),
    "arch": ("NAME", "the architecture such as amd64 or aarch64, default is that of a FreeBSD host"),
    "version": ("NAME", "the release such as 14.1-RELEASE, default is that of a FreeBSD host"),
    "mirror": ("URL", "another server to take releases from; may be repeated"),
}
OPTION_LINES: dict[str, dict[str, tuple[str, str]]] = {
    "": {
        "debug": ("", "also write debug records to the log"),
        "log": ("FILE", "append log records to this file, default is standard error"),
        "log-format": ("FORMAT", "text (default) or json"),
        "log-level": ("LEVEL", "debug is as --debug, other levels change nothing"),
        "root": ("DIR", "folder for the state of containers, default is {root}"),
        "id": ("ID", "the container of a call without a command, default is the name of the folder"),
        "criu": ("PATH", "the program for checkpoints, default is criu in PATH"),
        "systemd-cgroup": ("", "let systemd make the cgroups; cgroupsPath is then SLICE:PREFIX:NAME"),
        "cgroup-manager": ("NAME", "taken and not used: Podman on FreeBSD names one"),
        "driver": (
            "NAME",
            "the wall round new containers: namespaces, microvm or jail, before all else that chooses one",
        ),
        "rootless": ("WORD", "whether to pass over a lack of rights to cgroups: true, false or auto (default)"),
        "trace": ("FILE", "write how long each step took to this file"),
        "hypervisor-log-dir": ("DIR", "write what QEMU says to ID-hypervisor.stdout and .stderr in this folder"),
        "personality": ("NAME", "be what ringfence is when it is called by this name, such as cc-oci-runtime"),
        "version": ("", "print the version"),
    },
    "bundle": {
        **IMAGE_LINES,
        "terminal": ("", "give the program a terminal"),
        "setuid": ("POLICY", "keep (default) or strip set-user-ID and set-group-ID bits and capabilities of files"),
        "devices": ("POLICY", "keep (root's default), skip or refuse devices and FIFOs"),
        "uid-map": ("C:H:N", "map N users from C in the image to H on this machine; may be repeated"),
        "gid-map": ("C:H:N", "the same for groups"),
        "volumes": ("POLICY", "mount (default) folders of the bundle at the image's volumes, or ignore them"),
        "trust-labels": ("", "keep labels that a runtime acts upon as annotations"),
        "keep-flags": ("", "set file flags such as schg, on FreeBSD"),
    },
    "checkpoint": {
        **CRIU_LINES,
        "parent-path": ("DIR", "the images of an earlier pre-dump, relative to the image folder"),
        "leave-running": ("", "let the container go on"),
        "tcp-skip-in-flight": ("", "leave TCP connections out that are just being made"),
        "link-remap": ("", "allow open files that have been removed, by making a link to them"),
        "status-fd": ("FD", "a descriptor that gets a NUL byte when the lazy pages can be fetched"),
        "page-server": ("ADDRESS:PORT", "send the memory to a page server of CRIU"),
        "pre-dump": ("", "dump the memory alone, for a quicker dump later; the container goes on"),
    },
    "create": CREATE_LINES,
    "run": {
        **CREATE_LINES,
        "detach": DETACH_LINE,
        "keep": ("", "do not delete the container when its program has ended"),
        "no-subreaper": ("", "do not adopt orphaned processes while waiting"),
    },
    "demo download": {**RELEASE_LINES, "output": ("FILE", "where to, default is rootfs.txz")},
    "demo oci-image": {
        **RELEASE_LINES,
        "input": ("FILE", "a base.txz that is there already"),
        "output": ("FILE", "where to, default is image.tar"),
    },
    "demo spec": {"bundle": CREATE_LINES["bundle"]},
    "delete": {"force": ("", "kill what still runs; an unknown container is no error")},
    "events": {
        "interval": ("DURATION", "time between two reports such as 500ms or 1m30s, default is 5s"),
        "stats": ("", "report once and end"),
    },
    "exec": {
        "console-socket": CREATE_LINES["console-socket"],
        "pidfd-socket": CREATE_LINES["pidfd-socket"],
        "cwd": ("DIR", "working directory, an absolute path inside the container"),
        "env": ("NAME=VALUE", "set a variable; may be repeated"),
        "tty": ("", "give the process a terminal"),
        "user": ("UID[:GID]", "who the process runs as, in numbers"),
        "additional-gids": ("GID", "add a supplementary group; may be repeated"),
        "process": ("FILE", "take the whole process from a JSON file"),
        "detach": DETACH_LINE,
        "pid-file": CREATE_LINES["pid-file"],
        "process-label": ("LABEL", "SELinux label of the process"),
        "apparmor": ("PROFILE", "AppArmor profile of the process"),
        "no-new-privs": ("", "no gain of privileges by executing a program"),
        "cap": ("CAP", "add a capability; may be repeated"),
        "preserve-fds": CREATE_LINES["preserve-fds"],
        "cgroup": ("[CTL:]PATH", "a cgroup below the container's that the process joins; may be repeated"),
        "ignore-paused": ("", "wait for a paused container instead of refusing"),
    },
    "explain": {
        "bundle": CREATE_LINES["bundle"],
        "driver": ("NAME", "the wall round the container: namespaces, microvm or jail"),
        "host": ("FILE", "plan for the machine described by this JSON file"),
        "json": ("", "print JSON"),
    },
    "image build": {
        "rootfs": ("PATH", "the root: a folder, or a tar archive that may be compressed"),
        "output": ("FILE", "where to; - is standard output"),
        "tag": ("NAME", "what to call the image; engines can then load it by that name"),
        "compress": ("HOW", "gzip (default), zstd or none"),
        "os": ("NAME", "the system, default is what the root's programs or this machine say"),
        "arch": ("NAME", "the architecture, in the words of images such as amd64 or arm64"),
        "variant": ("NAME", "its variant such as v7"),
        "config": ("FILE", "a JSON object with Entrypoint, Cmd, Env, User and the like"),
        "author": ("TEXT", "who made the image"),
        "devices": ("POLICY", "keep (default), skip or refuse devices and FIFOs"),
        "limit": IMAGE_LINES["limit"],
    },
    "image inspect": {
        **IMAGE_LINES,
        "platform": ("OS/ARCH[/VARIANT]", "only images for this platform"),
        "ref": ("NAME", "only images of this name"),
        "json": ("", "print JSON"),
        "files": ("", "list what is in the layers"),
        "verify": ("", "read every blob and report what is not as it should be"),
    },
    "list": {
        "all": ("", "show hypervisor, kernel and image too"),
        "format": ("FORMAT", "table (default) or json"),
        "quiet": ("", "print only the ids"),
    },
    "ps": {"format": ("FORMAT", "table (default) or json, which is a list of pids")},
    "restore": {
        "bundle": CREATE_LINES["bundle"],
        "detach": DETACH_LINE,
        "pid-file": CREATE_LINES["pid-file"],
        "console-socket": CREATE_LINES["console-socket"],
        "no-subreaper": ("", "do not adopt orphaned processes while waiting"),
        "no-pivot": ("", "accepted, a restore does not pivot the root"),
        **CRIU_LINES,
        "lsm-profile": ("TYPE:NAME", "another AppArmor profile or SELinux label for the processes"),
        "lsm-mount-context": ("LABEL", "another SELinux context for the mounts"),
    },
    "spec": {
        "bundle": ("DIR", "the folder to write to, default is the current folder"),
        "rootless": ("", "for a container of a user without privileges"),
    },
    "update": {
        "resources": ("FILE", "read the limits from a JSON file, - for standard input"),
        "blkio-weight": ("N", "weight of block I/O, 10 to 1000"),
        "cpu-period": ("USEC", "period of the CPU quota"),
        "cpu-quota": ("USEC", "CPU time in each period, -1 for no limit"),
        "cpu-burst": ("USEC", "CPU time that may be saved up"),
        "cpu-share": ("N", "weight of CPU time"),
        "cpu-rt-period": ("USEC", "period of the realtime limit"),
        "cpu-rt-runtime": ("USEC", "realtime CPU time in each period"),
        "cpuset-cpus": ("LIST", "CPUs to run on, such as 0-3,7"),
        "cpuset-mems": ("LIST", "memory nodes to use"),
        "cpu-idle": ("0|1", "1 to run only on CPUs that are idle"),
        "memory": ("SIZE", "limit of memory"),
        "memory-reservation": ("SIZE", "soft limit of memory"),
        "memory-swap": ("SIZE", "limit of memory and swap together"),
        "pids-limit": ("N", "limit of processes and threads"),
        "l3-cache-schema": ("LINE", "L3 cache line for resctrl"),
        "mem-bw-schema": ("LINE", "memory bandwidth line for resctrl"),
    },
}


def general_help(program: str) -> str:
    """What ``help`` prints: the commands and the global options."""
    from ringfence.cli.world import default_root

    commands = [(name, VERB_LINES[name]) for name in sorted(VERBS)]
    commands.append(("help, h", "print this text, or that of a command"))
    options = [(left, right.format(root=default_root(program, {}))) for left, right in option_lines("", GLOBAL_OPTIONS)]
    return (
        f"NAME:\n   {program} - Open Container Initiative runtime\n\n"
        f"USAGE:\n   {program} [global options] command [options] [arguments...]\n\n"
        f"COMMANDS:\n{columns(commands)}\nGLOBAL OPTIONS:\n{columns(options)}"
    )


def verb_help(program: str, verb: str) -> str:
    """What ``COMMAND --help`` prints."""
    known = VERBS.get(verb) or SUBVERBS[verb]
    sections = [
        f"NAME:\n   {program} {verb} - {VERB_LINES.get(verb) or SUBVERB_LINES[verb]}\n",
        f"USAGE:\n   {' '.join(f'{program} {verb} {USAGES[verb]}'.split(' '))}".rstrip() + "\n",
    ]
    if verb in DESCRIPTIONS:
        sections.append(f"DESCRIPTION:\n{textwrap.indent(textwrap.fill(DESCRIPTIONS[verb], WIDTH - 3), '   ')}\n")
    if verb in GROUPS:
        lines = [(name.partition(" ")[2], line) for name, line in SUBVERB_LINES.items() if name.startswith(f"{verb} ")]
        sections.append(f"COMMANDS:\n{columns(lines)}")
    shown = tuple(option for option in known.options if (verb, option[0]) not in HIDDEN_OPTIONS)
    sections.append(f"OPTIONS:\n{columns(option_lines(verb, shown))}")
    return "\n".join(sections)


def option_lines(verb: str, options: tuple[Option, ...]) -> list[tuple[str, str]]:
    """Each option as it is written, and what it does."""
    lines = []
    for option in options:
        long, short, kind = option
        value, text = ("", "print this text") if option == HELP else OPTION_LINES[verb][long]
        left = f"--{long}" + ("" if kind == SWITCH else f" {value}")
        lines.append((f"-{short}, {left}" if short else f"    {left}", text))
    return lines


def columns(lines: list[tuple[str, str]]) -> str:
    """Two columns, indented."""
    width = max(len(left) for left, _ in lines) + 2
    return "".join(f"   {left:<{width}}{right}\n" for left, right in lines)
