"""The kernel of our guests: its configuration and how it is built."""
