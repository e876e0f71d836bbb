"""What ringfence is on FreeBSD, told on any system."""
