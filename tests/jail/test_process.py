"""What the program finds: environment, identity, limits, descriptors."""

from __future__ import annotations

import os

from tests.jail.bundle import Bundle
from tests.jail.harness import Host


def lines(host: Host, bundle: Bundle) -> list[str]:
    """What a foreground run prints."""
    return host.output(bundle).splitlines()


def test_the_environment_is_the_configs_alone(host: Host) -> None:
    """JAIL-PROC-03: the last of a name counts; HOME comes from the root's own passwd; nothing of the caller's."""
    bundle = host.sh('echo "$A,$B,$HOME,${SECRET-none},$PATH"')
    bundle.process["env"] = ["PATH=/bin", "A=1", "A=2", "B=a=b c"]
    bundle.write()
    result = host.run("run", "--bundle", bundle.path, host.name(), env={"SECRET": "1", "HOME": "/caller"})
    assert result.ok().out == "2,a=b c,/root,none,/bin\n"
    bundle.process["user"] = {"uid": 1001, "gid": 1001}
    assert lines(host, bundle) == ["2,a=b c,/home/alice,none,/bin"]
    bundle.process["env"] = ["PATH=/bin", "HOME="]
    bundle.process["user"] = {"uid": 4000, "gid": 1001}
    assert lines(host, bundle) == [",,/,none,/bin"]
    del bundle.process["env"]
    bundle.process["args"] = ["/bin/sh", "-c", "echo ${SECRET-none},$HOME"]
    assert lines(host, bundle) == ["none,/"]


def test_a_passwd_that_is_no_file_is_not_read(host: Host) -> None:
    """JAIL-PROC-03: a pipe in its place delays nothing."""
    bundle = host.sh("echo $HOME")
    os.unlink(f"{bundle.rootfs}/etc/passwd")
    os.mkfifo(f"{bundle.rootfs}/etc/passwd")
    assert lines(host, bundle) == ["/"]


def test_identity(host: Host) -> None:
    """JAIL-PROC-01, JAIL-PROC-02: user, group and every additional group are those asked for, and none is lost."""
    script = "for one in /files/*; do /bin/cat $one 2>/dev/null || echo no; done; echo > /tmp/made"
    bundle = host.sh(script)
    bundle.process["user"] = {"uid": 1234, "gid": 2000, "additionalGids": [2001, 2002]}
    for number, group in enumerate((2000, 2001, 2002, 2003, 0)):
        os.chown(bundle.file(f"/files/{number}", f"of {group}\n", 0o640), 0, group)
    assert lines(host, bundle) == ["of 2000", "of 2001", "of 2002", "no", "no"]
    assert os.stat(f"{bundle.rootfs}/tmp/made").st_uid == 1234


def test_folder_umask_and_limits(host: Host) -> None:
    """JAIL-PROC-04, JAIL-PROC-05, JAIL-PROC-06: a folder that is missing is made; a small NOFILE breaks nothing."""
    bundle = host.sh("pwd; umask; ulimit -n; ulimit -H -n; ulimit -c")
    bundle.process["cwd"] = "/made/for it"
    bundle.process["rlimits"] = [
        {"type": "RLIMIT_NOFILE", "soft": 8, "hard": 10},
        {"type": "RLIMIT_CORE", "soft": 0, "hard": 0},
    ]
    assert lines(host, bundle) == ["/made/for it", "0022", "8", "10", "0"]
    assert os.stat(f"{bundle.rootfs}/made").st_mode & 0o777 == 0o755
    bundle.process["user"] = {"uid": 0, "gid": 0, "umask": 0o77}
    assert lines(host, bundle)[1] == "0077"
    old = os.umask(0)
    try:
        del bundle.process["user"]["umask"]
        assert lines(host, bundle)[1] == "0022"
    finally:
        os.umask(old)


