"""The lifecycle of a container and its record on disk."""
