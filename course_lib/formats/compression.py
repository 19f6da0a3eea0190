"""The bytes of a data file, block by block, whether it is compressed or not.

What a file is, its first bytes say; its name may lie. No block is larger than asked for, so that
a few kilobytes that unpack to many gigabytes do no harm.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from course_lib.errors import CourseError

BLOCK = 1 << 20
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_PARQUET = b"PAR1"
_SAVE_AS = "save the table as CSV in UTF-8"
# What people try to read, and what they should do instead.
_OTHERS = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook", f"unpack it, or {_SAVE_AS}"),
    (b"\xd0\xcf\x11\xe0", "an old Office document", _SAVE_AS),
    (b"BZh", "compressed with bzip2", "unpack it with bunzip2"),
    (b"\xfd7zXZ", "compressed with xz", "unpack it with unxz"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack it"),
    (b"%PDF", "a PDF", "copy its text into a table or JSON Lines"),
    (b"\x89PNG", "a picture", "write what it shows as text"),
    (b"\xff\xd8\xff", "a picture", "write what it shows as text"),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV"),
    (b"ARROW1", "an Arrow file", "save it as Parquet"),
)


class Damaged(Exception):
    """The compressed data breaks off or makes no sense; the text says why."""


def container(path: Path) -> str:
    """Say how the bytes of a file are packed, from its first bytes.

    Args:
        path: An existing file.

    Returns:
        "plain", "gzip", "zstd" or "parquet".

    Raises:
        CourseError: The file is missing, empty, a folder, or of a kind that holds no rows.

    Example:
        >>> container(Path("train.jsonl.gz"))                          # doctest: +SKIP
        'gzip'
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except FileNotFoundError as error:
        raise CourseError(f"There is no file {path}: check the path.") from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if not head:
        raise CourseError(f"{path} is empty (0 bytes): export the data again.")
    for magic, name in ((_GZIP, "gzip"), (_ZSTD, "zstd"), (_PARQUET, "parquet")):
        if head.startswith(magic):
            return name
    for magic, what, advice in _OTHERS:
        if head.startswith(magic):
            raise CourseError(f"{path} is {what}, not a data file that can be read: {advice}.")
    return "plain"


def blocks(path: Path, packed: str) -> Iterator[bytes]:
    """Yield the unpacked bytes of a file.

    Args:
        path: An existing file.
        packed: What `container` says of it: "plain", "gzip" or "zstd".

    Yields:
        Blocks of at most a megabyte, none of them empty.

    Raises:
        Damaged: The compressed data cannot be unpacked from here on.
        CourseError: The disk refuses.

    Example:
        >>> b"".join(blocks(Path("a.jsonl.gz"), "gzip"))               # doctest: +SKIP
        b'{"messages": ...'
    """
    if packed == "zstd":
        yield from _unzstd(path)
        return
    try:
        with path.open("rb") as file:
            pieces = _gunzip(file) if packed == "gzip" else iter(lambda: file.read(BLOCK), b"")
            yield from filter(None, pieces)
    except OSError as error:
        raise _unreadable(path, error) from error


def _gunzip(file: BinaryIO) -> Iterator[bytes]:
    engine = zlib.decompressobj(wbits=31)  # 31: a gzip header, and its checksum is compared
    while data := file.read(BLOCK // 8):
        while data:
            if engine.eof:
                data = data.lstrip(b"\0")  # tapes pad with zeros
                if not data:
                    break
                engine = zlib.decompressobj(wbits=31)  # files may be strung together
            before = engine.copy()
            try:
                piece = engine.decompress(data, BLOCK)
            except zlib.error as error:
                yield from _up_to_damage(before, data)
                raise Damaged("the gzip data is broken") from error
            yield piece
            data = engine.unconsumed_tail or engine.unused_data
    while not engine.eof:
        rest = engine.decompress(b"", BLOCK)
        if not rest:
            raise Damaged("the gzip data ends too early")
        yield rest


def _up_to_damage(engine: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """Byte by byte, so that what stands before the damage is not lost with it."""
    for place in range(len(data)):
        try:
            yield engine.decompress(data[place : place + 1])
        except zlib.error as error:
            reason = str(error).rpartition(": ")[2]
            raise Damaged(f"the gzip data is broken, {reason}") from error


def _unzstd(path: Path) -> Iterator[bytes]:
    import pyarrow as pa

    try:
        with closing(pa.input_stream(str(path), compression="zstd")) as stream:
            # Small reads: what stands before the damage within one read is lost with it.
            while data := stream.read(BLOCK // 64):
                yield data
    except OSError as error:
        reason = str(error).removeprefix("ZSTD decompress failed: ").lower()
        raise Damaged(f"the zstd data is broken, {reason}") from error


def _unreadable(path: Path, error: Exception) -> CourseError:
    reason = getattr(error, "strerror", None) or error
    return CourseError(f"{path} cannot be read ({reason}).")
