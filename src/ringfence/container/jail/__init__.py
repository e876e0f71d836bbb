"""The lifecycle of a container behind a FreeBSD jail: the same verbs, by the system's tools."""
