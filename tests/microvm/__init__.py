"""Containers behind a QEMU microVM, with QEMU and the guests' own kernel."""
