"""More cgroup v1 hierarchies than the host has mounted, for the runtime under test alone."""

from __future__ import annotations

import os

from tests.conformance.inside import through
from tests.support import Runtime

SCRIPT = """\
set -e
new={folder}
fresh=$(awk '$2 == 0 && index(",{subsystems},", "," $1 ",") {print $1}' /proc/cgroups)
mount -t tmpfs -o mode=755 cgroup $new
for point in $(awk '$5 ~ "^/sys/fs/cgroup/" {print $5}' /proc/self/mountinfo); do
    mkdir $new/${point##*/}
    mount --bind $point $new/${point##*/}
done
for name in {more}; do
    test -d $new/$name && continue
    mkdir $new/$name
    mount -t cgroup -o $name cgroup $new/$name
done
for point in $new/*,*; do
    for name in $(echo ${point##*/} | tr , ' '); do ln -s ${point##*/} $new/$name; done
done
mount --rbind $new /sys/fs/cgroup
status=0
"$@" || status=$?
# A hierarchy whose last mount goes while a removed cgroup is still dying would stay on the host.
for try in $(seq 100); do
    left=$(for name in $fresh; do awk -v name=$name '$1 == name && $3 > 1' /proc/cgroups; done)
    test "$left" || break
    sleep 0.02
done
exit $status
"""


def with_more_hierarchies(runtime: Runtime, *more: str) -> None:
    """Let further calls of the runtime see net_cls,net_prio and ``more`` mounted in a mount namespace of their own.

    A hierarchy without cgroups ends with its last mount, so the host keeps nothing.
    """
    folder = runtime.new_path("cgroup")
    os.mkdir(folder)
    inner = runtime.new_path("hierarchies")
    names = ["net_cls,net_prio", *more]
    script = SCRIPT.replace("{folder}", folder).replace("{more}", " ".join(names))
    with open(inner, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n" + script.replace("{subsystems}", ",".join(names)))
    os.chmod(inner, 0o755)
    through(runtime, f'exec unshare --mount --propagation private {inner} "$@"')
