"""Every format becomes the same conversation, and every broken row keeps its line."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from course_lib.cleaning import clean
from course_lib.errors import CourseError
from course_lib.formats import FORMATS, Row, join, read, stream, to_dataset, write_jsonl

HI = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]
SHAPES: dict[str, dict[str, Any]] = {
    "openai_chat": {"messages": HI},
    "openai_evals": {"input": HI[:1], "ideal": "Hello!"},
    "alpaca": {"instruction": "Hi", "input": "", "output": "Hello!"},
    "sharegpt": {
        "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]
    },
    "prompt_completion": {"prompt": "Hi", "completion": "Hello!"},
    "utterances": {
        "utterances": [{"name": "user", "text": "Hi"}, {"name": "agent", "text": "Hello!"}]
    },
    "columns": {"question": "Hi", "answer": "Hello!"},
    "preference": {"prompt": "Hi", "chosen": "Hello!", "rejected": "What?"},
    "openai_preference": {
        "input": {"messages": HI[:1]},
        "preferred_output": HI[1:],
        "non_preferred_output": [{"role": "assistant", "content": "What?"}],
    },
}
WHAT = [{"role": "assistant", "content": "What?"}]
GOOD = json.dumps({"messages": HI})


def _write(path: Path, data: str | bytes) -> Path:
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
    return path


def _rows(path: Path, *rows: object) -> list[Row]:
    return read(_write(path, "\n".join(json.dumps(row) for row in rows))).rows


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_becomes_the_same_conversation(name: str, tmp_path: Path) -> None:
    path = _write(tmp_path / "rows.jsonl", json.dumps({**SHAPES[name], "id": 7}) + "\n")
    source = read(path)
    assert (source.format, source.encoding) == (name, "utf-8")
    row = source.rows[0]
    assert row.messages == HI
    assert row.extra == {"id": 7}
    assert row.file == str(path)
    assert (row.rejected, row.prompt_length) == (
        (WHAT, 1) if "preference" in name else (None, None)
    )
    assert read(path, format=name).rows == source.rows


def test_every_shape_is_tested() -> None:
    assert set(SHAPES) | {"csv"} == set(FORMATS)


TOOLS: list[dict[str, Any]] = [
    {
        "role": "user",
        "content": [{"type": "text", "text": "How "}, {"type": "text", "text": "far?"}],
    },
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "distance", "arguments": '{"to": "the summit"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "4 km"},
    {"role": "assistant", "content": "Four kilometres.", "weight": 0, "name": "guide"},
]


def test_tool_calls_and_weights_travel_through_dataset_and_file(tmp_path: Path) -> None:
    tools = [{"type": "function", "function": {"name": "distance", "parameters": {"a": 1}}}]
    other = [{"type": "function", "function": {"name": "find", "parameters": {"b": "x"}}}]
    rows = _rows(tmp_path / "t.jsonl", {"messages": TOOLS, "tools": tools}, {"messages": HI})
    wanted = [{**TOOLS[0], "content": "How far?"}, {**TOOLS[1], "content": ""}, *TOOLS[2:]]
    assert rows[0].messages == wanted
    items = [{"messages": row.messages, **row.extra} for row in rows]
    items[1]["tools"] = other
    dataset = to_dataset(items)
    assert dataset[0]["messages"][1]["tool_calls"] == TOOLS[1]["tool_calls"]
    assert dataset[0]["messages"][3]["weight"] == 0
    assert dataset["tools"][:] == [tools, other]
    for name, out in (("dataset", dataset), ("rows", items)):
        again = read(write_jsonl(out, tmp_path / f"{name}.jsonl")).rows
        assert [row.messages for row in again] == [wanted, HI]
        assert [row.extra["tools"] for row in again] == [tools, other]


def test_arguments_of_different_calls_do_not_mix(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {
            "messages": [
                HI[0],
                {
                    "role": "assistant",
                    "content": "",
                    "tool_calls": [{"name": "find", "arguments": arguments}],
                },
            ]
        }
        for arguments in ({"city": "Kyoto"}, {"number": 3})
    ]
    assert to_dataset(rows)["messages"][:] == [
        [{**row["messages"][0], "tool_calls": None}, row["messages"][1]] for row in rows
    ]


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ({"role": "user", "content": [{"type": "image_url"}]}, "part 1 is of the type 'image_url'"),
        ({"role": "user", "content": [{"type": "text"}]}, "part 1 has no text"),
        ({"role": "user", "content": [3]}, "part 1 is not an object but int (3)"),
        ({"role": "user", "content": 3}, "message 2: 'content' is not text but int (3)"),
        ({"role": "user"}, "message 2 has no 'content' (it has: role)"),
        ({"content": "x"}, "message 2 has no 'role' (it has: content)"),
        ({"role": None, "content": "x"}, "message 2: 'role' is not text but null"),
        ("Hi", "message 2 is not an object but str ('Hi')"),
        ({"role": "user", "content": "x", "weight": True}, "'weight' must be a number from 0 to 1"),
        ({"role": "user", "content": "x", "weight": 2}, "'weight' must be a number from 0 to 1"),
        ({"role": "user", "content": "x", "name": 3}, "'name' is not text but int (3)"),
        ({"role": "tool", "content": "x", "tool_call_id": {}}, "'tool_call_id' is not text"),
        ({"role": "assistant", "tool_calls": {"id": 1}}, "'tool_calls' must be a list"),
        ({"role": "assistant", "tool_calls": ["x"]}, "tool call 1 is not an object"),
        ({"role": "assistant", "tool_calls": [{}]}, "tool call 1 does not name a function"),
        ({"role": "assistant", "tool_calls": [{"name": "f", "id": 3}]}, "'id' is not text"),
        (
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": 3}}]},
            "'arguments' must be JSON text or an object",
        ),
        ({"role": "assistant", "function_call": "f"}, "'function_call' is not an object"),
    ],
)
def test_a_wrong_message_is_named(message: object, problem: str, tmp_path: Path) -> None:
    bad, good = _rows(tmp_path / "t.jsonl", {"messages": [HI[0], message]}, {"messages": HI})
    assert problem in (bad.problem or "")
    assert (bad.rule, bad.messages, bad.line) == ("schema", None, 1)
    assert good.messages == HI


def test_what_is_left_out_of_messages_is_said(tmp_path: Path) -> None:
    rows = [{"messages": [{**HI[0], "timestamp": 5, "refusal": None}, HI[1]]}] * 2
    source = read(write_jsonl(rows, tmp_path / "t.jsonl"))
    assert source.rows[0].messages == HI
    assert source.notes == ["t.jsonl: 'timestamp' of messages was left out (2)."]


def test_a_developer_message_is_a_system_message_and_that_is_said(tmp_path: Path) -> None:
    rows = [
        {"messages": [{"role": "developer", "content": "Be kind."}, *HI]},
        {"messages": HI},
        {"prompt": [{"role": "developer", "content": "Be kind."}, HI[0]], "completion": [HI[1]]},
    ]
    note = "t.jsonl: the role 'developer' of messages was read as 'system' (1)."
    system = {"role": "system", "content": "Be kind."}
    source = read(write_jsonl(rows[:2], tmp_path / "t.jsonl"))
    assert [row.messages for row in source.rows] == [[system, *HI], HI]
    assert source.notes == [note]
    source = read(write_jsonl(rows[2:], tmp_path / "t.jsonl"))
    assert source.rows[0].messages == [system, *HI]
    assert source.notes == [note]
    report = clean(write_jsonl(rows[:1], tmp_path / "t.jsonl"), rules=["role", "turns"])
    assert report.kept_rows == [{"messages": [system, *HI]}]
    assert note in (report.save(tmp_path / "out") / "report.html").read_text("utf-8").replace(
        "&#x27;", "'"
    )


def test_a_speaker_called_developer_is_somebody(tmp_path: Path) -> None:
    turns = [{"name": "developer", "text": "Hi"}, {"name": "agent", "text": "Hello!"}]
    source = read(write_jsonl([{"utterances": turns}], tmp_path / "t.jsonl"))
    assert source.rows[0].messages == [
        {**HI[0], "role": "developer", "content": "Hi"},
        {"role": "assistant", "content": "Hello!"},
    ]
    assert source.notes == []


@pytest.mark.parametrize(
    ("row", "prompt", "chosen", "rejected", "extra"),
    [
        (
            {
                "chosen": "\n\nHuman: Hi\n\nAssistant: Yes?\n\nHuman: Ho\n\nAssistant: Hello!",
                "rejected": "\n\nHuman: Hi\n\nAssistant: Yes?\n\nHuman: Ho\n\nAssistant: What?",
            },
            [("user", "Hi"), ("assistant", "Yes?"), ("user", "Ho")],
            "Hello!",
            "What?",
            {},
        ),
        (
            {"prompt": "\n\nHuman: Hi\n\nAssistant:", "chosen": "Hello!", "rejected": "What?"},
            [("user", "Hi")],
            "Hello!",
            "What?",
            {},
        ),
        ({"chosen": HI, "rejected": [HI[0], *WHAT]}, [("user", "Hi")], "Hello!", "What?", {}),
        ({"chosen": HI, "rejected": HI}, [("user", "Hi")], "Hello!", "Hello!", {}),
        (
            {"prompt": HI[:1], "chosen": HI[1:], "rejected": WHAT},
            [("user", "Hi")],
            "Hello!",
            "What?",
            {},
        ),
        (
            # As in ultrafeedback_binarized: everything is there two or three times.
            {"prompt": "Hi", "chosen": HI, "rejected": [HI[0], *WHAT], "messages": HI, "score": 1},
            [("user", "Hi")],
            "Hello!",
            "What?",
            {"original_messages": HI, "score": 1},
        ),
        (
            # The number of the prompt is kept, and does not take the prompt's place.
            {
                "input": {"messages": HI[:1]},
                "preferred_output": HI[1:],
                "non_preferred_output": WHAT,
                "prompt": 5,
            },
            [("user", "Hi")],
            "Hello!",
            "What?",
            {"original_prompt": 5},
        ),
        (
            {"system": "Be kind.", "question": "Hi", "chosen": "Hello!", "rejected": "What?"},
            [("system", "Be kind."), ("user", "Hi")],
            "Hello!",
            "What?",
            {},
        ),
        (
            {"instruction": "Translate.", "input": "Hi", "chosen": "やあ", "rejected": "Hi"},
            [("user", "Translate.\n\nHi")],
            "やあ",
            "Hi",
            {},
        ),
        (
            {
                "conversations": [{"from": "human", "value": "Hi"}],
                "chosen": {"from": "gpt", "value": "Hello!"},
                "rejected": {"from": "gpt", "value": "What?"},
            },
            [("user", "Hi")],
            "Hello!",
            "What?",
            {},
        ),
    ],
)
def test_preference_pairs_of_many_makes(
    row: dict[str, Any],
    prompt: list[tuple[str, str]],
    chosen: str,
    rejected: str,
    extra: dict[str, Any],
    tmp_path: Path,
) -> None:
    (read_row,) = _rows(tmp_path / "t.jsonl", row)
    assert read_row.problem is None
    assert read_row.messages is not None
    turns = [(message["role"], message["content"]) for message in read_row.messages]
    assert turns == [*prompt, ("assistant", chosen)]
    assert read_row.prompt_length == len(prompt)
    assert read_row.rejected == [{"role": "assistant", "content": rejected}]
    assert read_row.extra == extra


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"chosen": "Hello!", "rejected": "What?"}, "the row has no prompt"),
        ({"chosen": HI, "rejected": [{**HI[0], "content": "Ho"}, *WHAT]}, "no prompt in common"),
        ({"prompt": "Ho", "chosen": HI, "rejected": HI}, "but not the one in the row"),
        ({"prompt": "Hi", "chosen": 3, "rejected": "x"}, "'chosen' is not text but int (3)"),
        ({"prompt": "Hi", "chosen": [], "rejected": "x"}, "at least one message"),
        ({"chosen": [*HI, *HI], "rejected": [*HI, *WHAT]}, "part at message 3"),
    ],
)
def test_pairs_that_are_none(row: dict[str, Any], problem: str, tmp_path: Path) -> None:
    bad, _ = _rows(tmp_path / "t.jsonl", row, SHAPES["preference"])
    assert problem in (bad.problem or "")
    assert bad.rejected is None


def test_pairs_travel_through_dataset_and_file(tmp_path: Path) -> None:
    (row,) = _rows(tmp_path / "t.jsonl", SHAPES["preference"])
    assert row.messages is not None
    pair = {
        "prompt": row.messages[: row.prompt_length],
        "chosen": row.messages[row.prompt_length :],
        "rejected": row.rejected,
    }
    dataset = to_dataset([{"messages": row.messages, **pair}])
    assert dataset.features["rejected"] == dataset.features["messages"]
    again = read(write_jsonl([pair], tmp_path / "pair.jsonl")).rows[0]
    assert (again.messages, again.rejected) == (row.messages, row.rejected)


def test_more_of_alpaca_and_sharegpt(tmp_path: Path) -> None:
    alpaca = {
        "system": "Be kind.",
        "history": [["One", "Two"]],
        "instruction": "Hi",
        "output": "Hello!",
    }
    (row,) = _rows(tmp_path / "a.jsonl", alpaca)
    assert row.messages == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Two"},
        *HI,
    ]
    turns = [
        {"from": "human", "value": "Hi"},
        {"from": "function_call", "value": '{"name": "find", "arguments": {"a": 1}}'},
        {"from": "observation", "value": "42"},
        {"from": "gpt", "value": "Hello!"},
    ]
    (row,) = _rows(tmp_path / "s.jsonl", {"conversations": turns, "system": "Be kind."})
    assert row.messages is not None
    assert [message["role"] for message in row.messages] == [
        "system",
        "user",
        "assistant",
        "tool",
        "assistant",
    ]
    call = {"type": "function", "function": {"name": "find", "arguments": {"a": 1}}}
    assert row.messages[2]["tool_calls"] == [call]


def test_a_row_of_another_shape_says_so(tmp_path: Path) -> None:
    rows = _rows(tmp_path / "t.jsonl", {"messages": HI}, {"messages": HI}, SHAPES["alpaca"])
    assert rows[2].problem == (
        "no 'messages' in the row (it has: instruction, input, output); it looks like alpaca"
    )


def test_csv_finds_its_columns_and_counts_physical_lines(tmp_path: Path) -> None:
    path = _write(tmp_path / "t.csv", 'id,text,label\n1,"two\nlines",a\n2,one,b\n3,too,many,x\n')
    source = read(path)
    rows = source.rows
    assert [row.line for row in rows] == [2, 4, 5]
    assert rows[0].messages == [
        {"role": "user", "content": "two\nlines"},
        {"role": "assistant", "content": "a"},
    ]
    assert rows[0].extra == {"id": "1"}
    assert rows[2].problem == "4 fields where the header has 3"
    assert "'text' was read as the question" in source.notes[0]


def test_tables_of_many_makes(tmp_path: Path) -> None:
    def first(name: str, text: str, **named: str) -> Row:
        row: Row = read(_write(tmp_path / name, text), **named).rows[0]
        assert row.problem is None
        return row

    assert first("a.csv", "body,reply\nHi,Hello!\n", question="body", answer="reply").messages == HI
    assert first("b.csv", "text;label\r\nHi;Hello!\r\n").messages == HI
    assert first("c.tsv", "question\tanswer\nHi\tHello!\n").messages == HI
    assert first("d.txt", "question,answer\nHi,Hello!\n").messages == HI
    assert first("e.csv", "question,answer\rHi,Hello!\r").messages == HI
    assert first("f.csv", "\n\nquestion,answer\nHi,Hello!\n").line == 4
    assert first("g.csv", ",text,text,label\n0,Hi,Ho,Hello!\n").extra == {
        "column_1": "0",
        "text_2": "Ho",
    }
    pair = first("h.csv", "prompt,chosen,rejected\nHi,Hello!,What?\n")
    assert (pair.messages, pair.rejected) == (HI, WHAT)
    alpaca = first("i.csv", "instruction,input,output\nTranslate.,Hi,Salut\n").messages
    assert alpaca is not None
    assert alpaca[0]["content"] == "Translate.\n\nHi"
    cell = json.dumps(HI).replace('"', '""')
    assert first("j.csv", f'id,messages\n1,"{cell}"\n').messages == HI
    assert first("k.csv", GOOD).messages == HI  # JSON Lines under a wrong name


def test_an_open_quote_costs_its_own_line(tmp_path: Path) -> None:
    text = (
        'id,text,label\n1,"open,a\n2,fine,b\n3,"qu""oted",c\n4,He said "hi",d\n5,"x" y,e\n6,"open'
    )
    rows = read(_write(tmp_path / "t.csv", text)).rows
    assert [(row.line, row.rule) for row in rows] == [
        (2, "json"),
        (3, None),
        (4, None),
        (5, None),
        (6, "json"),
        (7, "json"),
    ]
    assert rows[2].messages is not None
    assert rows[2].messages[0]["content"] == 'qu"oted'
    assert rows[3].messages is not None
    assert rows[3].messages[0]["content"] == 'He said "hi"'


def test_a_tsv_may_know_no_quotes(tmp_path: Path) -> None:
    text = 'text\tlabel\n"Hi" she said\ta\n"Ho\tb\n"He\tc\n"two\nlines"\td\nx"y\te\n'
    rows = read(_write(tmp_path / "t.tsv", text)).rows
    questions = [row.messages[0]["content"] for row in rows if row.messages]
    assert questions == ['"Hi" she said', '"Ho', '"He', "two\nlines", 'x"y']


def test_an_open_quote_before_many_lines_is_found_in_time(tmp_path: Path) -> None:
    body = "".join(f"{number},text,b\n" for number in range(12_000))
    rows = read(_write(tmp_path / "t.csv", f'id,text,label\n0,"open,a\n{body}')).rows
    assert len(rows) == 12_001
    assert [row.line for row in rows if row.problem] == [2]


@pytest.mark.parametrize(
    "encoding",
    ["cp932", "euc_jp", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "iso2022_jp"],
)
@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_japanese_encodings_are_detected(encoding: str, suffix: str, tmp_path: Path) -> None:
    text = "質問,回答\nテントはいつ届きますか。,明日お届けします。\n"
    path = tmp_path / f"t.csv{suffix}"
    if suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode(encoding)))
    elif suffix == ".zst":
        path.write_bytes(pa.compress(text.encode(encoding), "zstd", asbytes=True))
    else:
        path.write_bytes(text.encode(encoding))
    source = read(path)
    assert source.encoding == encoding
    assert source.notes
    assert source.rows[0].messages is not None
    assert source.rows[0].messages[1]["content"] == "明日お届けします。"


@pytest.mark.parametrize("encoding", ["cp932", "euc_jp", "utf-16-le", "iso2022_jp", "utf-8"])
def test_japanese_json_lines_in_every_encoding(encoding: str, tmp_path: Path) -> None:
    turn = {"role": "user", "content": "テントはいつ届きますか。"}
    line = json.dumps({"messages": [turn, HI[1]]}, ensure_ascii=False)
    source = read(_write(tmp_path / "t.jsonl", f"{line}\n{line}\n".encode(encoding)))
    assert source.encoding == encoding
    assert [row.messages for row in source.rows] == [[turn, HI[1]]] * 2


def test_a_zero_byte_does_not_make_utf_16(tmp_path: Path) -> None:
    for encoding in ("utf-8", "cp932", "euc_jp"):
        text = "質問,回答\nテントはいつ\0届きますか。,明日\n"
        source = read(_write(tmp_path / "t.csv", text.encode(encoding)))
        assert source.encoding == encoding


def test_western_legacy_file_is_read_as_cp1252(tmp_path: Path) -> None:
    source = read(_write(tmp_path / "t.csv", "text,label\nÆnima café,neutral\n".encode("cp1252")))
    assert source.encoding == "cp1252"
    assert source.rows[0].messages is not None
    assert source.rows[0].messages[0]["content"] == "Ænima café"
    assert read(tmp_path / "t.csv", encoding="latin-1").encoding == "latin-1"


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "euc_jp", "utf-16", "iso2022_jp"])
def test_damaged_bytes_cost_their_line(encoding: str, tmp_path: Path) -> None:
    lines = ["質問,回答", "テントはいつ届きますか。,明日お届けします。"]
    good = "".join(f"{line}\n" for line in [*lines, *lines[1:] * 3]).encode(encoding)
    bad = b"\x00\xd8\n\x00" if encoding == "utf-16" else b"a,\x81\n"
    tail = (lines[1] + "\n").encode("utf-16-le" if encoding == "utf-16" else encoding)
    source = read(_write(tmp_path / "t.csv", good + bad + tail))
    assert source.encoding == encoding
    rows = [(row.line, row.rule) for row in source.rows]
    assert rows == [(2, None), (3, None), (4, None), (5, None), (6, "json"), (7, None)]
    assert f"is not {encoding}" in (source.rows[4].problem or "")
    assert any("encoding=" in note for note in source.notes)


def test_broken_rows_keep_line_and_reason(tmp_path: Path) -> None:
    lines = [GOOD, "", '{"messages": [', "NaN", '{"messages": "Hi"}', '{"messages": ["Hi"]}']
    lines += ['{"messages": [{"role": "user"}]}', GOOD.replace("Hello", "\\ud800")]
    lines += [GOOD.replace('"content"', '"role"'), GOOD[:-1] + ', "x": 1e999}', "[" * 100_000]
    lines += [GOOD[:-1] + f', "x": {"9" * 5000}' + "}", GOOD + GOOD, "\ufeff" + GOOD, "[1]"]
    source = read(_write(tmp_path / "t.jsonl", "\n".join(lines) + "\n"))
    rows = source.rows
    assert [row.line for row in rows] == [1, *range(3, 16)]
    rules = [row.rule for row in rows]
    assert rules == [None, "json", "json", *["schema"] * 3, *["json"] * 6, None, "schema"]
    problems = [row.problem or "" for row in rows]
    for number, words in (
        (6, "surrogate"),
        (7, "the key 'role' stands twice"),
        (8, "too large"),
        (9, "nested more than 50 levels"),
        (10, "5,000 digits"),
        (11, "Extra data at column"),
    ):
        assert words in problems[number]
    assert rows[1].raw == '{"messages": ['
    assert source.notes == [
        "t.jsonl: blank lines were skipped (1).",
        "t.jsonl: byte-order marks between rows (1).",
    ]


def test_json_array_names_the_line_of_each_element(tmp_path: Path) -> None:
    text = json.dumps([{"messages": HI}, {"messages": HI}], indent=1)
    rows = read(_write(tmp_path / "t.json", text)).rows
    assert len(rows) == 2
    assert rows[0].line == 2
    assert rows[1].line > 10


@pytest.mark.parametrize("indent", [None, 1, 4])
@pytest.mark.parametrize("broken", [0, 1, 2])
def test_a_broken_element_costs_itself(indent: int | None, broken: int, tmp_path: Path) -> None:
    elements = [json.dumps({"messages": HI}, indent=indent)] * 3
    elements[broken] = elements[broken].replace('"user"', '"user')
    for name, text in (
        ("array", "[\n" + ",\n".join(elements) + "\n]"),
        ("one line", "[" + ",".join(elements) + "]"),
    ):
        rows = read(_write(tmp_path / f"{name}.json", text)).rows
        assert [bool(row.problem) for row in rows] == [n == broken for n in range(3)]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("between", [",", ",\n"])
def test_broken_elements_of_a_long_array(indent: int | None, between: str, tmp_path: Path) -> None:
    texts = [
        json.dumps({"id": n, "messages": [{**HI[0], "content": "x" * (n * 37 % 900)}, HI[1]]})
        for n in range(5000)
    ]
    if indent:
        text = json.dumps([json.loads(text) for text in texts], indent=indent)
        for n in range(0, 5000, 50):
            text = text.replace(f'"id": {n},', f'"id": {n}', 1)
    else:
        texts[::50] = [text.replace(",", "", 1) for text in texts[::50]]
        text = "[" + between.join(texts) + "]"
    rows = read(_write(tmp_path / "t.json", text)).rows
    assert [n for n, row in enumerate(rows) if row.problem] == list(range(0, 5000, 50))
    assert [row.extra["id"] for row in rows if not row.problem] == [
        n for n in range(5000) if n % 50
    ]
    lines = text.split("\n")
    for row in rows if len(lines) > 1 else []:
        if not row.problem:
            assert f'"id": {row.extra["id"]},' in "".join(lines[row.line - 1 : row.line + 1])


def test_json_that_is_spread_over_lines(tmp_path: Path) -> None:
    pretty = json.dumps({"messages": HI}, indent=2)
    source = read(_write(tmp_path / "a.json", f"{pretty}\n{pretty}\n"))
    assert [(row.line, row.messages) for row in source.rows] == [(1, HI), (13, HI)]
    rows = read(_write(tmp_path / "b.json", f"[{GOOD},\n{GOOD}\n")).rows
    assert [(row.line, row.rule) for row in rows] == [(1, None), (2, None), (3, "json")]
    assert "not closed" in (rows[2].problem or "")
    rows = read(_write(tmp_path / "c.json", f"[{GOOD},{GOOD},]\nrubbish\nmore")).rows
    assert [row.rule for row in rows] == [None, None, "json"]
    assert rows[2].raw == "rubbish\nmore"


def test_one_damaged_line_does_not_make_the_file_latin(tmp_path: Path) -> None:
    good = json.dumps(
        {"messages": [HI[0], {"role": "assistant", "content": "あ"}]}, ensure_ascii=False
    )
    source = read(_write(tmp_path / "t.jsonl", good.encode() + b'\n{"messages": "\xff"}\n'))
    assert source.encoding == "utf-8"
    assert source.rows[1].rule == "json"


def _table_of(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows)


def test_parquet_is_read_with_its_types(tmp_path: Path) -> None:
    import datetime
    import decimal

    path = tmp_path / "t.parquet"
    row = {
        "messages": TOOLS[2:] + HI,
        "day": datetime.date(2024, 2, 29),
        "at": datetime.datetime(2024, 2, 29, 12, 30),
        "price": decimal.Decimal("12.50"),
        "score": float("nan"),
        "bytes": b"abc",
        "blob": b"\xff\x00",
        "tags": ["a", None],
        "n": 3,
    }
    pq.write_table(_table_of([row] * 3), path)
    source = read(path)
    assert source.format == "openai_chat"
    assert [each.line for each in source.rows] == [1, 2, 3]
    messages = source.rows[0].messages
    assert messages is not None
    assert messages[:1] == [{"role": "tool", "content": "4 km", "tool_call_id": "call_1"}]
    assert messages[2:] == HI
    assert source.rows[0].extra == {
        "day": "2024-02-29",
        "at": "2024-02-29T12:30:00",
        "price": "12.50",
        "score": None,
        "bytes": "abc",
        "blob": "/wA=",
        "tags": ["a", None],
        "n": 3,
    }
    write_jsonl([source.rows[0].extra], tmp_path / "out.jsonl")


def test_parquet_columns_can_be_named_and_damage_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(_table_of([{"body": "Hi", "reply": "Hello!"}] * 5000), path, row_group_size=1000)
    rows = read(path, question="body", answer="reply").rows
    assert len(rows) == 5000
    assert rows[-1].messages == HI
    with pytest.raises(CourseError, match="no columns 'x' and 'y'"):
        read(path, question="x", answer="y")
    with pytest.raises(CourseError, match="is Parquet, not CSV"):
        read(path, format="csv")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CourseError, match="cannot be opened"):
        read(path)
    pq.write_table(_table_of([{"body": "Hi"}]).slice(0, 0), path)
    with pytest.raises(CourseError, match="has no rows"):
        read(path)


def test_parquet_that_breaks_in_the_middle_says_from_where(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    rows = [{"question": f"Hi {number}", "answer": str(number * 7919)} for number in range(4000)]
    pq.write_table(_table_of(rows), path, row_group_size=1000, compression="zstd")
    data = bytearray(path.read_bytes())
    start = pq.ParquetFile(path).metadata.row_group(2).column(0).dictionary_page_offset
    data[start : start + 40] = b"\xff" * 40
    path.write_bytes(data)
    source = read(path)
    good = [row.line for row in source.rows if not row.problem]
    assert good == [*range(1, 2001), *range(3001, 4001)]
    (bad,) = [row for row in source.rows if row.problem]
    assert bad.line == 2001
    assert "rows 2001 to 3000 are missing" in (bad.problem or "")


def test_parquet_text_that_is_no_utf_8(tmp_path: Path) -> None:
    raw = pa.array([b"Hi", b"\xff\xfe", b"Ho"]).cast(pa.binary())
    text = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"question": text, "answer": ["a", "b", "c"]}), path)
    rows = read(path).rows
    assert [(row.line, row.rule) for row in rows] == [(1, None), (2, "json"), (3, None)]


@pytest.mark.parametrize("packed", ["gz", "zst"])
def test_a_compressed_file_that_breaks_off(packed: str, tmp_path: Path) -> None:
    text = "".join(
        json.dumps({"messages": [{"role": "user", "content": f"{n * 7919:x}"}, HI[1]]}) + "\n"
        for n in range(40_000)
    ).encode()
    data = (
        gzip.compress(text, 1, mtime=0)
        if packed == "gz"
        else pa.compress(text, "zstd", asbytes=True)
    )
    path = _write(tmp_path / f"t.jsonl.{packed}", data[: len(data) // 2])
    source = read(path)
    good = [row.line for row in source.rows if not row.problem]
    assert len(good) > 5000
    assert good == list(range(1, len(good) + 1))
    assert "what follows this line is missing" in (source.rows[-1].problem or "")
    assert any("missing" in note for note in source.notes)


def test_gzip_with_a_wrong_checksum_loses_no_row(tmp_path: Path) -> None:
    data = bytearray(gzip.compress((GOOD + "\n").encode() * 3000))
    data[-6] ^= 1
    rows = read(_write(tmp_path / "t.jsonl.gz", bytes(data))).rows
    assert sum(row.messages == HI for row in rows) == 3000
    assert "incorrect data check" in (rows[-1].problem or "")


def test_gzip_files_strung_together(tmp_path: Path) -> None:
    data = gzip.compress((GOOD + "\n").encode())
    assert len(read(_write(tmp_path / "t.jsonl.gz", data * 2 + b"\0" * 99)).rows) == 2
    packed = pa.compress((GOOD + "\n").encode(), "zstd", asbytes=True)
    assert len(read(_write(tmp_path / "t.jsonl.zst", packed * 2)).rows) == 2
    source = read(_write(tmp_path / "plain.jsonl.gz", GOOD))
    assert source.notes == ["plain.jsonl.gz is not compressed, whatever its name says."]


def test_a_folder_is_read_file_by_file(tmp_path: Path) -> None:
    _write(tmp_path / "a.jsonl", GOOD)
    (tmp_path / "deep").mkdir()
    _write(tmp_path / "deep" / "b.csv", "question,answer\nテント,山\n".encode("utf-8-sig"))
    _write(tmp_path / "README.md", "# About\n\nNothing.\n")
    _write(tmp_path / ".hidden.jsonl", GOOD)
    source = read(tmp_path)
    assert (source.format, source.encoding) == ("openai_chat, csv", "utf-8, utf-8-sig")
    files = [str(tmp_path / "a.jsonl"), str(tmp_path / "deep" / "b.csv")]
    assert [(row.file, row.position) for row in source.rows] == [(file, 1) for file in files]
    assert [row.extra["file"] for row in source.rows] == files
    assert source.notes[0].startswith("README.md was left out: ")
    assert any(note.startswith("b.csv was read as utf-8-sig") for note in source.notes)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CourseError, match=r"folder .* holds no data file"):
        read(tmp_path / "empty")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty.jsonl", b"", "is empty"),
        ("blank.jsonl", b"\n \n", "is empty"),
        ("mark.jsonl", "\ufeff \n".encode("utf-16"), "holds no text"),
        ("list.json", b"[\n]", "holds an empty list"),
        ("broken.jsonl", b"{\n{]\n", "none of the 2 lines is JSON"),
        ("odd.jsonl", b'{"a": 1}\n', "format was not recognised"),
        ("odd.jsonl", b"{}", "first row has: nothing"),
        ("odd.csv", b"a,b\n1,2\n", "no question and answer column"),
        ("head.csv", b"text,label\n", "no rows"),
        ("damaged.csv", b"text,\xff\nHi,x\n", "no question and answer column among text, ÿ"),
        ("table.xlsx", b"PK\x03\x04....", "save the table as CSV"),
        ("half.gz", gzip.compress(b"x" * 1000, mtime=0)[:9], "ends too early"),
        ("half.gz", gzip.compress(b"", mtime=0)[:12], "ends too early"),
        ("empty.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("odd.zst", b"\x28\xb5\x2f\xfd\xff\xff\xff", "the zstd data is broken"),
        ("odd.parquet", b"PAR1 and so on", "begins like Parquet"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(
    name: str, data: bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(CourseError, match=message):
        read(_write(tmp_path / name, data))


def test_wrong_path_and_wrong_options(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="There is no file"):
        read(tmp_path / "missing.jsonl")
    with pytest.raises(CourseError, match="folder"):
        read(tmp_path)
    path = _write(tmp_path / "t.jsonl", GOOD)
    for options, message in (
        ({"format": "parquet"}, "Unknown format"),
        ({"encoding": "klingon"}, "no encoding"),
        ({"encoding": "base64"}, "no encoding"),
        ({"encoding": "unicode_escape"}, "no encoding"),
        ({"question": "a"}, "both columns"),
        ({"question": "a", "answer": "a"}, "name two columns"),
        ({"question": "a", "answer": "b"}, "no columns 'a' and 'b'. It has: messages"),
        ({"question": "a", "answer": "b", "format": "alpaca"}, "not both"),
    ):
        with pytest.raises(CourseError, match=message):
            read(path, **options)
    assert read(path, format="alpaca").rows[0].problem == (
        "no 'instruction' in the row (it has: messages); it looks like openai_chat"
    )


def test_join_keeps_lines_and_names_the_file(tmp_path: Path) -> None:
    one = _write(tmp_path / "a.jsonl", json.dumps({"messages": HI, "file": "scan.pdf"}))
    two = _write(tmp_path / "b.csv", "question,answer\nHi,Hello!\n")
    both = join([read(one), read(two)])
    assert (both.format, both.encoding) == ("openai_chat, csv", "utf-8")
    assert [row.extra["file"] for row in both.rows] == [str(one), str(two)]
    assert both.rows[0].extra["original_file"] == "scan.pdf"
    assert join([read(two)]).rows[0].extra == {}


def test_ragged_columns_survive_arrow_and_writing(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"messages": HI, "n": 1},
        {"messages": HI, "n": "x"},
        {"messages": HI},
    ]
    assert to_dataset(rows)["n"][:] == ["1", '"x"', "null"]
    path = write_jsonl(rows, tmp_path / "deep" / "out.jsonl")
    assert [json.loads(line) for line in path.read_text("utf-8").splitlines()] == rows


def test_raw_shares_its_texts_with_the_conversation(tmp_path: Path) -> None:
    (row,) = _rows(tmp_path / "t.jsonl", {"messages": HI, "id": 7})
    assert row.raw == {"messages": HI, "id": 7}
    assert isinstance(row.raw, dict)
    assert row.messages is not None
    assert row.raw["messages"][0]["content"] is row.messages[0]["content"]


def _large(path: Path, count: int) -> None:
    """A file of rows of 8 kB, no two of them the same, packed as its name says."""
    kind, _, packing = path.name.partition(".")
    texts = (f"{number} " + "tent " * 1600 for number in range(count))
    if kind == "parquet":
        # One row group without compression: what is held of it is its true size.
        rows = {"question": list(texts), "answer": ["x"] * count}
        pq.write_table(pa.table(rows), path, compression="none", use_dictionary=False)
        return
    begin, between, end = ("[", ",", "]") if kind == "array" else ("", "\n", "\n")
    begin = "text,label\n" if kind == "table" else begin
    out: Any = path.open("wb")
    if packing.endswith("gz"):
        out = gzip.GzipFile(path, "wb", 1)
    elif packing.endswith("zst"):
        out = pa.output_stream(path, "zstd")
    with out as file:
        file.write(begin.encode())
        for number, text in enumerate(texts):
            row = json.dumps({"messages": [{"role": "user", "content": text}, HI[1]]})
            row = f'"{text}",x' if kind == "table" else row
            file.write((row + (between if number < count - 1 else end)).encode())


@pytest.mark.parametrize(
    "name",
    [
        *("lines.jsonl", "lines.jsonl.gz", "lines.jsonl.zst", "array.json", "array.json.gz"),
        *("array.json.zst", "table.csv", "table.csv.gz", "table.csv.zst", "parquet.parquet"),
    ],
)
def test_memory_does_not_grow_with_the_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    # 200 MB, and a third of it where the way is the same and only its end differs.
    count = 125 * (200 if name in ("lines.jsonl.gz", "parquet.parquet") else 70)
    _large(path, count)
    kinds: Counter[str | None] = Counter()
    arrow, before = 0, pa.total_allocated_bytes()
    tracemalloc.start()
    try:
        for row in stream(path).rows:
            kinds[row.problem] += 1
            arrow = max(arrow, pa.total_allocated_bytes() - before)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert kinds == {None: count}
    assert peak < 40e6
    assert arrow < 40e6


def test_what_comes_behind_the_head_is_a_problem_of_its_row(tmp_path: Path) -> None:
    row = {"messages": [{"role": "user", "content": "tent " * 200}, HI[1]]}
    text = (json.dumps(row) + "\n").encode() * 5000
    bad = json.dumps({"messages": [{**HI[0], "content": "é"}, HI[1]]}, ensure_ascii=False)
    source = stream(_write(tmp_path / "t.jsonl", text + bad.encode("latin-1") + b"\n" + text))
    assert source.notes == []
    broken = [each for each in source.rows if each.problem]
    assert [(each.line, each.rule) for each in broken] == [(5001, "json")]
    assert "0xe9" in (broken[0].problem or "")
    assert "rows that are not utf-8 (1)" in source.notes[0]


def test_a_giant_line_is_a_problem_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    with path.open("wb") as file:
        file.write(GOOD.encode() + b'\n{"messages": "')
        for _ in range(80):
            file.write(b"x" * 1_000_000)
        file.write(b'"}\n' + GOOD.encode() + b"\n")
    tracemalloc.start()
    try:
        rows = list(stream(path).rows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [(row.line, row.rule) for row in rows] == [(1, None), (2, "json"), (3, None)]
    assert "longer than 67,108,864 characters" in (rows[1].problem or "")
    assert peak < 100e6
