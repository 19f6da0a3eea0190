"""Install the course into a hosted image (Colab, Kaggle) without moving what the image is built on.

These images come with torch and numpy, compiled to fit each other and the GPU's driver, and the
kernel has often loaded numpy before the first cell runs: an install that moves either breaks the
session in ways that a learner cannot repair. So whatever the image has of them is frozen, and what
was added or moved besides is said.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

# The image's own, each built against the others: moving one of them breaks the rest.
FROZEN = ("torch", "torchvision", "torchaudio", "triton", "numpy", "scipy", "pandas", "pyarrow")
# A kernel has loaded these before the first cell: of a newer one it sees nothing until it restarts.
_LOADED = ("ipython", "ipykernel", "ipywidgets", "matplotlib", "traitlets", "psutil", "pillow")


def main(home: Path) -> int:
    """Install the course from its checkout, and say what stayed, what came and what moved.

    Args:
        home: The checkout.

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
    if moved & set(_LOADED):
        print("Restart the session once (the lesson's menu has it), and run from the first cell.")
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

    Example:
        >>> "torch==" in frozen_versions()
        True
    """
    here = installed()
    return "".join(f"{name}=={here[name]}\n" for name in FROZEN if name in here)


def installed() -> dict[str, str]:
    """Every installed package and its version, by its name in small letters.

    Example:
        >>> "torch" in installed()
        True
    """
    return {each.name.lower().replace("_", "-"): each.version for each in distributions()}


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parents[2]))
