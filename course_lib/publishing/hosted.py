"""Install the course into a hosted image (Colab, Kaggle) without moving what the image is built on.

These images come with torch and numpy, compiled to fit each other and the GPU's driver, and the
kernel has often loaded numpy before the first cell runs: an install that moves either breaks the
session in ways that a learner cannot repair. So whatever the image has of them is frozen.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# The image's own, each built against the others: moving one of them breaks the rest.
FROZEN = ("torch", "torchvision", "torchaudio", "triton", "numpy", "scipy", "pandas", "pyarrow")


def frozen_versions() -> str:
    """Return a constraints file that pins every package of `FROZEN` to what is installed here.

    Example:
        >>> "torch==" in frozen_versions()
        True
    """
    lines = []
    for name in FROZEN:
        try:
            lines.append(f"{name}=={version(name)}")
        except PackageNotFoundError:
            continue  # the image does not have it, so nothing there can break
    return "\n".join(lines) + "\n"


def install(home: Path) -> int:
    """Install the course from its checkout, leaving the frozen packages where they are.

    Args:
        home: The checkout.

    Returns:
        pip's exit code. pip refuses, and installs nothing, if the course needs another torch.

    Example:
        >>> install(Path("fine-tuning-course"))  # doctest: +SKIP
        0
    """
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "image.txt"
        constraints.write_text(frozen_versions(), encoding="utf-8")
        command = ["-m", "pip", "install", "-q", "-c", str(constraints), "-e", str(home)]
        return subprocess.run([sys.executable, *command], check=False).returncode


if __name__ == "__main__":
    sys.exit(install(Path(__file__).resolve().parents[2]))
