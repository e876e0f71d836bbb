"""skopeo, umoci, buildah and ringfence as commands in one sandbox."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

from tests.engines.sandbox import Sandbox
from tests.support.process import Result
from tests.support.runtime import BINARY

NAME = "docker.io/library/ringfence-image:1"


class Tools:
    """Runs tools; paths of results lie in the sandbox's folder."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def path(self, name: str) -> str:
        """A path that nothing uses yet."""
        return self.sandbox.new_path(name)

    def run(self, *words: str) -> Result:
        """Run a tool, which has to succeed."""
        return self.sandbox.run(*words).ok()

    def ringfence(self, *words: str) -> Result:
        """Run ringfence, which has to succeed."""
        return self.run(BINARY, *words)

    def build(self, root: str, name: str, *options: str) -> str:
        """An archive with an image of a root, called NAME."""
        target = self.path(name)
        config = self.path("config.json")
        with open(config, "w", encoding="utf-8") as file:
            json.dump({"Cmd": ["sh"], "Env": ["PATH=/bin", "A=1"], "Labels": {"made": "here"}}, file)
        self.ringfence("image", "build", "--rootfs", root, "-o", target, "--tag", NAME, "--config", config, *options)
        return target

    def bundle(self, image: str, *options: str) -> str:
        """The root that ringfence unpacks an image to."""
        target = self.path("bundle")
        self.ringfence("bundle", *options, image, target)
        return os.path.join(target, "rootfs")

    def skopeo(self, source: str, target: str, *options: str) -> None:
        """``skopeo copy``."""
        self.run(
            "skopeo", "--insecure-policy", "--tmpdir", self.sandbox.folder, "copy", "--quiet", *options, source, target
        )

    def layout(self, source: str, tag: str = "tag") -> str:
        """A layout that skopeo has made of an image."""
        target = self.path("layout")
        self.skopeo(source, f"oci:{target}:{tag}")
        return target

    def umoci(self, layout: str, tag: str = "tag") -> str:
        """The root that umoci unpacks an image to."""
        target = self.path("umoci")
        self.run("umoci", "unpack", "--image", f"{layout}:{tag}", target)
        return os.path.join(target, "rootfs")

    def buildah(self, *words: str) -> str:
        """Run buildah with storage of its own; returns what it prints."""
        folder = os.path.join(self.sandbox.folder, "buildah")
        places = ["--root", f"{folder}/root", "--runroot", f"{folder}/run", "--storage-driver", "vfs"]
        return self.run("buildah", *places, *words).out.strip()

    def inspect(self, image: str, *options: str) -> list[dict[str, Any]]:
        """What ``image inspect`` says."""
        found: list[dict[str, Any]] = json.loads(self.ringfence("image", "inspect", "--json", *options, image).out)
        return found

    def diff_ids(self, image: str) -> list[str]:
        """The digests of the layers of an image."""
        return [layer["diffID"] for layer in self.inspect(image)[0]["layers"]]

    def config_digest(self, image: str) -> str:
        """The digest of the config of an image, which engines call its id."""
        with open(self.unpacked(image), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def unpacked(self, image: str) -> str:
        """The path of the config blob, copied out of the archive."""
        folder = self.path("files")
        os.mkdir(folder)
        self.run("tar", "-xf", image, "-C", folder)
        with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as file:
            return os.path.join(folder, json.load(file)[0]["Config"])
