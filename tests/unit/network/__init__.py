"""Networks of guests."""
