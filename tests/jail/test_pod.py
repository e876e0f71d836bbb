"""A container in the jail of a pod."""

from __future__ import annotations

from tests.jail.harness import Host


def test_a_child_has_no_more_than_its_parent(host: Host) -> None:
    """JAIL-CFG-07, JAIL-CFG-11: what is not asked for is disabled where the parent has it disabled."""
    parent = f"{host.token}-pod"
    made = host.tool(
        "jail", "-c", f"name={parent}", f"path={host.template}", "persist", "sysvmsg=new", "children.max=0"
    )
    made.ok()
    try:
        bundle = host.bundle()
        bundle.jail["parent"] = parent
        container = host.create(bundle)
        assert host.jail(container, "name") == [f"{parent}.{container.id}"]
        assert host.jail(container, "sysvmsg", "sysvsem", "sysvshm") == ["new", "disable", "disable"]
        container.run("delete", options=["--force"]).ok()
    finally:
        host.tool("jail", "-r", parent)
