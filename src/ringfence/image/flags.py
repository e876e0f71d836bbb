"""File flags of FreeBSD, as bsdtar writes them into an archive (chflags(1), strtofflags(3))."""

from __future__ import annotations

import os
import stat

from ringfence.errors import RingfenceError
from ringfence.image.entry import shown

FLAGS = {
    b"arch": stat.SF_ARCHIVED, b"archived": stat.SF_ARCHIVED,
    b"nodump": stat.UF_NODUMP, b"opaque": stat.UF_OPAQUE,
    b"sappnd": stat.SF_APPEND, b"sappend": stat.SF_APPEND,
    b"schg": stat.SF_IMMUTABLE, b"schange": stat.SF_IMMUTABLE, b"simmutable": stat.SF_IMMUTABLE,
    b"sunlnk": stat.SF_NOUNLINK, b"sunlink": stat.SF_NOUNLINK,
    b"uappnd": stat.UF_APPEND, b"uappend": stat.UF_APPEND,
    b"uchg": stat.UF_IMMUTABLE, b"uchange": stat.UF_IMMUTABLE, b"uimmutable": stat.UF_IMMUTABLE,
    b"uunlnk": stat.UF_NOUNLINK, b"uunlink": stat.UF_NOUNLINK,
    b"hidden": stat.UF_HIDDEN, b"uhidden": stat.UF_HIDDEN,
    b"uarch": 0x800, b"uarchive": 0x800,
}  # fmt: skip


def flag_bits(words: bytes) -> int:
    """The bits of ``schg,uarch``.

    Raises:
        RingfenceError: a word is not known.
    """
    bits = 0
    for word in words.split(b","):
        if word not in FLAGS:
            raise RingfenceError(f"not a file flag: {shown(word)}")
        bits |= FLAGS[word]
    return bits


def can_set_flags() -> bool:
    """Whether the system has file flags."""
    return hasattr(os, "chflags")


def set_flags(descriptor: int, bits: int) -> None:
    """Set the flags of an open file; Python's os.chflags takes paths only.

    Raises:
        OSError: as the kernel gave it.
    """
    import ctypes

    call = ctypes.CDLL(None, use_errno=True).fchflags
    if call(descriptor, ctypes.c_ulong(bits)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
