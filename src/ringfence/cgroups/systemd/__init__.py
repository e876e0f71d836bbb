"""The cgroup manager that asks systemd for a unit of the container's own (``--systemd-cgroup``)."""
