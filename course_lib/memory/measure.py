"""Measure the peak memory of whatever runs inside a `with` block."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

MB = 1e6


@dataclass
class Measured:
    """The memory and time of a block; the numbers are there once the block has ended.

    Args:
        device: ``cpu`` (resident memory of the process) or ``cuda`` (PyTorch's allocations).
        before_mb: Memory in use when the block began, in millions of bytes.
        peak_mb: The most in use at any moment of the block.
        reserved_mb: On CUDA, the most that the allocator held, fragments included; else 0.
        seconds: How long the block ran.
    """

    device: str
    before_mb: float = 0.0
    peak_mb: float = 0.0
    reserved_mb: float = 0.0
    seconds: float = 0.0

    @property
    def added_mb(self) -> float:
        """What the block needed beyond what was in use before it."""
        return self.peak_mb - self.before_mb


@contextmanager
def measure(device: str = "cpu", *, interval: float = 0.005) -> Iterator[Measured]:
    """Watch the memory of a block of code.

    Args:
        device: ``cpu`` or ``cuda``.
        interval: Seconds between two looks at the process, where neither the kernel (on Linux)
            nor CUDA keeps a peak by itself; a shorter peak can then be missed.

    Returns:
        A context manager whose value is filled in when the block ends, by an error too.

    Example:
        >>> with measure() as used:
        ...     block = bytearray(80_000_000)
        >>> used.peak_mb > 0
        True
    """
    result = Measured(device)
    watch = _cuda if device == "cuda" else _resident
    with watch(result, interval):
        begin = time.perf_counter()
        try:
            yield result
        finally:
            if device == "cuda":  # kernels run on after the calls that started them
                import torch

                torch.cuda.synchronize()
            result.seconds = time.perf_counter() - begin


@contextmanager
def _cuda(result: Measured, interval: float) -> Iterator[None]:
    import torch

    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    result.before_mb = torch.cuda.memory_allocated() / MB
    try:
        yield
    finally:
        result.peak_mb = torch.cuda.max_memory_allocated() / MB
        result.reserved_mb = torch.cuda.max_memory_reserved() / MB


@contextmanager
def _resident(result: Measured, interval: float) -> Iterator[None]:
    process = psutil.Process()
    done = threading.Event()
    _give_back_what_is_free()
    result.before_mb = result.peak_mb = process.memory_info().rss / MB
    kernel_keeps_a_peak = _forget_peak()

    def look() -> None:
        result.peak_mb = max(result.peak_mb, process.memory_info().rss / MB)

    def keep_looking() -> None:
        while not done.wait(interval):
            look()

    thread = threading.Thread(target=keep_looking, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        look()
        # The looks still count: a measurement inside this one makes the kernel forget.
        if kernel_keeps_a_peak:
            result.peak_mb = max(result.peak_mb, _kernel_peak_mb())


def _give_back_what_is_free() -> None:
    """Return freed memory to the system, or a block that uses it again would seem to need none."""
    gc.collect()
    if sys.platform == "linux":
        try:
            ctypes.CDLL("libc.so.6").malloc_trim(0)
        except (OSError, AttributeError):  # another C library (musl), which keeps less back
            return


def _forget_peak() -> bool:
    """Let Linux begin a new peak of resident memory; False where that is not possible."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return _kernel_peak_mb() > 0
    except OSError:
        return False


def _kernel_peak_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next((line for line in lines if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    return int(peak.split()[1]) * 1024 / MB
