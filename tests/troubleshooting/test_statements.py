"""The learner's own statement: found in a traceback, and edited without a change elsewhere."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from string import Template

import pytest

from course_lib import explain
from course_lib.troubleshooting.explaining import DIAGNOSES
from course_lib.troubleshooting.statements import Statement, failed_statement


def statement(text: str) -> Statement:
    return Statement("train.py", None, 1, text)


@pytest.mark.parametrize(
    ("text", "put", "drop", "expected"),
    [
        ("f()", {"a": "1"}, [], "f(a=1)"),
        ("f(x)", {"a": "1"}, [], "f(x, a=1)"),
        ("f(x, )", {"a": "1"}, [], "f(x, a=1, )"),
        ("f('値段', a=0)  # 値段", {"a": "1"}, [], "f('値段', a=1)  # 値段"),
        ("f(\n    x,\n    a=0,\n    b=2,  # mine\n)", {}, ["a"], "f(\n    x,\n    b=2,  # mine\n)"),
        ("f(x, a=0)", {}, ["a"], "f(x)"),
        ("f(a=0)", {}, ["a"], "f()"),
        ("f(x, a=0, b=g(a=3))", {"b": "2"}, ["a"], "f(x, b=2)"),
        ("y = m.f(a=0)[0]", {"a": "1"}, [], "y = m.f(a=1)[0]"),
        ("f(x)", {}, ["a"], "f(x)"),
    ],
)
def test_only_the_argument_changes(
    text: str, put: dict[str, str], drop: list[str], expected: str
) -> None:
    assert statement(text).edited(["f"], put=put, drop=drop) == expected


def test_a_call_that_cannot_be_edited_safely_is_left_alone() -> None:
    assert statement("g(a=0)").edited(["f"], put={"a": "1"}) is None
    assert statement("f(**more)").edited(["f"], put={"a": "1"}) is None
    assert statement("f(**more)").edited(["f"], rename={"a": "b"}) is None
    assert statement("f(a=0, **more)").edited(["f"], rename={"a": "b"}) == "f(b=0, **more)"


@pytest.mark.parametrize(
    ("code", "line", "text"),
    [
        ("x = 1\ny = x / 0\n", 2, "y = x / 0"),
        ("for n in (1, 0):\n    y = (\n        1 / n\n    )\n", 2, "y = (\n    1 / n\n)"),
        ("with open(1 / 0) as file:\n    pass\n", 1, "with open(1 / 0) as file:"),
        ("def f(n):\n    return 1 / n\nf(0)\n", 2, "return 1 / n"),
        ("import json\njson.loads('{')\n", 2, "json.loads('{')"),
    ],
)
def test_the_innermost_statement_of_the_learner(
    code: str, line: int, text: str, tmp_path: Path
) -> None:
    file = tmp_path / "train.py"
    file.write_text(code, encoding="utf-8")
    with pytest.raises((ZeroDivisionError, ValueError)) as caught:
        exec(compile(code, str(file), "exec"), {})
    found = failed_statement(caught.value.__traceback__)
    assert found == Statement(str(file), None, line, text)


def test_an_error_without_a_statement_is_no_trouble() -> None:
    assert explain(ValueError("nobody raised this")) is None
    assert failed_statement(None) is None


def test_each_diagnosis_has_its_words_in_both_languages() -> None:
    folder = resources.files("course_lib.troubleshooting")
    spoken = [
        tomllib.loads(folder.joinpath(name).read_text(encoding="utf-8"))
        for name in ("english.toml", "japanese.toml")
    ]
    for words in spoken:
        assert set(words) - {"labels"} == set(DIAGNOSES)
    english, japanese = spoken
    for name, parts in english.items():
        assert set(parts) == set(japanese[name])
        for part, text in parts.items():
            filled_in = set(Template(text).get_identifiers())
            assert filled_in == set(Template(japanese[name][part]).get_identifiers()), (name, part)
