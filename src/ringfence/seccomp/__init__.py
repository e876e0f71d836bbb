"""The system call filter: compiled by libseccomp once, cached by digest."""
