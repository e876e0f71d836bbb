"""Facts about this machine, probed once, injectable."""
