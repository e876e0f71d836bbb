"""What create has done, beside what explain says that it does."""

from __future__ import annotations

import json

from tests.jail.standin import StandIn


def test_the_trace_is_the_plan(standin: StandIn) -> None:
    """JAIL-CREATE-01, JAIL-CREATE-13: the steps on the host, in the order of explain and with the same fields."""
    bundle = standin.bundle(hostname="web")
    bundle.mount("/mnt", "tmpfs", "tmpfs", "size=1m")
    bundle.resources["pids"] = {"limit": 9}
    bundle.write()
    name, trace = standin.name(), standin.path("trace")
    options = ["--root", standin.root, "--trace", trace]
    told = json.loads(standin.run("explain", "--json", "--bundle", bundle.path, name).ok().out)
    standin.run("create", "--bundle", bundle.path, name, options=options, out=standin.path()).ok()
    with open(trace) as file:
        done = [json.loads(line) for line in file]
    assert all(step.pop("microseconds") >= 0 for step in done)
    assert done == [step for step in told["steps"] if step["phase"] == "host"]
