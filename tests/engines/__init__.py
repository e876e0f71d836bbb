"""Real engines with the runtime under test: dockerd, containerd and podman, each in a sandbox of its own."""
