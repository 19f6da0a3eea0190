"""Files that nobody should have written, made from a seed: for the reader and for the cleaner."""

from __future__ import annotations

import gzip
import io
import json
import random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

HI = [{"role": "user", "content": "Hi é テント"}, {"role": "assistant", "content": "Hello!"}]
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}],
}
ROWS: list[dict[str, Any]] = [
    {"messages": HI},
    {"messages": [HI[0], CALL, {"role": "tool", "tool_call_id": "a", "content": "1"}, HI[1]]},
    {"messages": [{**HI[0], "name": "mina"}, {**HI[1], "weight": 1}], "tools": [{"a": 1}]},
    {"input": HI[:1], "ideal": "Hello!"},
    {"input": {"messages": HI[:1]}, "preferred_output": HI[1:], "non_preferred_output": HI[1:]},
    {"instruction": "Hi", "input": "", "output": "Hello!"},
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]},
    {"prompt": "Hi", "completion": "Hello!"},
    {"utterances": [{"name": "user", "text": "Hi"}, {"name": "agent", "text": "Hello!"}]},
    {"prompt": "Hi", "chosen": "Hello!", "rejected": "What?"},
    {"chosen": HI, "rejected": [HI[0], {"role": "assistant", "content": "no"}]},
    {"chosen": "\n\nHuman: Hi\n\nAssistant: Yes", "rejected": "\n\nHuman: Hi\n\nAssistant: No"},
    {"question": "Hi", "answer": "x"},
]
WRONG: list[Any] = [
    None, True, 1, -1.5, 10**30, "", "x", "[", "{}", "[1]", [], {}, [[]], [{}], {"a": 1}, [None],
    ["Hi"], HI, [1, 2], {"role": "user"}, {"role": 1, "content": 2}, "\ud800", "\0", [[[[[[]]]]]],
]  # fmt: skip
KEYS = ["weight", "name", "tool_calls", "function_call", "from", "messages", "chosen", "line", ""]
PIECES = [
    "\n", "\r", "\r\n", "\0", "\ufeff", "NaN", "-Infinity", "1e999", "9" * 5000, "\\ud800", '"',
    "{", "}", "[", "]", ",", ":", "[" * 600, '{"a":' * 60, "\x1b$B", "\x1b", "\u2028", "\x85", "é",
    "テント", '"role":"x",', "\t", "\\", "\\u0000", "x" * 3000, "\n\n\n", '"\n"',
]  # fmt: skip
CELLS = ["a", "b c", '"q"', '"x\ny"', '"open', '5" pipe', '""', '"a""b"', '"a" b', "", "é", "\0"]
HEADERS = [
    "text,label", "question,answer", "prompt,chosen,rejected", "instruction,input,output", "a,b",
    "", ",text,text,label", '"text","label"', "messages,id", '"text,label', "{,[",
]  # fmt: skip
ENCODINGS = ["utf-8"] * 5 + [
    "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp932", "euc_jp", "iso2022_jp",
    "latin-1", "cp1252",
]  # fmt: skip
NAMES = ["f.jsonl", "f.json", "f.csv", "f.tsv", "f.txt", "f", "f.parquet", "f.jsonl.gz", "f.zst"]


def _mangled(value: Any, rng: random.Random) -> Any:
    """The value with some of its insides taken out or replaced."""
    if rng.random() < 0.12:
        return rng.choice(WRONG)
    if isinstance(value, dict):
        out = {key: item for key, item in value.items() if rng.random() > 0.08}
        for key in list(out):
            if rng.random() < 0.3:
                out[key] = _mangled(out[key], rng)
        if rng.random() < 0.1:
            out[rng.choice(KEYS)] = rng.choice(WRONG)
        return out
    if isinstance(value, list):
        return [_mangled(v, rng) if rng.random() < 0.3 else v for v in value][: rng.randint(0, 9)]
    return value


def _json(rng: random.Random) -> str:
    usual = rng.choice(ROWS)
    rows: list[Any] = [
        usual if rng.random() < 0.75 else rng.choice(ROWS) for _ in range(rng.randint(0, 7))
    ]
    if rng.random() < 0.7:
        rows = [_mangled(row, rng) if rng.random() < 0.5 else row for row in rows]
    plain = rng.random() < 0.5
    kind = rng.random()
    if kind < 0.6:
        end = rng.choice(["\n", "\n", "\r\n", "\r", "\n\n", "\n \t\n"])
        return end.join(json.dumps(row, ensure_ascii=plain) for row in rows)
    if kind < 0.85:
        return json.dumps(rows, indent=rng.choice([None, 0, 2]), ensure_ascii=plain)
    return "\n".join(json.dumps(row, indent=1, ensure_ascii=plain) for row in rows)


def _table(rng: random.Random) -> str:
    delimiter, end = rng.choice(",,,\t;|"), rng.choice(["\n", "\n", "\r\n", "\r", "\n\n"])
    header = rng.choice(HEADERS)
    width = header.count(",") + 1
    cells = CELLS if rng.random() < 0.5 else [cell for cell in CELLS if '"' not in cell]
    records = (
        delimiter.join(
            rng.choice(cells) for _ in range(width + (rng.random() < 0.1) - (rng.random() < 0.1))
        )
        for _ in range(rng.randint(0, 9))
    )
    return end.join([header.replace(",", delimiter), *records]) + rng.choice(["", end])


def _spoiled(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        place = rng.randint(0, len(out))
        out[place : place + rng.choice([0, 1, 1, 3])] = rng.randbytes(rng.randint(0, 3))
    return bytes(out[: rng.randint(0, len(out))] if rng.random() < 0.3 else out)


def _parquet(rng: random.Random) -> bytes:
    rows = [rng.choice(ROWS)] * rng.randint(0, 4)
    if rng.random() < 0.3:
        rows = [{"question": rng.choice([None, b"\xff", 1.5, "Hi"]), "answer": "x"}] * 2
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def hostile_file(rng: random.Random) -> tuple[str, bytes]:
    """A name and contents that do not fit each other, or that are damaged, or both."""
    name = rng.choice(NAMES)
    if rng.random() < 0.08:
        data = _parquet(rng)
        return name, _spoiled(data, rng) if rng.random() < 0.7 else data
    if rng.random() < 0.7:
        text = _json(rng)
    else:
        text, name = _table(rng), rng.choice(["f.csv", "f.tsv", "f.txt", name])
    if rng.random() < 0.5:
        for _ in range(rng.randint(1, 4)):
            place = rng.randint(0, len(text))
            text = text[:place] + rng.choice(PIECES) + text[place + rng.choice([0, 0, 1, 5]) :]
    if rng.random() < 0.1:
        text = text[: rng.randint(0, len(text))]
    encoding = rng.choice(ENCODINGS)
    data = text.encode(encoding, "surrogatepass" if encoding == "utf-8" else "replace")
    if rng.random() < 0.3:
        data = _spoiled(data, rng)
    if rng.random() < 0.03:
        data = rng.randbytes(rng.randint(0, 400))
    packing = rng.random()
    if packing < 0.1:
        data = gzip.compress(data, mtime=0)
    elif packing < 0.2 and data:
        data = pa.compress(data, "zstd", asbytes=True)
    return name, _spoiled(data, rng) if packing < 0.1 or 0.1 < packing < 0.15 else data


def mild_file(rng: random.Random) -> tuple[str, bytes]:
    """A name and a file that can be read, with rows in it that make no sense."""
    return "f.json", _json(rng).encode("utf-8", "backslashreplace")
