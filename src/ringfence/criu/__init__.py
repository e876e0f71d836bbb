"""Checkpoints by CRIU: its requests and answers, the options of a container, and the conversation with it."""
