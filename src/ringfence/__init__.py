"""ringfence: an OCI container runtime that decides in Python and does in a small static C init."""

__version__ = "0.1.0"
