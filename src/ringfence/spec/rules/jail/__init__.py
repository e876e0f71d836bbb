"""The rules of a config for a FreeBSD jail: what Linux's rules say does not hold there, and the other way round."""
