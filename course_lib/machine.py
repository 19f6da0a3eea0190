"""What this machine is: platform, GPU, free cores, memory, network. Looks only; decides nothing."""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import psutil

GIB = 2**30
_HUB = ("huggingface.co", 443)


@dataclass(frozen=True)
class Gpu:
    """The first CUDA GPU.

    Args:
        name: As its driver gives it, such as ``Tesla T4``.
        capability: Compute capability, such as ``(7, 5)``.
        gib: Its memory in GiB.
        supported: Whether the installed torch carries kernels for it.
    """

    name: str
    capability: tuple[int, int]
    gib: float
    supported: bool


def platform() -> str:
    """Return ``colab``, ``kaggle``, ``binder`` or ``local``, from what each sets for its sessions.

    Example:
        >>> platform()  # doctest: +SKIP
        'local'
    """
    if "KAGGLE_KERNEL_RUN_TYPE" in os.environ:  # first: Kaggle's image carries google.colab too
        return "kaggle"
    if "COLAB_RELEASE_TAG" in os.environ:
        return "colab"
    if any(name.startswith("BINDER_") for name in os.environ):
        return "binder"
    return "local"


def gpu() -> Gpu | None:
    """Return the first CUDA GPU, or None: no GPU, no driver, or a torch without CUDA.

    Example:
        >>> gpu()  # doctest: +SKIP
        Gpu(name='Tesla T4', capability=(7, 5), gib=14.56, supported=True)
    """
    if find_spec("torch") is None:
        return None
    import torch

    if not torch.cuda.is_available():
        return None
    major, minor = torch.cuda.get_device_capability(0)
    # A wheel carries machine code for some architectures (sm_75, …). Code for an architecture runs
    # on later ones of the same major version; nothing runs on an earlier one.
    built = [int(arch[3:].rstrip("af")) for arch in torch.cuda.get_arch_list() if arch[:3] == "sm_"]
    supported = any(arch // 10 == major and arch <= 10 * major + minor for arch in built)
    return Gpu(
        name=torch.cuda.get_device_name(0),
        capability=(major, minor),
        gib=round(torch.cuda.get_device_properties(0).total_memory / GIB, 2),
        supported=supported,
    )


def launched() -> bool:
    """Return whether this is one of the processes that ``accelerate launch`` (torchrun) started.

    Example:
        >>> launched()
        False
    """
    return "LOCAL_RANK" in os.environ


def local_rank() -> int:
    """Return which of this machine's training processes this is, and so which GPU is its own.

    Example:
        >>> local_rank()
        0
    """
    return int(os.environ.get("LOCAL_RANK", "0"))


def is_main_process() -> bool:
    """Return whether this is the first of all training processes: the one that prints and saves.

    Example:
        >>> is_main_process()
        True
    """
    return os.environ.get("RANK", "0") == "0"


def cores() -> tuple[int, str]:
    """Return how many CPU cores this process is to compute with, and what limits them.

    Example:
        >>> cores()  # doctest: +SKIP
        (1, '1 of 8: OMP_NUM_THREADS asks for it')
    """
    count, why = free_cores()
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and 0 < int(asked) < count:
        return int(asked), f"{asked} of {os.cpu_count() or 1}: OMP_NUM_THREADS asks for it"
    return count, why


def cores_in_words(count: int) -> str:
    """Return a number of cores as a person says it.

    Args:
        count: How many.

    Returns:
        The number and its noun.

    Example:
        >>> cores_in_words(1), cores_in_words(4)
        ('1 core', '4 cores')
    """
    return "1 core" if count == 1 else f"{count} cores"


def free_cores() -> tuple[int, str]:
    """Return how many CPU cores are really free for this process, and what limits them.

    A container sees every core of its host and may use only a few of them: more threads than that
    make training several times slower.

    Example:
        >>> free_cores()  # doctest: +SKIP
        (2, '2 of 8: the quota of this container')
    """
    seen = os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else seen
    limits = [(allowed, "all of them" if allowed == seen else "those given to this process")]
    quota = _cpu_quota()
    if quota is not None:
        limits.append((quota, "the quota of this container"))
    count, why = min(limits, key=lambda limit: limit[0])
    return count, f"{count} of {seen}: {why}"


def ram_gib() -> float:
    """Return the memory in GiB that this process may use: the machine's, or its container's limit.

    Example:
        >>> ram_gib()  # doctest: +SKIP
        12.67
    """
    total = psutil.virtual_memory().total
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        limit = _cgroup(name)
        if limit.isdigit():  # "max" where there is none
            total = min(total, int(limit))
    return round(total / GIB, 2)


@cache
def online() -> tuple[bool, str]:
    """Return whether the model hub answers, and how that is known. Asked once, for 1.5 s at most.

    Example:
        >>> online()  # doctest: +SKIP
        (False, 'huggingface.co did not answer within 1.5 s')
    """
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        return False, "HF_HUB_OFFLINE is set"
    answered = threading.Event()

    def knock() -> None:
        try:
            socket.create_connection(_HUB, timeout=1.5).close()
        except OSError:
            return
        answered.set()

    # In a thread of its own: looking up a name cannot be given a time limit, and behind some
    # firewalls takes ten seconds.
    threading.Thread(target=knock, daemon=True).start()
    if answered.wait(1.5):
        return True, f"{_HUB[0]} answers"
    return False, f"{_HUB[0]} did not answer within 1.5 s"


def _cpu_quota() -> int | None:
    """Whole cores of the container's quota, at least one; None without a quota."""
    quota, _, period = _cgroup("cpu.max").partition(" ")
    if not quota:
        quota, period = _cgroup("cpu/cpu.cfs_quota_us"), _cgroup("cpu/cpu.cfs_period_us")
    if not (quota.isdigit() and period.isdigit()):  # "max", or -1, where there is none
        return None
    return max(1, int(quota) // int(period))


def _cgroup(name: str) -> str:
    try:
        return (Path("/sys/fs/cgroup") / name).read_text().strip()
    except OSError:  # not Linux, or no control groups here
        return ""
