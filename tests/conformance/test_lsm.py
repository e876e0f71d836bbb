"""process.apparmorProfile and process.selinuxLabel where neither LSM is on."""

from __future__ import annotations

import os

import pytest

from tests.conformance.inside import refused
from tests.support import Bundle, Runtime

apparmor_off = pytest.mark.skipif(os.path.exists("/sys/module/apparmor"), reason="AppArmor is on here")
selinux_off = pytest.mark.skipif(os.path.exists("/sys/fs/selinux/enforce"), reason="SELinux is on here")


@apparmor_off
def test_apparmor_profile_without_apparmor(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LSM-01: apparmorProfile with AppArmor off is an error."""
    bundle.process["apparmorProfile"] = "some-profile"
    assert "apparmor" in refused(runtime, bundle).lower()


@apparmor_off
def test_exec_with_apparmor_profile(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LSM-01: `exec --apparmor` with AppArmor off is an error of exec."""
    bundle.sleep()
    container = runtime.started(bundle)
    assert container.exec("true", options=["--apparmor", "some-profile"]).code == 255


@pytest.mark.parametrize("key", ["apparmorProfile", "selinuxLabel"])
def test_empty_label_is_none(runtime: Runtime, bundle: Bundle, key: str) -> None:
    """LNX-LSM-01, LNX-LSM-02: an empty profile or label asks for nothing."""
    bundle.process[key] = ""
    bundle.args("true")
    assert runtime.run_bundle(bundle).code == 0


@selinux_off
def test_selinux_label_without_selinux(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LSM-02: selinuxLabel with SELinux off is refused in the words callers know."""
    bundle.process["selinuxLabel"] = "system_u:system_r:container_t:s0:c1,c2"
    refused(runtime, bundle, "selinux label is specified in config, but selinux is disabled or not supported")


@selinux_off
def test_mount_label_without_selinux(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LSM-03: linux.mountLabel is never dropped silently: with SELinux off create fails."""
    bundle.linux["mountLabel"] = "system_u:object_r:container_file_t:s0:c1,c2"
    refused(runtime, bundle)
