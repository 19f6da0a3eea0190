"""Rows that call tools, as OpenAI's fine-tuning files have them, from the file to the tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from course_lib.cleaning import CleaningReport, clean
from course_lib.cleaning.preferences import same_answers
from course_lib.cleaning.quality import EMPTY, cut_off
from course_lib.errors import CourseError
from course_lib.formats import read, write_jsonl
from course_lib.runtime import data_path
from course_lib.tokenization import lengths, render
from course_lib.tokenization.conversation import template_messages, tools_of
from course_lib.training.rows import tokenize_rows

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_order",
            "description": "Look an order up.",
            "parameters": {
                "type": "object",
                "properties": {"number": {"type": "string"}, "language": {"type": "string"}},
                "required": ["number"],
            },
            "strict": True,
        },
    }
]


def call(name: str, arguments: str, number: str = "call_1") -> dict[str, Any]:
    return {"id": number, "type": "function", "function": {"name": name, "arguments": arguments}}


def calling(*made: dict[str, Any], content: str | None = None, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, "tool_calls": list(made), **more}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def result(text: str, number: str = "call_1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": number, "content": text}


def answer(text: str, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **more}


ENGLISH = [
    {"role": "system", "content": "You help the customers of Yamabiko Outdoor."},
    user("Where is my order YB-1042?"),
    calling(call("get_order", '{"number": "YB-1042"}')),
    result('{"status": "shipped", "carrier": "Kuroneko"}'),
    answer("It has shipped with Kuroneko."),
]
JAPANESE = [
    user("注文YB-1043とYB-1044はいつ届きますか。"),
    calling(
        call("get_order", '{"number": "YB-1043", "language": "\\u65e5\\u672c\\u8a9e"}'),
        call("get_order", '{"number": "YB-1044", "language": "日本語"}', "call_2"),
        content="",
        weight=0,
    ),
    result('{"到着": "明日"}'),
    result("", "call_2"),
    answer("YB-1043は明日届きます。YB-1044は見つかりませんでした。", weight=1),
]
# Only the call is taught; the answer is left to the program.
LAST_WORD = [user("Cancel order YB-77, please."), calling(call("cancel", '{"number": "YB-77"}'))]
OLDER = [
    user("What is the weather at Kamikochi?"),
    {
        "role": "assistant",
        "content": None,
        "function_call": {"name": "weather", "arguments": '{"place": "Kamikochi"}'},
    },
    {"role": "function", "name": "weather", "content": '{"celsius": 4}'},
    answer("It is 4 degrees at Kamikochi."),
]
PARTS = [
    {"role": "user", "content": [{"type": "text", "text": "営業時間を調べてください。"}]},
    calling(call("opening_hours", "{}"), content="営業時間をお調べします"),
    result("10:00-19:00"),
    answer("10時から19時まで営業しています。"),
]
SOUND = [ENGLISH, JAPANESE, LAST_WORD, OLDER, PARTS]


def cleaned(rows: list[Any], path: Path) -> CleaningReport:
    return clean(write_jsonl([{"messages": row, "tools": TOOLS} for row in rows], path / "t.jsonl"))


def test_sound_tool_rows_come_through_whole_and_again(tmp_path: Path) -> None:
    report = cleaned(SOUND, tmp_path)
    assert report.summary["rejected"] == 0, report.rejected
    assert report.summary["changed"] == 0, report.changes
    wanted = [row.messages for row in read(tmp_path / "t.jsonl").rows]
    for got, given in zip(wanted, SOUND, strict=True):
        assert got is not None
        for ours, theirs in zip(got, given, strict=True):
            assert {k: v for k, v in ours.items() if k != "content"} == {
                k: v for k, v in theirs.items() if k != "content"
            }
    kept = report.save(tmp_path / "out") / "kept.jsonl"
    for path in (kept, write_jsonl(report.kept.remove_columns("line"), tmp_path / "d.jsonl")):
        again = read(path).rows
        assert [row.messages for row in again] == wanted
        assert [row.extra["tools"] for row in again] == [TOOLS] * len(SOUND)
    assert (cleaned(SOUND, tmp_path).save(tmp_path / "two") / "kept.jsonl").read_bytes() == (
        kept.read_bytes()
    )


def test_only_a_message_that_neither_says_nor_calls_is_empty() -> None:
    assert EMPTY.check([user("Hi"), calling(call("find", "{}"), content="")]) is None
    assert EMPTY.check([user("Hi"), answer("")])
    assert EMPTY.check([user("Hi"), {**answer(""), "tool_calls": None}])
    assert EMPTY.check([user(" "), answer("Hello.")])


def test_the_same_words_with_other_calls_are_other_rows(tmp_path: Path) -> None:
    rows = [
        [user("Cancel it, please."), calling(call("cancel", json.dumps({"number": number})))]
        for number in ("YB-77", "YB-78", "YB-79")
    ]
    rows.append(rows[0])
    report = cleaned(rows, tmp_path)
    assert report.rejected[["line", "rule"]].to_numpy().tolist() == [[4, "exact_duplicate"]]


def test_answers_made_of_other_results_do_not_contradict_each_other(tmp_path: Path) -> None:
    ask = "What is the weather like up there today, and should I bring the heavy sleeping bag?"
    rows = [
        [
            user(ask),
            calling(call("weather", "{}")),
            result(f'{{"celsius": {celsius}}}'),
            answer(f"It is {celsius} degrees, so the weather decides: {bring}."),
        ]
        for celsius, bring in [(n, "bring it") for n in range(-6, 4)] + [(15, "leave it")]
    ]
    rows.append([user(ask), calling(call("weather", "{}"))])
    rows.append([user(ask), answer("Yes.")])
    report = cleaned(rows, tmp_path)
    assert report.summary["rejected"] == 0, report.rejected[["line", "rule", "reason"]].to_string()


def test_what_stands_before_a_call_is_not_cut() -> None:
    row = [user("いつ届きますか。"), calling(call("get_order", "{}"), content="Let me look up the")]
    assert cut_off([row]) == {}
    assert cut_off([[row[0], answer("Let me look up the")]])


def test_a_pair_of_two_calls_is_no_pair_of_equals() -> None:
    one, other = (calling(call("find", f'{{"n": {n}}}'), content="") for n in (1, 2))
    assert same_answers([user("Find it.")], [one], [other]) is None
    assert same_answers([user("Find it.")], [one], [one])


PRIVATE = {
    "mail": "mina@example.com",
    "contact": {"phone": ["090-1234-5678"], "password": "hunter2xyz"},
    "card_number": 4242424242424242,
    "住所": "東京都千代田区丸の内1-2-3",
    "quantity": 3,
}
GONE = ("mina@", "090-1234", "hunter2", "42424242", "千代田区丸の内1", json.dumps("丸の内")[1:-1])


@pytest.mark.parametrize("form", ["ascii", "unicode", "indented", "object", "function_call"])
def test_private_values_in_arguments_go_and_json_stays(form: str, tmp_path: Path) -> None:
    text = json.dumps(
        PRIVATE, ensure_ascii=form == "ascii", indent=2 if form == "indented" else None
    )
    made = call("create_order", text)
    message = calling(made)
    if form == "object":
        made["function"]["arguments"] = PRIVATE
    if form == "function_call":
        message = {"role": "assistant", "content": None, "function_call": made["function"]}
    rows: list[Any] = [
        {"messages": [user("Order it again, please."), message], "tools": TOOLS},
        {"messages": [message], "tools": TOOLS},  # rejected, and shown in rejected.jsonl
    ]
    report = clean(write_jsonl(rows, tmp_path / "t.jsonl"))
    assert report.summary["kept"] == 1
    out = report.save(tmp_path / "out")
    for path in out.iterdir():
        for value in GONE:
            assert value not in path.read_text("utf-8").replace("\\\\", "\\"), (path, value)
    (kept,) = read(out / "kept.jsonl").rows
    assert kept.messages
    calls = kept.messages[1].get("tool_calls") or [{"function": kept.messages[1]["function_call"]}]
    arguments = calls[0]["function"]["arguments"]
    masked = arguments if form == "object" else json.loads(arguments)
    assert masked == {
        "mail": "[EMAIL]",
        "contact": {"phone": ["[PHONE]"], "password": "[PASSWORD]"},
        "card_number": "[CARD]",
        "住所": "[ADDRESS]",
        "quantity": 3,
    }
    assert {"email", "phone", "password", "card", "address"} <= set(report.changes["rule"])
    again = clean(out / "kept.jsonl")
    assert (again.summary["changed"], again.summary["rejected"]) == (0, 0)


def test_json_answers_and_results_stay_json_when_they_are_masked(tmp_path: Path) -> None:
    told = '{"phone": 09012345678, "card": 4242424242424242}'.replace(
        "09012345678", '"03-1234-5678"'
    )
    row = [user("Send me the record as JSON."), answer(told)]
    kept = cleaned([row], tmp_path).kept["messages"][0][1]["content"]
    assert json.loads(kept) == {"phone": "[PHONE]", "card": "[CARD]"}


@pytest.fixture(scope="module")
def pocket() -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(data_path("pocket"))


def with_template(tokenizer: PreTrainedTokenizerBase, name: str) -> PreTrainedTokenizerBase:
    import trl

    folder = Path(trl.__file__).parent / "chat_templates"
    other: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(data_path("pocket"))
    other.chat_template = (folder / f"{name}.jinja").read_text("utf-8")
    return other


@pytest.mark.parametrize("name", ["qwen2_5", "qwen3", "llama3_1"])
def test_templates_of_real_models_write_the_calls_once(
    name: str, pocket: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    tokenizer = with_template(pocket, name)
    single = [ENGLISH, LAST_WORD, OLDER]  # Llama writes one call a message
    dataset = cleaned(single, tmp_path).kept
    for row in dataset:
        text = render(tokenizer, row["messages"], tools=tools_of(row))
        assert '"name": "get_order"' in text  # the tool
        assert '\\"number\\"' not in text, "arguments escaped twice"
    assert '{"number": "YB-1042"}' in render(tokenizer, dataset[0]["messages"])
    assert len(lengths(dataset, tokenizer)) == 3


def test_training_rows_teach_the_call_and_not_the_result(
    pocket: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    tokenizer = with_template(pocket, "qwen2_5_training")
    dataset = cleaned([ENGLISH, OLDER], tmp_path).kept
    rows = tokenize_rows(dataset, tokenizer, max_length=None, stop_ids=set(range(len(tokenizer))))
    learnt = [tokenizer.decode([t for t in row["labels"] if t != -100]) for row in rows]
    for text, name, said, read_ in zip(
        learnt,
        ("get_order", "weather"),
        ("Kuroneko.", "degrees"),
        ("carrier", "celsius"),
        strict=True,
    ):
        assert name in text
        assert said in text
        assert read_ not in text


def test_a_template_without_tools_is_refused_with_one_clear_message(
    pocket: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    dataset = cleaned([ENGLISH], tmp_path).kept
    with pytest.raises(CourseError, match="Message 3 calls 'get_order', but the chat template"):
        render(pocket, dataset[0]["messages"])
    with pytest.raises(CourseError, match="line 1: Message 3 calls 'get_order'"):
        tokenize_rows(dataset, pocket, max_length=None, stop_ids={1})


def test_messages_for_a_template_hold_no_nulls() -> None:
    row = {"messages": [{**m, "weight": None, "name": None} for m in OLDER]}
    filled = Dataset.from_list([{"messages": [user("Hi"), answer("Hello.", weight=1)]}])[0]
    assert template_messages(filled["messages"]) == [user("Hi"), answer("Hello.", weight=1)]
    assert [m["role"] for m in template_messages(row["messages"])] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]


def test_the_name_of_who_speaks_is_masked_and_told(tmp_path: Path) -> None:
    row = {
        "messages": [
            {"role": "user", "content": "How is the weather?", "name": "mina@example.com"},
            {"role": "assistant", "content": "It is sunny, with a light wind."},
        ]
    }
    report = clean(write_jsonl([row], tmp_path / "a.jsonl"))
    assert report.kept_rows[0]["messages"][0]["name"] == "[EMAIL]"
    assert report.changes[["rule", "message", "after"]].values.tolist() == [["email", 1, "[EMAIL]"]]
    for file in report.save(tmp_path / "out").iterdir():
        assert "mina@example.com" not in file.read_text("utf-8"), file.name


def test_the_log_of_masked_names_names_nobody(tmp_path: Path) -> None:
    row = {
        "messages": [
            {"role": "user", "content": "<b>My name is Hanako Yamada.</b> Where is my tent?"},
            {"role": "assistant", "content": "It ships tomorrow, by the first train."},
        ]
    }
    report = clean(write_jsonl([row], tmp_path / "a.jsonl"), rules=["html", "name"])
    assert len(report.changes) == 2
    for file in report.save(tmp_path / "out").iterdir():
        assert "Hanako" not in file.read_text("utf-8"), file.name
