"""The two profiles, and what follows from a machine: each choice comes with its reason in words."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.machine import Gpu

PROFILES = ("pocket", "t4")
# What a T4 shows of its 16 GB is 14.56 GiB; a little less is asked, for drivers that keep more.
T4_GIB = 14.0
# A notebook may take 2 GB; its server, and a browser beside them, come on top.
POCKET_RAM_GIB = 3.5
PACKAGES = ("torch", "transformers", "trl", "peft", "bitsandbytes", "datasets", "evaluate")


def choose_profile(asked: str | None, gpu: Gpu | None) -> tuple[str, str]:
    """Choose ``pocket`` or ``t4``.

    Args:
        asked: The profile that the user asks for; None or empty leaves the choice to the machine.
        gpu: The machine's GPU.

    Returns:
        The profile and the reason.

    Raises:
        CourseError: The name is unknown, or the machine has no GPU that could run ``t4``.

    Example:
        >>> choose_profile(None, None)
        ('pocket', 'pocket: no CUDA GPU was found, and the pocket model needs none')
    """
    if asked and asked not in PROFILES:
        raise CourseError(f"COURSE_PROFILE is {asked!r}: set it to one of {', '.join(PROFILES)}")
    if asked == "t4" and (gpu is None or not gpu.supported):
        raise CourseError(
            f"COURSE_PROFILE=t4 cannot be used: {_obstacle(gpu)}. Unset it to use the pocket model "
            "on the CPU, or pick a T4 (Colab: Runtime > Change runtime type; "
            "Kaggle: Settings > Accelerator)."
        )
    if asked:
        return asked, f"{asked}: COURSE_PROFILE asks for it"
    obstacle = _obstacle(gpu)
    if gpu is None or obstacle:
        return "pocket", f"pocket: {obstacle}, and the pocket model needs none"
    return "t4", f"t4: {gpu.name} with {gpu.gib:.2f} GiB holds the hub models of the catalog"


def choose_dtype(device: str, gpu: Gpu | None) -> tuple[str, str]:
    """Choose the compute type.

    Args:
        device: ``cpu`` or ``cuda``.
        gpu: The machine's GPU; needed for ``cuda``.

    Returns:
        The type's name in torch, and the reason.

    Example:
        >>> choose_dtype("cuda", Gpu("Tesla T4", (7, 5), 14.56, True))[0]
        'float16'
    """
    if device == "cpu" or gpu is None:
        return "float32", "float32: exact, and on a CPU 16 bits are seldom faster"
    major, minor = gpu.capability
    if gpu.capability >= (8, 0):
        return "bfloat16", f"bfloat16: compute capability {major}.{minor} has it in hardware"
    # Not torch.cuda.is_bf16_supported(): it says True on a T4, where bf16 is emulated and slow.
    return "float16", f"float16: compute capability {major}.{minor} has no bfloat16; that needs 8.0"


def problems(
    profile: str, gpu: Gpu | None, *, ram_gib: float, online: bool, pocket_model: Path
) -> list[str]:
    """Say what will not work on this machine, and what to do about each.

    Args:
        profile: ``pocket`` or ``t4``.
        gpu: The machine's GPU.
        ram_gib: Its main memory.
        online: Whether the model hub can be reached; only ``t4`` needs it.
        pocket_model: The pocket model's folder.

    Returns:
        One sentence or two for each problem; empty where all is well.

    Example:
        >>> problems("t4", None, ram_gib=12, online=False, pocket_model=Path("data/pocket"))[0][:15]
        'the t4 profile '
    """
    found = []
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        found.append(
            f"not installed: {', '.join(missing)}. Run `make lab`, or "
            "`python -m pip install -c constraints.txt -e .[lab,test]` in the repository."
        )
    if ram_gib < POCKET_RAM_GIB:
        found.append(
            f"{ram_gib:.1f} GiB of memory: a notebook may take 2 GiB beside the notebook server. "
            "Close other programs, and run one notebook at a time."
        )
    if gpu is not None and not gpu.supported:
        found.append(
            f"{_obstacle(gpu)}, so it stays unused. On Kaggle pick the accelerator 'GPU T4 x2' "
            "(Settings > Accelerator)."
        )
    if profile == "t4" and not online:
        found.append(
            "the t4 profile downloads its models and the hub cannot be reached. On Kaggle switch "
            "Internet on (Settings), or set COURSE_PROFILE=pocket."
        )
    if profile == "pocket" and not (pocket_model / "model.safetensors").is_file():
        found.append(
            f"the pocket model is not in {pocket_model.parent.name}/{pocket_model.name}: take a "
            "full checkout of the repository, or rebuild the model with `make pocket`."
        )
    return found


def _obstacle(gpu: Gpu | None) -> str | None:
    """Why the t4 profile cannot be used here, or None where it can."""
    if gpu is None:
        return "no CUDA GPU was found"
    if not gpu.supported:
        major, minor = gpu.capability
        return f"the installed torch has no kernels for this {gpu.name} (sm_{major}{minor})"
    if gpu.gib < T4_GIB:
        return f"this {gpu.name} has {gpu.gib:.1f} GiB, less than the {T4_GIB:.0f} of a T4"
    return None
