"""Control groups, v1 and v2: pure compilation to steps, and the management of what was made."""
