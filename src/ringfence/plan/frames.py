"""The frames between a supervisor, its clients and the init of a guest: one table for Python and C.

A ``key`` is a u32 that tells which container of a machine is meant; it may be left out for 0, the machine's own.
A frame is ``u32 size, u16 process, u8 type, u8 stream`` and ``size`` bytes, little-endian. ``process`` 0 is the
container's own, each further one belongs to whoever talks to the supervisor over one connection. tools/steps_header.py
writes the C side.
"""

from __future__ import annotations

PROTOCOL = 1
HEAD = 8
LARGEST = 65536
"""Bytes of a frame's content at most."""

WINDOW = 131072
"""Bytes that may be under way in one direction of one stream, before the other side has said CREDIT."""

NO_PROCESS = 2
"""The stream of a RUN whose plan only changes the guest."""

QUESTIONS = 16
"""Questions to the resolver that are remembered at once."""

MEMBER = 4
"""Added to the stream of a RUN: the process is the first of a container of its own, with the key that the frame has."""

MONITOR = 0
"""The stream of a BORROW for the connection to the machine's monitor."""

NETWORK = 1
"""The stream of a BORROW for a netlink socket in the container's network namespace, and its protocol added."""

HOLD = 0
"""The stream of a HOLD after whose answer neither side sends anything, so that the machine's state can be kept."""

GO_ON = 1
"""The stream of a HOLD that ends this."""

NEW_HOST = 2
"""The same for a guest whose state another supervisor has: it knows of no further process and has sent no bytes. The
answer is a READY with the number of bytes for standard input that the container has not taken yet."""

TAP = "ringfence"
"""What the names of the taps in a container's network namespace begin with; a number follows."""

TYPES = (
    "HELLO",  # both ways, first: u32 protocol, 16 bytes that name the plan
    "PLAN",  # to the guest: the next piece of a process' plan
    "RUN",  # to the guest: perform the plan, key; stream 1: with a terminal, NO_PROCESS: none comes of it, or MEMBER
    "START",  # to the guest: the container's process may go on, key
    "SIGNAL",  # to the guest: u32 number, key; stream 0: to this process, 1: the container's, 2: all of the container
    "RESIZE",  # to the guest: u16 rows, u16 columns
    "DATA",  # both ways: bytes of a stream
    "END",  # both ways: no more bytes will come, or none are wanted
    "CREDIT",  # both ways: u32 bytes that may be sent more
    "TIME",  # to the guest: i64 nanoseconds since 1970
    "LIST",  # to the guest: which processes are there? key
    "MEASURE",  # to the guest: the container's use of memory and the like, key
    "NAMES",  # to the guest: answer for the resolver at u32 address, in the order of the network
    "ANSWER",  # to the guest: what the resolver says; stream: which question
    "HANGUP",  # to the guest: nobody is left who wants this process
    "HOLD",  # to the guest: HOLD, GO_ON or NEW_HOST as the stream
    "BORROW",  # to the supervisor alone: lend the monitor's descriptor; stream NETWORK and above: a socket
    "SHARE",  # to the supervisor alone: show the guest the sender's tree; its path, the served folder's, a name in it
    "READY",  # from the guest: the container's process waits for START
    "STARTED",  # from the guest: the program has been executed, or what was asked is done
    "FAILED",  # from the guest: u32 step, i32 errno, text
    "EXITED",  # from the guest: u32 status as a shell says it; nothing more comes of this process
    "LISTED",  # from the guest: lines of text, the last frame is empty
    "MEASURED",  # from the guest: files of the container's cgroup, each by name and content, NUL-ended
    "OOM",  # from the guest: u32, how many processes the kernel has killed for want of memory
    "ASK",  # from the guest: a question for the resolver; stream: its number, below QUESTIONS
    "NOTE",  # from the guest: text for the log
)
NUMBERS = {name: number for number, name in enumerate(TYPES, start=1)}

SLOTS = ("plan", "status", "gate", "console", "pidfd")
"""The descriptors that a guest's init gives to each plan."""
