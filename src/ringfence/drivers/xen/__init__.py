"""The wall of a Xen domain, made and ended by the tool xl alone. Everything here is pure."""
