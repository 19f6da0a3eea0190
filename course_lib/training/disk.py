"""The disk under a run: is it still there, is there room, is what was written really on it?"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


class NoPlace(OSError):
    """The folder is gone, or has too little room; its text says so in a sentence."""


# What torch says, as a RuntimeError, where the operating system refused a write.
_TORCH_WRITE_ERRORS = ("PytorchStreamWriter", "inline_container", "Parent directory")


def check(folder: Path, needed: int, device: int | None) -> None:
    """Refuse to write where it cannot end well.

    Args:
        folder: Where a checkpoint is to be written.
        needed: Bytes that it takes at least.
        device: The number of the file system that the folder was on; None where it is to be made.

    Raises:
        NoPlace: The folder is gone or on another file system than before, as when a Drive is
            unmounted (a library would then write to the local disk below its mount point), or
            there is too little room.

    Example:
        >>> check(Path("."), 1, Path(".").stat().st_dev)
    """
    if device is None:
        folder.mkdir(parents=True, exist_ok=True)
    elif not folder.is_dir() or folder.stat().st_dev != device:
        raise NoPlace(f"{folder} is gone: deleted, or its disk or Drive is no longer mounted")
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NoPlace(
            f"{folder} is full: {_mb(free)} are free, a checkpoint takes {_mb(needed)} and more"
        )


def why_not_written(error: Exception, folder: Path) -> str:
    """Say in words why a write failed.

    Args:
        error: What the write raised.
        folder: Where it was to go.

    Returns:
        The folder and the reason.

    Raises:
        Exception: ``error`` itself, where it is no error of writing.

    Example:
        >>> why_not_written(OSError(30, "Read-only file system"), Path("/mnt/run"))
        '/mnt/run cannot be written: Read-only file system'
    """
    if isinstance(error, RuntimeError) and not any(
        words in str(error) for words in _TORCH_WRITE_ERRORS
    ):
        raise error
    if isinstance(error, NoPlace):
        return str(error)
    reason = error.strerror if isinstance(error, OSError) else None
    reason = reason or _refusal(folder) or str(error).strip().splitlines()[0]
    return f"{folder} cannot be written: {reason}"


def spare_folders(run_dir: Path) -> Iterator[Path]:
    """Where a run may save itself when its own folder cannot be written.

    Args:
        run_dir: The folder asked for; it gives the spare ones their name.

    Returns:
        One folder below the temporary directory and one below the home directory, not made yet.

    Example:
        >>> next(spare_folders(Path("runs/mine"))).name.startswith("rescued-mine-")
        True
    """
    # The same name for each process of a run, another one for another run.
    digest = hashlib.sha256(os.path.abspath(run_dir).encode()).hexdigest()[:8]
    for place in dict.fromkeys((Path(tempfile.gettempdir()), Path.home())):
        yield place / f"rescued-{run_dir.name}-{digest}"


def flush(folder: Path) -> None:
    """Wait until a folder and all that is in it is on the disk, not only in the system's memory.

    Args:
        folder: What was written.

    Raises:
        OSError: The disk did not take it.

    Example:
        >>> flush(Path("build/run/unfinished/checkpoint-10"))  # doctest: +SKIP
    """
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                _flush_file(file.fileno())
        else:
            flush_folder(path)
    flush_folder(folder)


def _flush_file(handle: int) -> None:
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network file systems do not know the call: that is no failed write.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


def flush_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can promise it.

    Args:
        folder: The folder.

    Example:
        >>> flush_folder(Path("."))
    """
    # Windows and some network file systems cannot; there the rename alone has to do.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _refusal(folder: Path) -> str | None:
    """What the system says to a write: torch and safetensors tell only what failed inside them."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(2**16))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.strerror
    return None


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
