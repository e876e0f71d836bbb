"""The wall of a FreeBSD jail: its parameters and mounts as steps, and the tools of the system that perform them."""
