"""Which wall is chosen, as the command line shows it; no machine is started."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.microvm.helpers import other_etc
from tests.packaging import REPOSITORY

LAUNCHER = REPOSITORY / "bin" / "ringfence"
SETTINGS = 'driver = "microvm"\n[annotations]\ndrivers = ["microvm"]\n'


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle of the default configuration."""
    (tmp_path / "rootfs").mkdir()
    subprocess.run([LAUNCHER, "spec", "--bundle", tmp_path], env={}, check=True)
    return tmp_path


def explained(bundle: Path, settings: str | None = None) -> subprocess.CompletedProcess[str]:
    """``explain`` with a file of settings, or without one."""
    words = [str(LAUNCHER), "explain", "--json", "--bundle", str(bundle)]
    if settings is not None:
        (bundle / "ringfence.toml").write_text(settings)
        (bundle / "ringfence.toml").chmod(0o644)
        over = str(bundle / "over")
        place = f"cp -p {bundle}/ringfence.toml {over}/upper/ringfence/"
        words = ["unshare", "--mount", *other_etc(over, place), *words]
    return subprocess.run(words, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)


def annotate(bundle: Path, **keys: object) -> None:
    """Put keys into the bundle's configuration."""
    file = bundle / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | keys))


@pytest.mark.skipif(os.geteuid() != 0, reason="a file of settings of the test's own needs a mount namespace")
def test_the_annotation_goes_before_the_default_of_the_settings(bundle: Path) -> None:
    """MVM-DRIVER-01, MVM-DRIVER-02."""
    annotate(bundle, annotations={"org.ringfence.driver": "microvm"})
    told = explained(bundle, SETTINGS)
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert (found["driver"], found["chosenBy"]) == ("microvm", "annotation org.ringfence.driver")
    assert found["overruled"][0] == {"by": "ringfence.toml", "driver": "microvm"}


@pytest.mark.skipif(os.path.exists("/etc/ringfence/ringfence.toml"), reason="this host has settings")
def test_without_settings_an_annotation_may_not_choose(bundle: Path) -> None:
    """MVM-DRIVER-02."""
    annotate(bundle, annotations={"org.ringfence.driver": "microvm"})
    told = explained(bundle)
    assert told.returncode == 1
    assert "annotations.drivers of /etc/ringfence/ringfence.toml" in told.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="a file of settings of the test's own needs a mount namespace")
def test_broken_settings_make_no_container(bundle: Path) -> None:
    """MVM-DRIVER-01."""
    told = explained(bundle, 'drivers = "microvm"\n')
    assert told.returncode == 1
    assert "/etc/ringfence/ringfence.toml: there is no setting drivers" in told.stderr


def test_a_jail_is_not_replaced_by_another_wall(bundle: Path) -> None:
    """MVM-DRIVER-03, MVM-DRIVER-04: its plan is shown anywhere, and made on FreeBSD alone."""
    process = {"args": ["sh"], "cwd": "/"}
    config = {"ociVersion": "1.3.0", "freebsd": {}, "root": {"path": "rootfs"}, "process": process}
    (bundle / "config.json").write_text(json.dumps(config))
    assert json.loads(explained(bundle).stdout)["driver"] == "jail"
    words = [str(LAUNCHER), "--root", str(bundle / "state"), "create", "--bundle", str(bundle), "walled"]
    told = subprocess.run(words, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})
    assert told.returncode == 1
    assert "is not available: this system is Linux, not FreeBSD" in told.stderr
