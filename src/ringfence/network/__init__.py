"""Networks of containers that have a kernel of their own."""
