"""The wall of Linux namespaces."""
