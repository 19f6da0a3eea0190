"""Files: JSON, encodings, weights, the disk, and ports."""

from __future__ import annotations

import errno
import json
import re
from pathlib import Path

from course_lib.troubleshooting.raised import Finding, Raised

_READERS = ("open", "read_text", "read_csv", "read_json", "load_dataset")
_KANA_OR_KANJI = re.compile("[\u3041-\u30ff\u4e00-\u9fff]")
_AROUND = 24
_PORT = r"\b[1-9]\d{3,4}\b"


def _json_lines_as_json(raised: Raised) -> Finding | None:
    """`json.load` on a file with one JSON value a line."""
    error = raised.error
    if not isinstance(error, json.JSONDecodeError) or not error.msg.startswith("Extra data"):
        return None
    if not all(map(_is_json, error.doc.splitlines()[:2])):
        return None
    for function, lines in (("load", ""), ("loads", ".splitlines()")):
        source = raised.statement.argument([function], 0) if raised.statement else None
        if source:
            return raised.with_text(
                re.escape(f"json.{function}({source})"),
                f"[json.loads(line) for line in {source}{lines}]",
                "[json.loads(line) for line in file]",
            )
    return Finding("[json.loads(line) for line in file]")


def _broken_json(raised: Raised) -> Finding | None:
    """A line that is no JSON."""
    error = raised.error
    if isinstance(error, json.JSONDecodeError):
        near = error.doc[max(0, error.pos - _AROUND) : error.pos + _AROUND].strip()
        if not near or error.msg.startswith(("Extra data", "Unexpected UTF-8")):
            return None
        where = f"{error.msg}: {near!r}"
    else:
        found = raised.in_chain("ArrowInvalid", r"JSON parse error: (.+)")
        if not found:
            return None
        where = found[1]
    return Finding(
        'source = course_lib.read("rows.jsonl")\n'
        "[(row.line, row.problem) for row in source.rows if row.problem]",
        None,
        {"where": where},
    )


def _byte_order_mark(raised: Raised) -> Finding | None:
    """A file that Excel or Notepad saved with a mark before its first character."""
    if not raised.matches("JSONDecodeError", "Unexpected UTF-8 BOM"):
        return None
    return raised.with_arguments(*_READERS, put={"encoding": '"utf-8-sig"'})


def _file_in_cp932(raised: Raised) -> Finding | None:
    """A Japanese file of Windows, read as UTF-8."""
    for error in raised.chain:
        if isinstance(error, UnicodeDecodeError) and error.encoding.lower() in ("utf-8", "utf8"):
            try:
                text = error.object.decode("cp932")
            except UnicodeDecodeError:
                return None
            shown = _KANA_OR_KANJI.search(text)
            if shown is None:
                return None
            beginning = text[max(0, shown.start() - 8) : shown.start() + 16].split("\n")[0]
            return raised.with_arguments(
                *_READERS, put={"encoding": '"cp932"'}, byte=hex(error.object[error.start]),
                shown=beginning.strip() or shown[0],
            )  # fmt: skip
    return None


def _not_json_serialisable(raised: Raised) -> Finding | None:
    """A number of NumPy or a tensor in what is written as JSON."""
    found = raised.matches(
        "TypeError",
        r"Object of type (float\d+|int\d+|bool|ndarray|Tensor) is not JSON serializable",
    )
    if not found:
        return None
    put = {"default": "lambda value: value.tolist()"}
    return raised.with_arguments("dumps", "dump", put=put, kind=found[1])


def _disk_full(raised: Raised) -> Finding | None:
    """Nothing more can be written."""
    full = any(isinstance(one, OSError) and one.errno == errno.ENOSPC for one in raised.chain)
    return Finding("SFTConfig(..., save_total_limit=1)") if full else None


def _port_in_use(raised: Raised) -> Finding | None:
    """Another program listens there."""
    taken = any(isinstance(one, OSError) and one.errno == errno.EADDRINUSE for one in raised.chain)
    if not taken:
        return None
    numbers = re.findall(_PORT, raised.statement.text) if raised.statement else []
    return raised.with_text(_PORT, "0", "port=0") if len(numbers) == 1 else Finding("port=0")


def _weights_file_broken(raised: Raised) -> Finding | None:
    """A .safetensors file that is cut short, or is none."""
    found = raised.matches(
        "SafetensorError", r"deserializing header: (header too large|incomplete)"
    )
    if not found:
        return None
    file = Path((next(raised.locals_named("checkpoint_files"), None) or ["model.safetensors"])[0])
    values = {"file": file.name, "bytes": _size(file)}
    if "snapshots" not in file.parts:  # not fetched from a hub, but somebody's own folder
        return Finding(f'Path("{file}").stat().st_size', None, values)
    finding = raised.with_arguments("from_pretrained", put={"force_download": "True"})
    return Finding(finding.write, finding.statement, values)


def _shared_tensors(raised: Raised) -> Finding | None:
    """`save_file` refuses tied weights."""
    if not raised.matches("RuntimeError", "some tensors share memory"):
        return None
    finding = raised.with_text(
        r"save_file\((\w+)\.state_dict\(\)",
        lambda found: f"save_model({found[1]}",
        "save_model(model, path)",
    )
    text = f"from safetensors.torch import save_model\n{finding.write}"
    return Finding(text, finding.statement)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _size(file: Path) -> str:
    return f"{file.stat().st_size:,}" if file.is_file() else "?"


DIAGNOSES = (
    _json_lines_as_json,
    _broken_json,
    _byte_order_mark,
    _file_in_cp932,
    _not_json_serialisable,
    _disk_full,
    _port_in_use,
    _weights_file_broken,
    _shared_tensors,
)