def test_limits_that_there_are_not(host: Host) -> None:
    """JAIL-PROC-06: those of Linux alone are refused by name, and so is one given twice."""
    bundle = host.bundle()
    for name in (
        "RLIMIT_NICE",
        "RLIMIT_RTPRIO",
        "RLIMIT_MSGQUEUE",
        "RLIMIT_LOCKS",
        "RLIMIT_SIGPENDING",
        "RLIMIT_RTTIME",
    ):
        bundle.process["rlimits"] = [{"type": name, "soft": 1, "hard": 1}]
        host.refuses(bundle, name, "/process/rlimits/0")
    bundle.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 9, "hard": 9}] * 2
    host.refuses(bundle, "RLIMIT_NOFILE", "/process/rlimits/1")


def test_the_program_is_found_as_its_user_finds_it(host: Host) -> None:
    """JAIL-CREATE-05, JAIL-PROC-07: by PATH of its environment, as the final user, and without a shell's help."""
    bundle = host.bundle("sh", "-c", "echo $0 $1", "one", "two")
    assert lines(host, bundle) == ["one two"]
    bundle.process["env"] = ["PATH=/nowhere"]
    host.refuses(bundle, "sh", "executable file not found")
    bundle.process["env"] = ["A=b"]
    host.refuses(bundle, "sh", "executable file not found")
    bundle.process["args"] = ["/bin/nosuch"]
    host.refuses(bundle, "no such file or directory", "/process/args")
    private = host.bundle("/own/sh")
    os.mkdir(f"{private.rootfs}/own")
    os.link(f"{private.rootfs}/bin/sh", f"{private.rootfs}/own/sh")
    os.chmod(f"{private.rootfs}/own", 0o700)
    private.process["user"] = {"uid": 1000, "gid": 1000}
    host.refuses(private, "/own/sh", "permission denied")


def test_a_script_without_an_interpreter(host: Host) -> None:
    """JAIL-PROC-07, JAIL-START-01: no shell takes it; start tells the errno and the container has stopped."""
    bundle = host.bundle("/script")
    bundle.file("/script", "echo ran\n", 0o755)
    container = host.create(bundle)
    container.run("start").refused("exec format error")
    assert container.output() == ""
    container.ends()


def test_the_program_is_replaced_before_start(host: Host) -> None:
    """JAIL-START-01: start fails with what exec said."""
    bundle = host.bundle("/own")
    os.link(f"{bundle.rootfs}/bin/sleep", f"{bundle.rootfs}/own")
    container = host.create(bundle)
    os.unlink(f"{bundle.rootfs}/own")
    container.run("start").refused("no such file or directory")
    container.ends()


def test_only_the_descriptors_asked_for(host: Host) -> None:
    """JAIL-CREATE-07, JAIL-CREATE-09: stdio is create's own, and nothing else is open; preserved ones are."""
    script = "for n in 3 4 5 6 7 8 9; do (: <&$n) 2>/dev/null && echo open $n; done; echo done"
    bundle = host.sh(f"{script}; exec /bin/sleep 1000")
    with open(f"{host.folder}/more", "w") as file:
        os.set_inheritable(file.fileno(), True)
        container = host.start(bundle, pass_fds=(file.fileno(),))
        assert container.says("done") == "done\n"
    assert container.exec_sh(script).ok().out == "done\n"


def test_signals_have_their_defaults(host: Host) -> None:
    """JAIL-PROC-05: a program that Python would have had ignore PIPE dies of it."""
    bundle = host.sh("(/bin/sh -c 'kill -13 $$; echo survived'); echo $?")
    assert lines(host, bundle)[-1] == "141"


def test_nothing_of_the_root_is_code_before_the_jail(host: Host) -> None:
    """JAIL-CREATE-08: modules of Python's names in the root are not imported, wherever create is called from."""
    bundle = host.sh("echo safe")
    for name in ("os", "posix", "errno", "encodings", "ctypes", "ringfence", "codecs", "resource", "json"):
        bundle.file(f"/{name}.py", "open('/poisoned', 'w')\n")
        bundle.file(f"/{name}/__init__.py", "open('/poisoned', 'w')\n")
    bundle.write()
    assert host.run("run", "--bundle", bundle.path, host.name(), cwd=bundle.rootfs).ok().out == "safe\n"
    assert not os.path.exists(f"{bundle.rootfs}/poisoned")
