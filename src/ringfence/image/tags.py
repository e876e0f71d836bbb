"""Names of images, in the grammar that engines read (distribution's reference grammar)."""

from __future__ import annotations

import re

from ringfence.errors import RingfenceError

PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
DOMAIN = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]+)?"
GRAMMAR = re.compile(
    rf"(?:(?P<domain>{DOMAIN})/)?(?P<path>{PART}(?:/{PART})*)(?::(?P<tag>\w[\w.-]{{0,127}}))?", re.ASCII
)
LONGEST = 255


def full_name(text: str) -> str:
    """A name with registry and tag: ``demo`` is ``docker.io/library/demo:latest``.

    Raises:
        RingfenceError: it is not in the grammar.
    """
    found = GRAMMAR.fullmatch(text)
    if not found or len(text) > LONGEST:
        raise RingfenceError(f"--tag {text!r}: not the name of an image", hint="[REGISTRY/]NAME[:TAG] in lower case")
    domain, path = found["domain"] or "", found["path"]
    if domain and not ("." in domain or ":" in domain or domain == "localhost"):
        domain, path = "", f"{domain}/{path}"
    if not domain:
        domain, path = "docker.io", path if "/" in path else f"library/{path}"
    return f"{domain}/{path}:{found['tag'] or 'latest'}"
