"""The rows of a training run: a file, or the folder that `split` or `clean` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.formats import Row, read, to_dataset

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

_SIDES = ("train", "validation", "test")
_KEPT = "kept.jsonl"


def training_data(
    source: str | Path,
    *,
    validation: str | Path | None = None,
    test: str | Path | None = None,
    seed: int = 0,
) -> tuple[DatasetDict, list[str]]:
    """Read the rows to train on and the rows to hold out.

    Args:
        source: The folder written by ``split`` (``train.jsonl`` and its sisters), the folder
            written by ``clean`` (``kept.jsonl``), or one file in any format that
            ``course_lib.formats`` reads. A row may also end with the question and have its answer
            in a column ``answer``.
        validation: A file to use as validation rows instead of the folder's own.
        test: A file to use as test rows instead of the folder's own.
        seed: Decides which rows are held out where nothing else says.

    Returns:
        A ``DatasetDict`` with ``train`` and, where there are any, ``validation`` and ``test``; and
        notes for the learner about what was chosen. Where no rows are held out yet, a tenth each
        is, near twins kept together.

    Raises:
        CourseError: A path leads nowhere, or a row cannot be read: the file and line are named.

    Example:
        >>> data, notes = training_data("build/split")  # doctest: +SKIP
        >>> sorted(data)  # doctest: +SKIP
        ['test', 'train', 'validation']
    """
    from datasets import DatasetDict

    files = _files(Path(source))
    files |= {
        side: Path(path) for side, path in (("validation", validation), ("test", test)) if path
    }
    data = DatasetDict({side: _rows(files[side]) for side in _SIDES if side in files})
    if len(data) == 1:
        return _hold_out(data["train"], seed)
    return data, _leaks(data)


def _files(source: Path) -> dict[str, Path]:
    if not source.is_dir():
        return {"train": source}
    found = {side: source / f"{side}.jsonl" for side in _SIDES}
    if found["train"].is_file():
        return {side: path for side, path in found.items() if path.is_file()}
    if (source / _KEPT).is_file():
        return {"train": source / _KEPT}
    raise CourseError(
        f"{source} holds neither train.jsonl, as `python -m course_lib split` writes it, nor "
        f"{_KEPT}, as `clean` writes it: name one of their folders, or a data file"
    )


def _rows(path: Path) -> Dataset:
    source = read(path)
    broken = [row for row in source.rows if row.problem]
    if broken:
        raise CourseError(
            f"{path}, line {broken[0].line}: {broken[0].problem}. {len(broken):,} of "
            f"{len(source.rows):,} rows cannot be read: run `python -m course_lib clean` first"
        )
    # What `clean` wrote knows its rows' lines in the original file, which is where to mend them.
    return to_dataset(
        {"line": row.line, **row.extra, "messages": _with_answer(row)} for row in source.rows
    )


def _with_answer(row: Row) -> list[dict[str, str]]:
    # The course's own test files end with the question and keep the answer in a column.
    messages, answer = row.messages or [], row.extra.get("answer")
    if isinstance(answer, str) and messages and messages[-1]["role"] == "user":
        return [*messages, {"role": "assistant", "content": answer}]
    return messages


def _hold_out(rows: Dataset, seed: int) -> tuple[DatasetDict, list[str]]:
    from datasets import DatasetDict

    from course_lib.cleaning import split

    try:
        parts = split(rows, seed=seed)
    except CourseError as error:
        note = f"nothing is held out, so nothing will be measured: {error}"
        return DatasetDict({"train": rows}), [note]
    sizes = ", ".join(f"{part.num_rows:,} {side}" for side, part in parts.items())
    note = (
        f"no held-out rows were given, so the rows were split: {sizes} (near twins together, seed "
        f"{seed}). To choose yourself, use `python -m course_lib split`, or --validation and --test"
    )
    return parts, [note]


def _leaks(data: DatasetDict) -> list[str]:
    from course_lib.cleaning import contaminated_rows

    leaked = contaminated_rows(data)
    if not leaked:
        return []
    return [
        f"{leaked:,} held-out rows have a near twin, or their passage, in the training rows: the "
        "figures will flatter the model. `python -m course_lib split` keeps twins together"
    ]
