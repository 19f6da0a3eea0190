"""Rows of a Parquet file, batch by batch, as values that JSON can hold."""

from __future__ import annotations

import base64
import datetime
import decimal
import math
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError
from course_lib.formats.compression import BLOCK
from course_lib.formats.json_rows import Item

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_ROWS = 1024


def parquet_rows(path: Path) -> Iterator[Item]:
    """Read a Parquet file, 1024 rows at a time, whatever the size of its row groups.

    What JSON has no notation for is written as it is commonly written: a date as ISO 8601, a
    decimal as its digits, bytes as UTF-8 or else base64, a missing number (NaN) as null.

    Args:
        path: The file.

    Yields:
        An item a row; its line is the number of the row, from 1. Where the data is broken, one
        item says which rows are missing.

    Raises:
        CourseError: It is no Parquet file that can be opened, or it has no rows.

    Example:
        >>> next(parquet_rows(Path("train.parquet"))).line             # doctest: +SKIP
        1
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # By default each column of a row group, which may be the whole file, is read at once.
        file = pq.ParquetFile(path, buffer_size=BLOCK, pre_buffer=False)
        schema = file.schema_arrow
    except (pa.ArrowException, OSError, ValueError, MemoryError, TypeError) as error:
        raise CourseError(
            f"{path} begins like Parquet but cannot be opened ({_short(error)}): copy or download "
            "it again."
        ) from error
    with file:
        if file.metadata.num_rows == 0:
            raise CourseError(f"{path} has no rows: export the data again.")
        yield from _rows(file, schema)


def _rows(file: pq.ParquetFile, schema: pa.Schema) -> Iterator[Item]:
    import pyarrow as pa

    twice = [name for name in dict.fromkeys(schema.names) if schema.names.count(name) > 1]
    odd = [field.name for field in schema if not _is_plain(field.type)]
    number = 1
    # Group by group: what is broken in one says nothing about the next.
    for group in range(file.metadata.num_row_groups):
        behind = number + file.metadata.row_group(group).num_rows
        try:
            for batch in file.iter_batches(batch_size=_ROWS, row_groups=[group]):
                for item in _values(batch, number):
                    if twice:
                        item = item._replace(problem=f"two columns are called {twice[0]!r}")
                    elif not item.problem:
                        for name in odd:
                            item.value[name] = _as_json(item.value[name])
                    yield item
                number += batch.num_rows
        except (pa.ArrowException, OSError, ValueError, MemoryError, TypeError) as error:
            problem = (
                f"the Parquet data is broken here ({_short(error)}): rows {number} to "
                f"{behind - 1} are missing. Copy or download the file again"
            )
            yield Item(number, "", problem)
        number = behind


def _values(batch: pa.RecordBatch, number: int) -> Iterator[Item]:
    try:
        for place, value in enumerate(batch.to_pylist(), start=number):
            yield Item(place, value, None)
        return
    except (ValueError, OverflowError, TypeError, KeyError):
        pass  # text that is no UTF-8, a date out of range: find the rows
    for place in range(batch.num_rows):
        try:
            value = batch.slice(place, 1).to_pylist()[0]
        except (ValueError, OverflowError, TypeError, KeyError) as error:
            yield Item(number + place, "", f"a value cannot be read ({_short(error)})")
        else:
            yield Item(number + place, value, None)


def _is_plain(kind: pa.DataType) -> bool:
    """Whether values of an Arrow type come out as JSON can hold them."""
    import pyarrow as pa

    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _is_plain(kind.value_type)
    if pa.types.is_struct(kind):
        return all(_is_plain(kind.field(n).type) for n in range(kind.num_fields))
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_integer)
    return any(test(kind) for test in (*tests, pa.types.is_boolean, pa.types.is_null))


def _as_json(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        # Pandas writes a missing number as NaN. Infinity is a value, but not one of JSON.
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    if isinstance(value, dict):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json(item) for item in value]
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return base64.b64encode(value).decode("ascii")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, uuid.UUID, datetime.timedelta)):
        return str(value)
    return str(value)


def _short(error: BaseException) -> str:
    return str(error).split("\n")[0].rstrip(". ")[:120] or type(error).__name__
