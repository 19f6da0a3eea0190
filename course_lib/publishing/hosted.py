"""Install the course into a hosted image (Colab, Kaggle) without moving what the image is built on.

These images come with torch and numpy, compiled to fit each other and the GPU's driver, and the
kernel has often loaded numpy before the first cell runs: an install that moves either breaks the
session in ways that a learner cannot repair. So whatever the image has of them is frozen, and what
was added or moved besides is said. (pyarrow is not among the frozen: TRL from 1.0 on needs a newer
one than Colab's image of June 2026 had, and its wheels bring all that they need.)
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Collection
from importlib.metadata import distributions, packages_distributions
from pathlib import Path

# From this on pyarrow asks for numpy 2 when it is imported, and does not tell pip: of an image that
# keeps numpy 1 it would make one in which nothing reads a dataset.
_PYARROW_OF_NUMPY_2 = "26"
# The image's own, each built against the others: moving one of them breaks the rest.
FROZEN = ("torch", "torchvision", "torchaudio", "triton", "numpy", "scipy", "pandas")


def main(home: Path, loaded: Collection[str] = ()) -> int:
    """Install the course from its checkout, and say what stayed, what came and what moved.

    Args:
        home: The checkout.
        loaded: The modules that the learner's kernel has loaded: of a newer version of one of them
            it would see nothing until it restarts.

    Returns:
        pip's exit code. pip refuses, and installs nothing, if the course needs another torch.

    Example:
        >>> main(Path("fine-tuning-course"))  # doctest: +SKIP
        The image keeps its own torch 2.11.0, numpy 2.0.2, scipy 1.16.3, pandas 2.2.2.
        Installed besides: bitsandbytes, course-lib, trl …
        0
    """
    before = installed()
    kept = [f"{name} {before[name]}" for name in FROZEN if name in before]
    print(f"The image keeps its own {', '.join(kept)}.", flush=True)
    code = install(home)
    if code:
        print("pip could not install the course; its message stands above, and nothing was moved.")
        return code
    after = installed()
    came = sorted(set(after) - set(before))
    moved = {name for name in before if name in after and before[name] != after[name]}
    print(f"Installed besides: {', '.join(came) or 'nothing'}.")
    if moved:
        steps = [f"{name} {before[name]} → {after[name]}" for name in sorted(moved)]
        print(f"Brought up to what the course needs: {', '.join(steps)}.")
    modules = packages_distributions()
    stale = {
        name.lower().replace("_", "-")
        for module in set(modules) & set(loaded)
        for name in modules[module]
    } & moved
    if stale:
        print(f"This session has the older {', '.join(sorted(stale))} in memory: restart it once")
        print("(in the menu: Runtime or Run > Restart session), and run again from the first cell.")
    return 0


def install(home: Path) -> int:
    """Install the course from its checkout, leaving the frozen packages where they are.

    Args:
        home: The checkout.

    Returns:
        pip's exit code.

    Example:
        >>> install(Path("fine-tuning-course"))  # doctest: +SKIP
        0
    """
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "image.txt"
        constraints.write_text(frozen_versions(), encoding="utf-8")
        command = ["-m", "pip", "install", "-q", "-c", str(constraints), "-e", str(home)]
        return subprocess.run([sys.executable, *command], check=False).returncode


def frozen_versions() -> str:
    """Return a constraints file that pins every package of `FROZEN` to what is installed here.

    Returns:
        One line a package; beside numpy 1 also the newest pyarrow that works with it.

    Example:
        >>> "torch==" in frozen_versions()
        True
    """
    here = installed()
    lines = [f"{name}=={here[name]}" for name in FROZEN if name in here]
    if here.get("numpy", "").startswith("1."):
        lines.append(f"pyarrow<{_PYARROW_OF_NUMPY_2}")
    return "\n".join(lines) + "\n"


def installed() -> dict[str, str]:
    """Every installed package and its version, by its name in small letters.

    Example:
        >>> "torch" in installed()
        True
    """
    found: dict[str, str] = {}
    for each in distributions():
        # The first on the path is the one that is imported; a half-removed one has no name.
        if each.name:
            found.setdefault(each.name.lower().replace("_", "-"), each.version)
    return found


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parents[2], sys.argv[1:]))
