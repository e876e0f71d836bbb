"""The walls that can be put round a container, one package each."""
