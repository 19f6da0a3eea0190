"""Where am I, what may I use, and why: platform, profile, device, dtype, seeds and paths.

Every choice is returned with its reason in words, and can be overridden by an environment variable:

- ``COURSE_PROFILE``: ``pocket`` (any CPU, offline) or ``t4`` (one CUDA GPU, hub models);
- ``COURSE_SEED``: the seed of the whole session;
- ``COURSE_LANGUAGE``: ``en``, or ``ja`` for Japanese figures and messages;
- ``COURSE_DATA``: the folder to use in place of the repository's ``data``.
"""

from __future__ import annotations

import logging
import os
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from course_lib import machine, profiles
from course_lib.errors import CourseError
from course_lib.language import translated

if TYPE_CHECKING:
    import torch

T = TypeVar("T")

_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Runtime:
    """What was found on this machine, and what the course will use of it.

    Args:
        platform: ``colab``, ``kaggle``, ``binder`` or ``local``.
        profile: ``pocket`` or ``t4``.
        device: ``cpu`` or ``cuda``; the pocket profile is always on the CPU.
        dtype: The compute type: ``float32``, ``float16`` or ``bfloat16``.
        cores: CPU cores that this process may really use (affinity, container quota).
        ram_gib: Main memory that this process may really use.
        gpu_name: The first GPU's name, None without one.
        gpu_capability: Its compute capability, such as ``(7, 5)`` for a T4.
        gpu_gib: Its memory in GiB.
        online: Whether a model hub can be reached.
        reasons: Why ``profile``, ``device``, ``dtype``, ``cores`` and ``online`` are what they are.
        problems: What will not work here, each with what to do about it.
    """

    platform: str
    profile: str
    device: str
    dtype: str
    cores: int
    ram_gib: float
    gpu_name: str | None
    gpu_capability: tuple[int, int] | None
    gpu_gib: float | None
    online: bool
    reasons: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def torch_dtype(self) -> torch.dtype:
        """The compute type as torch's own object."""
        import torch

        dtype: torch.dtype = getattr(torch, self.dtype)
        return dtype


def detect() -> Runtime:
    """Look at this machine and choose a profile, a device and a compute type, each with its reason.

    Returns:
        The runtime; looking changes nothing on the machine.

    Raises:
        CourseError: ``COURSE_PROFILE`` names no profile, or one that this machine cannot run.

    Example:
        >>> detect().reasons["dtype"]  # doctest: +SKIP
        'float32: a CPU computes it fastest and without loss'
    """
    gpu = machine.gpu()
    profile, why_profile = profiles.choose_profile(os.environ.get("COURSE_PROFILE"), gpu)
    device = "cuda" if profile == "t4" else "cpu"
    why_device = f"{device}: the {profile} profile runs on the " + (
        "GPU" if device == "cuda" else "CPU, so that everybody sees the same results"
    )
    dtype, why_dtype = profiles.choose_dtype(device, gpu)
    cores, why_cores = machine.cores()
    online, why_online = machine.online()
    ram_gib = machine.ram_gib()
    return Runtime(
        platform=machine.platform(),
        profile=profile,
        device=device,
        dtype=dtype,
        cores=cores,
        ram_gib=ram_gib,
        gpu_name=gpu.name if gpu else None,
        gpu_capability=gpu.capability if gpu else None,
        gpu_gib=gpu.gib if gpu else None,
        online=online,
        reasons={
            "profile": translated(why_profile),
            "device": translated(why_device),
            "dtype": translated(why_dtype),
            "cores": translated(why_cores),
            "online": translated(why_online),
        },
        problems=profiles.problems(
            profile, gpu, ram_gib=ram_gib, online=online, pocket_model=_ROOT / "data" / "pocket"
        ),
    )


