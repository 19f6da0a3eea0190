"""The folder a server keeps everything in, and the lock that makes it the only one there."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from course_lib.errors import CourseError

_KEY_LENGTH = 24


@dataclass(frozen=True)
class Home:
    """Where a server keeps its files, jobs and models.

    Attributes:
        path: The folder; everything else is below it, under names that the server chose itself.
    """

    path: Path

    @property
    def database(self) -> Path:
        """State of files, jobs, events, checkpoints and models, in SQLite."""
        return self.path / "state.sqlite"

    def file(self, file_id: str) -> Path:
        """The content of an uploaded or written file."""
        return self.path / "files" / file_id

    def job(self, job_id: str) -> Path:
        """A job's folder: its run, its model, its log."""
        return self.path / "jobs" / job_id

    def create(self) -> None:
        """Make the folders.

        Raises:
            CourseError: They cannot be made.
        """
        try:
            for name in ("files", "jobs"):
                (self.path / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CourseError(
                f"{self.path} cannot be made: {error.strerror}; give another folder with --home"
            ) from error

    def lock(self) -> FileLock:
        """Take the folder for this process.

        Returns:
            The lock; the system releases it when the process ends, however it ends.

        Raises:
            CourseError: Another server works in it.

        Example:
            >>> lock = Home(Path("build/serve")).lock()  # doctest: +SKIP
        """
        lock = FileLock(self.path / "server.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise CourseError(
                f"another server works in {self.path}: stop it, or give this one a folder of its "
                "own with --home"
            ) from error
        except (OSError, NotImplementedError) as error:
            raise CourseError(
                f"{lock.lock_file} cannot be locked ({error}): give a folder on a local disk with "
                "--home"
            ) from error
        return lock

    def new_key(self) -> str | None:
        """Make the API key of a new folder.

        Only its hash is written down: whoever reads the folder does not learn the key.

        Returns:
            The key, to be shown once; None where the folder has one already.
        """
        if self._key_file.is_file():
            return None
        return self.replace_key()

    def replace_key(self) -> str:
        """Make another API key; the one before is worth nothing from then on.

        Returns:
            The key, to be shown once.
        """
        key = f"sk-{secrets.token_urlsafe(_KEY_LENGTH)}"
        unfinished = self._key_file.with_suffix(".unfinished")
        unfinished.write_text(key_hash(key) + "\n", encoding="ascii")
        unfinished.chmod(0o600)
        unfinished.replace(self._key_file)
        return key

    def stored_key_hash(self) -> str:
        """The hash of the key.

        Raises:
            CourseError: The folder has no key yet.
        """
        try:
            return self._key_file.read_text("ascii").strip()
        except OSError as error:
            raise CourseError(f"{self._key_file}: no key there ({error.strerror})") from error

    @property
    def _key_file(self) -> Path:
        return self.path / "key.sha256"


def key_hash(key: str) -> str:
    """SHA-256 of a key. A key is long and random, so that no slow hash is needed to protect it.

    Args:
        key: Such as ``sk-…``.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> key_hash("sk-a")[:8]
        'a4a6d307'
    """
    return hashlib.sha256(key.encode()).hexdigest()
