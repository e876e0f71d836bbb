"""A Debian machine with systemd and cgroup v2, for what the host of the tests may lack.

``python3 -m tests.guest build`` makes its disk from Debian's packages, ``python3 -m tests.guest run SCRIPT`` boots it
under QEMU, runs the script and ends with its status. Each boot begins with the disk as it was made.

Tests run in there by the same pytest and fixtures as on the host:

* ``inside/`` holds tests for the guest alone, as root: they need systemd as PID 1, CRIU, engines with systemd's
  cgroups, or an ordinary user with a manager of his own (the guest's command ``as-user``);
* ``test_inside.py`` boots the guest and runs these, ``tests/conformance`` and what else depends on the version of
  cgroups, and shows each inner file as one test of the host.
"""
