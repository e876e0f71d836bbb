"""The wall of a QEMU microVM: every container its own machine, with the same plan inside as behind every other wall."""
