"""Unpacking a layer beside tar(1): ``make bench-image``, or ``python3 -m bench.image --rounds 5``.

The layer holds 200 MiB in some thousand files whose sizes are spread as those of a distribution. Each round unpacks it
once with each, in an order drawn from the seed; the page cache is warm for both.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from bench.__main__ import INSTALLED
from bench.command import Bench, Sample
from bench.report import aligned

SIZE = 200 * 2**20
FOLDERS = 300
LIMIT = 1.5
"""How many times as long as tar unpacking a layer may take."""
COMPRESSIONS = ("none", "gzip")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.image", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each thing is measured (default 5)")
    parser.add_argument("--seed", type=int, default=1, help="of the sizes and of the order (default 1)")
    return parser.parse_args()


def make_tree(root: Path, chance: random.Random) -> int:
    """Fill a folder; returns the number of files. Half of each file's content can be compressed."""
    left, count = SIZE, 0
    while left > 0:
        size = min(left, int(chance.lognormvariate(8.5, 1.9)))
        folder = root / f"d{chance.randrange(FOLDERS)}" / f"e{chance.randrange(4)}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file-{count}").write_bytes(chance.randbytes(size // 2) + bytes(size - size // 2))
        left -= size
        count += 1
    return count


def layer_of(image: Path, folder: Path) -> Path:
    """The layer of an image with one, copied out of it."""
    told = subprocess.run([INSTALLED, "image", "inspect", "--json", image], check=True, stdout=subprocess.PIPE).stdout
    name = "blobs/" + str(json.loads(told)[0]["layers"][0]["digest"]).replace(":", "/")
    subprocess.run(["tar", "-xf", image, "-C", folder, name], check=True)
    return folder / name


def peak(words: list[str]) -> float:
    """The most memory a command has resident, in MiB."""
    pid = os.posix_spawn(words[0], words, os.environ)
    return os.wait4(pid, 0)[2].ru_maxrss / 1024


def measure(scratch: Path, how: str, root: Path, rounds: int, chance: random.Random) -> tuple[dict[str, Sample], float]:
    """The medians by program, and the memory of ringfence."""
    image = scratch / f"{how}.tar"
    subprocess.run([INSTALLED, "image", "build", "--rootfs", root, "-o", image, "--compress", how], check=True)
    layer, out, bench = layer_of(image, scratch), scratch / "out", Bench(scratch)
    commands = {
        "tar": ["/usr/bin/tar", "-xf", str(layer), "-C", str(out)],
        "ringfence": [INSTALLED, "bundle", str(image), str(out)],
    }
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name in chance.sample(list(commands), len(commands)):
            out.mkdir()
            samples[name].append(bench.measure(*commands[name]))
            shutil.rmtree(out)
            os.sync()
    memory = peak(commands["ringfence"])
    shutil.rmtree(out)
    middles = {
        name: Sample(median(one.wall for one in taken), median(one.cpu for one in taken))
        for name, taken in samples.items()
    }
    return middles, memory


def main() -> int:
    given = arguments()
    chance = random.Random(given.seed)
    rows: list[list[str]] = []
    within = True
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as place:
        root = Path(place) / "root"
        count = make_tree(root, chance)
        for how in COMPRESSIONS:
            found, memory = measure(Path(place), how, root, given.rounds, chance)
            ours, theirs = found["ringfence"], found["tar"]
            within = within and ours.wall <= LIMIT * theirs.wall
            times = [f"{taken.wall:.0f} ms" for taken in (theirs, ours)]
            ratios = [f"{ours.wall / theirs.wall:.2f}", f"{ours.cpu / theirs.cpu:.2f}"]
            rows.append([how, *times, *ratios, f"{memory:.0f} MiB"])
    print(f"{SIZE // 2**20} MiB in {count} files, {given.rounds} rounds")
    print(aligned("layer", ["tar", "ringfence", "ratio", "CPU", "memory"], rows), end="")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
