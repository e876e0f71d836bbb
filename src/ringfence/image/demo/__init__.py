"""Fetching releases of FreeBSD to try a jail with, as runj's demo tools do."""
