"""The guest's plan as its init reads it, and what names it. Pure."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.plan.plan import Plan


def digest_of(plan: Plan) -> bytes:
    """16 bytes that name the guest's plan."""
    from hashlib import sha256

    return sha256(guest_bytes(plan)).digest()[:16]


def guest_bytes(plan: Plan) -> bytes:
    """The guest's plan as its init reads it; its steps are numbered on from those before it."""
    before = sum(len(one.birth) + len(one.inside) for name, one in plan.nested if name != "guest")
    own = len(plan.host) + len(plan.birth) + len(plan.inside)
    return plan.part("guest").encode(first=own + before)