def start(seed: int | None = None) -> Runtime:
    """Begin a session: detect, fix every seed, use the free cores, and quieten the libraries.

    In a notebook, an exception that the course knows is explained below its traceback.

    Args:
        seed: The session's seed; without it ``COURSE_SEED``, else 0, so that two learners who run
            the same notebook see the same figures.

    Returns:
        What `detect` found. Two lines about it are printed, and one for each problem; of several
        training processes only the first one prints.

    Raises:
        CourseError: ``COURSE_PROFILE`` or ``COURSE_SEED`` cannot be used.

    Example:
        >>> runtime = start()  # doctest: +SKIP
        local · pocket profile on cpu (float32), 4 cores, 15.5 GiB of memory, seed 0
        pocket: no CUDA GPU was found, and the pocket model needs none
    """
    # Two cards (Kaggle) would make the Trainer wrap the model in nn.DataParallel, which a quantised
    # model refuses; this has to be settled before CUDA is first touched. Processes that
    # `accelerate launch` has started each have a card of their own.
    if not machine.launched():
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")
    # A tokenizer that has run in threads warns at every later fork of a data loader.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if seed is not None:
        os.environ["COURSE_SEED"] = str(seed)
    session_seed = _session_seed()
    runtime = detect()
    if not runtime.online:
        # Said before the hub's library is imported, which reads it once: with no network a file
        # that is not here is reported at once instead of after a row of time-outs.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")

    _quieten()

    import torch
    import transformers

    from course_lib.troubleshooting.explaining import explain_cells

    # In a notebook, known exceptions are explained below their traceback from here on.
    explain_cells()
    transformers.set_seed(session_seed)
    torch.set_num_threads(runtime.cores)

    if not machine.is_main_process():
        return runtime
    said = (
        f"{runtime.platform} · {runtime.profile} profile on {runtime.gpu_name or runtime.device}"
        f" ({runtime.dtype}), {machine.cores_in_words(runtime.cores)},"
        f" {runtime.ram_gib:.1f} GiB of memory, seed {session_seed}"
    )
    print(translated(said))
    print(runtime.reasons["profile"])
    for problem in runtime.problems:
        print(f"! {translated(problem)}")
    return runtime


def _session_seed() -> int:
    text = os.environ.get("COURSE_SEED", "0")
    try:
        number = int(text)
    except ValueError:
        raise CourseError(f"COURSE_SEED is {text!r}: give a whole number, such as 0") from None
    if not 0 <= number < 2**32:
        raise CourseError(f"COURSE_SEED is {text}: give a number from 0 to {2**32 - 1}")
    return number


def seed() -> int:
    """Return the session's seed: what `start` was given, else ``COURSE_SEED``, else 0.

    Raises:
        CourseError: ``COURSE_SEED`` is no whole number from 0 to 2**32 - 1.

    Example:
        >>> seed()
        0
    """
    return _session_seed()


def choose(*, pocket: T, t4: T) -> T:
    """Pick the value for the profile at hand: the one place where a notebook asks which it is.

    Args:
        pocket: The value for a CPU and the pocket model.
        t4: The value for a CUDA GPU and a hub model.

    Returns:
        One of the two.

    Example:
        >>> choose(pocket=20, t4=3)  # epochs, on a laptop  # doctest: +SKIP
        20
    """
    return t4 if detect().profile == "t4" else pocket


def data_path(*parts: str) -> Path:
    """Return a path inside the course's ``data`` folder (or the one that ``COURSE_DATA`` names).

    Args:
        parts: Folder and file names below it; none for the folder itself. The file need not exist.

    Raises:
        CourseError: There is no such data folder.

    Example:
        >>> data_path("pocket").name
        'pocket'
    """
    root = Path(os.environ.get("COURSE_DATA") or _ROOT / "data")
    if not root.is_dir():
        raise CourseError(
            f"{root}: no such folder. The course's data lies beside course_lib in its repository: "
            "work from a checkout installed with `pip install -e .`, or let COURSE_DATA name it."
        )
    return root.joinpath(*parts)


def output_path(name: str) -> Path:
    """Return the folder for one run's results, created where it will outlive the session.

    Args:
        name: A relative name, such as ``"05-lora"``.

    Returns:
        On Colab a folder on Google Drive where it is mounted, on Kaggle one below
        ``/kaggle/working``, elsewhere one below the repository's ``build/runs``.

    Raises:
        CourseError: The name is empty, absolute, or climbs out with ``..``.

    Example:
        >>> output_path("05-lora")  # doctest: +SKIP
        PosixPath('build/runs/05-lora')
    """
    relative = Path(name)
    if not name or relative.is_absolute() or ".." in relative.parts:
        raise CourseError(f"output_path({name!r}): give a relative name such as '05-lora'")
    drive = Path("/content/drive/MyDrive")
    if machine.platform() == "colab" and drive.is_dir():
        folder = drive / "fine-tuning-course" / relative
    elif machine.platform() == "kaggle":
        folder = Path("/kaggle/working") / relative
    else:
        folder = _ROOT / "build" / "runs" / relative
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _quieten() -> None:
    """Switch off progress bars and notices that would fill a lesson, never a warning about it."""
    # Said while bitsandbytes is imported, so before anything imports it: that a faster kernel,
    # which would have to be downloaded, is missing.
    logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
    # On a machine without a GPU every data loader would say this; nothing can be done about it.
    warnings.filterwarnings("ignore", message=".*pin_memory.*")
    # transformers 5.23 renames what TRL and PEFT (get_peft_model) still call by its old name.
    warnings.filterwarnings("ignore", ".*gradient_checkpointing.*deprecated", FutureWarning)

    import datasets
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    datasets.disable_progress_bars()
