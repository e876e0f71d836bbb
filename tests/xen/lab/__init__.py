"""Xen with a Debian dom0, under QEMU and without KVM, for a host that has no hypervisor.

``python3 -m tests.xen.lab build`` makes its disk from Debian's packages, ``python3 -m tests.xen.lab run SCRIPT`` boots
it, runs the script in dom0 and ends with its status. Each boot begins with the disk as it was made.
"""
