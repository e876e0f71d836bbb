"""What is built and installed, and that pages and sources keep their own rules."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
