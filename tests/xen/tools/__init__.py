"""A stand-in for Xen's toolstack: xl and xenstore-read as they were seen to behave (Xen 4.17.7), without any Xen."""
