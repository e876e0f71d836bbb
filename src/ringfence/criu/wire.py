"""CRIU's RPC messages as bytes (criu's rpc.proto; Protocol Buffers, Encoding). Sans I/O.

The protobuf package would add 60 ms and a compiled schema for one request and one answer; this is the part they need.
"""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VARINT, LENGTH = 0, 2
DUMP, RESTORE, PRE_DUMP, NOTIFY, FEATURE_CHECK = 1, 2, 4, 6, 9
"""Members of criu_req_type."""

TEXT, NUMBER, SWITCH, PAIRS, TEXTS, SERVER = "text", "number", "switch", "pairs", "texts", "server"
OPTIONS: dict[str, tuple[int, str]] = {
    "images_dir_fd": (1, NUMBER),
    "pid": (2, NUMBER),
    "leave_running": (3, SWITCH),
    "ext_unix_sk": (4, SWITCH),
    "tcp_established": (5, SWITCH),
    "evasive_devices": (6, SWITCH),
    "shell_job": (7, SWITCH),
    "file_locks": (8, SWITCH),
    "log_level": (9, NUMBER),
    "log_file": (10, TEXT),
    "ps": (11, SERVER),
    "notify_scripts": (12, SWITCH),
    "root": (13, TEXT),
    "parent_img": (14, TEXT),
    "track_mem": (15, SWITCH),
    "auto_dedup": (16, SWITCH),
    "work_dir_fd": (17, NUMBER),
    "link_remap": (18, SWITCH),
    "ext_mnt": (23, PAIRS),
    "manage_cgroups": (24, SWITCH),
    "cg_root": (25, PAIRS),
    "rst_sibling": (26, SWITCH),
    "inherit_fd": (27, PAIRS),
    "manage_cgroups_mode": (34, NUMBER),
    "external": (37, TEXTS),
    "empty_ns": (38, NUMBER),
    "join_ns": (39, PAIRS),
    "freeze_cgroup": (44, TEXT),
    "tcp_skip_in_flight": (46, SWITCH),
    "lazy_pages": (48, SWITCH),
    "orphan_pts_master": (50, SWITCH),
    "config_file": (51, TEXT),
    "lsm_profile": (53, TEXT),
    "lsm_mount_context": (62, TEXT),
}
"""Fields of criu_opts by name: number and kind. A pair is a message of a text and a text or number."""


class Answer(Record):
    """A criu_resp: ``script`` and ``pid`` are those of a notification, or ``pid`` that of what was restored."""

    type: int = 0
    success: bool = False
    script: str = ""
    pid: int = 0
    errno: int = 0
    text: str = ""
    mem_track: bool = False
    lazy_pages: bool = False


def varint(value: int) -> bytes:
    """A base-128 varint; negative numbers as 64 bits."""
    value &= 2**64 - 1
    raw = bytearray()
    while value > 0x7F:
        raw.append(value & 0x7F | 0x80)
        value >>= 7
    raw.append(value)
    return bytes(raw)


def field(number: int, value: int | bytes | str) -> bytes:
    """One field of a message."""
    if isinstance(value, int):
        return varint(number << 3 | VARINT) + varint(value)
    raw = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    return varint(number << 3 | LENGTH) + varint(len(raw)) + raw


def encode_option(name: str, value: Any) -> bytes:
    """One option of criu_opts, all of its values."""
    number, kind = OPTIONS[name]
    if kind == PAIRS:
        return b"".join(field(number, field(1, first) + field(2, second)) for first, second in value)
    if kind == TEXTS:
        return b"".join(field(number, text) for text in value)
    if kind == SERVER:
        address, port = value
        return field(number, field(1, address) + field(2, port))
    return field(number, int(value) if kind in (NUMBER, SWITCH) else value)


def encode_request(kind: int, options: dict[str, Any] | None = None) -> bytes:
    """A criu_req with options; those that are None are left out."""
    held = b"".join(encode_option(name, value) for name, value in (options or {}).items() if value is not None)
    return field(1, kind) + (field(2, held) if options is not None else b"")


def encode_feature_check(mem_track: bool, lazy_pages: bool) -> bytes:
    """A criu_req that asks what this kernel can do for CRIU."""
    asked = (field(1, 1) if mem_track else b"") + (field(2, 1) if lazy_pages else b"")
    return field(1, FEATURE_CHECK) + field(5, asked)


def encode_acknowledgement() -> bytes:
    """The criu_req that lets CRIU go on after a notification."""
    return field(1, NOTIFY) + field(3, 1)


def read_varint(raw: bytes, place: int) -> tuple[int, int]:
    """A varint and the place behind it.

    Raises:
        ValueError: it has no end, or more than 64 bits.
    """
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(raw):
            raise ValueError("a number without an end")
        byte = raw[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value & (2**64 - 1), place
    raise ValueError("a number of more than 64 bits")


def decode(raw: bytes) -> dict[int, int | bytes]:
    """The fields of a message, of repeated ones the last.

    Raises:
        ValueError: it is no message.
    """
    found: dict[int, int | bytes] = {}
    place = 0
    while place < len(raw):
        key, place = read_varint(raw, place)
        if key & 7 == VARINT:
            found[key >> 3], place = read_varint(raw, place)
        elif key & 7 == LENGTH:
            size, place = read_varint(raw, place)
            if place + size > len(raw):
                raise ValueError("a field longer than its message")
            found[key >> 3] = raw[place : place + size]
            place += size
        else:
            raise ValueError(f"wire type {key & 7}")
    return found


def decode_answer(raw: bytes) -> Answer:
    """A criu_resp.

    Raises:
        RingfenceError: it is none.
    """
    try:
        held = decode(raw)
        notify, restore, features = (message(held, number) for number in (5, 4, 8))
    except ValueError as error:
        raise RingfenceError(f"CRIU's answer cannot be read: {error}") from None
    return Answer(
        number(held, 1),
        bool(number(held, 2)),
        text(notify, 1),
        number(notify, 2) or number(restore, 1),
        number(held, 7),
        text(held, 9),
        bool(number(features, 1)),
        bool(number(features, 2)),
    )


def message(held: dict[int, int | bytes], at: int) -> dict[int, int | bytes]:
    """A field that is a message, an empty one without it."""
    value = held.get(at, b"")
    return decode(value) if isinstance(value, bytes) else {}


def number(held: dict[int, int | bytes], at: int) -> int:
    """A field that is a number, signed with 32 bits as int32 is."""
    value = held.get(at, 0)
    if not isinstance(value, int):
        return 0
    return value - 2**64 if value >= 2**63 else value


def text(held: dict[int, int | bytes], at: int) -> str:
    """A field that is a text."""
    value = held.get(at, b"")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""
