"""The jail wall, driven with tools that stand in for FreeBSD's, or on a FreeBSD host with its own."""
