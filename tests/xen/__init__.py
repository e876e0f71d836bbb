"""Xen on this machine: ``lab/`` boots it, ``inside/`` has what runs in its dom0, ``test_lab.py`` shows that here."""
