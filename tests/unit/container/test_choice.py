"""Which wall a container gets, and who says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence import settings
from ringfence.cli.log import Log
from ringfence.cli.options import GLOBAL_OPTIONS, parse
from ringfence.cli.world import make_runtime
from ringfence.container.choice import ANNOTATION, Choice, check_recorded, choose, decide_wall, shape_of
from ringfence.container.record import ContainerRecord, save_record
from ringfence.container.runtime import Runtime
from ringfence.errors import RingfenceError
from ringfence.settings import Settings

ANNOTATED: dict[str, object] = {"annotations": {ANNOTATION: "microvm"}}
ALLOWED = Settings(annotation_drivers=("microvm", "namespaces"))


def called(program: str = "ringfence", *words: str) -> Runtime:
    """The runtime of a command line."""
    return make_runtime(program, "create", parse(words, GLOBAL_OPTIONS, anywhere=False), Log())


def chosen(runtime: Runtime, document: dict[str, object], told: Settings = Settings()) -> tuple[str, str]:  # noqa: B008
    """The wall and who chose it."""
    choice = decide_wall(runtime, document, told)
    return choice.driver, choice.origin


def refusal(runtime: Runtime, document: dict[str, object], told: Settings = Settings()) -> RingfenceError:  # noqa: B008
    """The error of a choice."""
    with pytest.raises(RingfenceError) as caught:
        decide_wall(runtime, document, told)
    return caught.value


def test_the_first_that_speaks_wins_and_the_others_are_told() -> None:
    """MVM-DRIVER-01."""
    runtime = called("ringfence-microvm", "--driver", "namespaces")
    document = {**ANNOTATED, "vm": {}}
    told = Settings("microvm", ("microvm",))
    assert decide_wall(runtime, document, told) == Choice(
        "namespaces",
        "--driver",
        (
            (f"annotation {ANNOTATION}", "microvm"),
            ("name ringfence-microvm", "microvm"),
            ("config.json's vm", "microvm"),
            ("ringfence.toml", "microvm"),
            ("default", "namespaces"),
        ),
        told,
    )


def test_each_speaks_when_those_before_it_are_silent() -> None:
    """MVM-DRIVER-01."""
    named, silent = called("ringfence-microvm"), called()
    weaker: dict[str, object] = {"annotations": {ANNOTATION: "namespaces"}}
    assert chosen(named, weaker, ALLOWED) == ("namespaces", f"annotation {ANNOTATION}")
    assert chosen(named, {}, Settings("namespaces")) == ("microvm", "name ringfence-microvm")
    assert chosen(silent, {"vm": {}}, Settings("namespaces")) == ("microvm", "config.json's vm")
    assert chosen(silent, {}, Settings("microvm")) == ("microvm", "ringfence.toml")
    assert chosen(silent, {}) == ("namespaces", "default")


@pytest.mark.parametrize("program", ["ringfence-microvm", "cc-oci-runtime", "clr-oci-runtime"])
def test_names_that_mean_a_machine(program: str) -> None:
    """MVM-DRIVER-01."""
    assert chosen(called(program), {}) == ("microvm", f"name {program}")


@pytest.mark.parametrize("program", ["runc", "ringfence", "microvm", "my-runtime"])
def test_other_names_say_nothing(program: str) -> None:
    """MVM-DRIVER-01."""
    assert chosen(called(program), {}) == ("namespaces", "default")


@pytest.mark.parametrize("told", [Settings(), Settings("microvm"), Settings(annotation_drivers=("namespaces",))])
def test_an_annotation_that_may_not_choose_is_an_error(told: Settings) -> None:
    """MVM-DRIVER-02."""
    error = refusal(called(), ANNOTATED, told)
    assert error.field == f"/annotations/{ANNOTATION}"
    assert "annotations.drivers of /etc/ringfence/ringfence.toml" in error.hint


def test_an_annotation_cannot_weaken_the_wall_that_a_name_means() -> None:
    """MVM-DRIVER-02."""
    document: dict[str, object] = {"annotations": {ANNOTATION: "namespaces"}}
    assert "may not choose" in str(refusal(called("ringfence-microvm"), document, Settings("", ("microvm",))))


@pytest.mark.parametrize(
    ("document", "shape"),
    [
        ({}, ""),
        ({"linux": {}}, ""),
        ({"vm": {}}, "microvm"),
        ({"vm": {"hwConfig": {"vcpus": 2, "irqs": []}}}, "microvm"),
        ({"vm": {"xl": {}}}, "xen"),
        ({"vm": {"hwConfig": {"dtdevs": ["path"]}}}, "xen"),
        ({"vm": {"hwConfig": {"iomems": [{}]}}}, "xen"),
        ({"vm": {"hwConfig": {"irqs": [112]}}}, "xen"),
        ({"freebsd": {}}, "jail"),
        ({"vm": None, "freebsd": None}, ""),
        ({"vm": "text", "linux": 1}, "microvm"),
    ],
)
def test_the_shape_of_a_configuration(document: dict[str, object], shape: str) -> None:
    """MVM-DRIVER-03."""
    assert shape_of(document)[0] == shape


def test_a_configuration_of_two_shapes() -> None:
    """MVM-DRIVER-03."""
    with pytest.raises(RingfenceError, match="vm and freebsd"):
        shape_of({"vm": {}, "freebsd": {}})


def test_a_wall_that_nobody_knows() -> None:
    """MVM-DRIVER-04."""
    error = refusal(called("ringfence", "--driver", "kvm"), {})
    assert str(error) == 'there is no driver "kvm"'
    assert error.hint == "the drivers are: namespaces, microvm, xen, jail"


def test_a_container_keeps_its_wall(tmp_path: Path) -> None:
    """MVM-DRIVER-04."""
    runtime = Runtime(str(tmp_path), Log(), {}, "/", driver="namespaces")
    (tmp_path / "web").mkdir()
    save_record(ContainerRecord(str(tmp_path / "web"), "web", "/b", "/b/rootfs", "now", driver="microvm"))
    with pytest.raises(RingfenceError, match="--driver namespaces contradicts the driver of container web"):
        check_recorded(runtime, "web")
    runtime.driver = "microvm"
    check_recorded(runtime, "web")
    check_recorded(runtime, "nobody")


def test_the_settings_are_the_administrators_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MVM-DRIVER-01."""
    file = tmp_path / "ringfence.toml"
    file.write_text('driver = "microvm"\n')
    file.chmod(0o644)
    monkeypatch.setattr(settings, "FILE", str(file))
    assert choose(called(), {}).origin == "ringfence.toml"
