"""Attacks that have worked on container runtimes, each tried on ours for as long as there is one.

Every test asserts that the attack had no effect outside of the container, and is built so that it would have had one
without the defence: the docstrings name the public record (CVE) and the defence. They hold on runc 1.1.5 as Debian 12
ships it wherever that has the defence: RINGFENCE_BINARY=/usr/sbin/runc.
"""
