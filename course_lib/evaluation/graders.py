"""Graders: functions that give an answer a score, as a reward or as a test.

The written ones have the shape that OpenAI's API takes, data instead of code. A grader compares two
templates: ``{{ sample.output_text }}`` is the answer, ``{{ item.answer }}`` a column of the row.
https://developers.openai.com/api/docs/guides/graders
Its Python graders are left out: a server should not run code that a client sends. For the same
reason templates only refer, formulas only calculate, and both are bounded in size.

A grader is a measuring instrument, and has an error: measure it against answers whose worth is
known before a model is trained to please it.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from course_lib.errors import CourseError

#: Of an answer and its row; from 0 (worthless) to 1 in all graders but a formula's.
Grade = Callable[[str, Mapping[str, Any]], float]

_Filled = Callable[[str, Mapping[str, Any]], str]

# Characters of a template or a formula, and of what a template becomes.
_LONGEST_SOURCE, _LONGEST_TEXT = 10_000, 1_000_000
_NAMESPACES = ("item", "sample")
# What a reference is made of. All else of Jinja is a language, in which a short text can ask for
# any amount of memory: {{ "a" * 10**10 }}.
_REFERS = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Getitem,
    nodes.Const,
)  # fmt: skip
_CALCULATES = (
    ast.Expression, ast.BinOp, ast.operator, ast.UnaryOp, ast.unaryop, ast.BoolOp, ast.boolop,
    ast.Compare, ast.cmpop, ast.IfExp, ast.Call, ast.Name, ast.Load, ast.Constant,
)  # fmt: skip
_FUNCTIONS: dict[str, Any] = {
    "min": min, "max": max, "abs": abs, "floor": math.floor, "ceil": math.ceil, "exp": math.exp,
    "sqrt": math.sqrt, "log": math.log,
}  # fmt: skip
# What a definition compares where it does not say.
_ANSWER, _REFERENCE = "{{ sample.output_text }}", "{{ item.answer }}"


class _References(ImmutableSandboxedEnvironment):
    def getattr(self, obj: Any, attribute: str) -> Any:
        # A column may be called "values", which is also something that a dict can do.
        return self.getitem(obj, attribute)


_TEMPLATES = _References(undefined=StrictUndefined, autoescape=False)

_OPERATIONS: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda answer, reference: answer == reference,
    "ne": lambda answer, reference: answer != reference,
    "like": lambda answer, reference: reference in answer,
    "ilike": lambda answer, reference: reference.casefold() in answer.casefold(),
}

_ASKED = """{question}

Proposed answer: {answer}

Is the proposed answer right? Reply with one word, yes or no."""


def grade(definition: Mapping[str, Any], answer: str, reference: str) -> float:
    """Score one answer by a written grader.

    Args:
        definition: As for `grader`; it needs no templates.
        answer: what the model said.
        reference: the right answer.

    Returns:
        0 to 1.

    Raises:
        CourseError: there is no such grader.

    Example:
        >>> exact = {"type": "string_check", "operation": "eq"}
        >>> grade(exact, "Ana and Ben", "Ana"), grade({**exact, "operation": "like"}, "Ana!", "Ana")
        (0.0, 1.0)
        >>> grade({"type": "text_similarity", "evaluation_metric": "rouge_l"}, "Ana", "Ana")
        1.0
    """
    return grader(definition)(answer, {"answer": reference})


def grader(definition: Mapping[str, Any]) -> Grade:
    """Turn a grader's definition into a function.

    Args:
        definition: As in the request: ``string_check``, ``text_similarity`` or ``multi``.

    Returns:
        A function of the answer and the row.

    Raises:
        CourseError: A template or a formula cannot be read, or this server has no such grader.

    Example:
        >>> exact = grader({"type": "string_check", "name": "exact", "operation": "eq",
        ...     "input": "{{ sample.output_text }}", "reference": "{{ item.answer }}"})
        >>> exact("Ann", {"answer": "Ann"}), exact("Ben", {"answer": "Ann"})
        (1.0, 0.0)
    """
    if not isinstance(definition, Mapping):
        raise CourseError(f"a grader is an object with a 'type', not {definition!r}")
    kind = definition.get("type")
    if kind == "string_check":
        return _string_check(definition)
    if kind == "text_similarity":
        return _text_similarity(definition)
    if kind == "multi":
        return _multi(definition)
    raise CourseError(
        f"there is no grader of type {kind!r}: use string_check, text_similarity or multi"
    )


def _string_check(definition: Mapping[str, Any]) -> Grade:
    operation = str(definition.get("operation"))
    if operation not in _OPERATIONS:
        raise CourseError(
            f"a string_check has no operation {operation!r}: use {', '.join(_OPERATIONS)}"
        )
    compare, text, wanted = _OPERATIONS[operation], *_compared(definition)
    return lambda answer, item: float(compare(text(answer, item), wanted(answer, item)))


def _text_similarity(definition: Mapping[str, Any]) -> Grade:
    alike, text, wanted = (
        _similarity(str(definition.get("evaluation_metric"))),
        *_compared(definition),
    )
    return lambda answer, item: alike(text(answer, item), wanted(answer, item))


def _compared(definition: Mapping[str, Any]) -> tuple[_Filled, _Filled]:
    return (
        _template(definition.get("input", _ANSWER)),
        _template(definition.get("reference", _REFERENCE)),
    )


def _similarity(metric: str) -> Callable[[str, str], float]:
    if metric == "fuzzy_match":
        from rapidfuzz import fuzz

        return lambda text, wanted: fuzz.WRatio(text, wanted) / 100
    if metric == "bleu":
        from sacrebleu.metrics.bleu import BLEU

        bleu = BLEU(effective_order=True)
        return lambda text, wanted: bleu.sentence_score(text, [wanted]).score / 100
    if metric == "rouge_l" or metric in {f"rouge_{n}" for n in range(1, 6)}:
        from rouge_score.rouge_scorer import RougeScorer

        from course_lib.evaluation.overlap import WordsAndCharacters

        name = "rougeL" if metric == "rouge_l" else f"rouge{metric[-1]}"
        scorer = RougeScorer([name], tokenizer=WordsAndCharacters())
        return lambda text, wanted: float(scorer.score(wanted, text)[name].fmeasure)
    raise CourseError(
        f"there is no evaluation_metric {metric!r}: use fuzzy_match, bleu, rouge_1 to "
        "rouge_5 or rouge_l"
    )


def _multi(definition: Mapping[str, Any]) -> Grade:
    # OpenAI's own guide gives them by name; its client's type knows a single one.
    given = definition.get("graders")
    if not isinstance(given, Mapping) or not given:
        raise CourseError("a multi grader needs 'graders': names, each with a grader")
    if "type" in given:
        given = {str(given.get("name", "grader")): given}
    parts = {name: grader(part) for name, part in given.items()}
    score = _formula(str(definition.get("calculate_output", "")))
    # The ends of what a part may say: a division by a part that pays nothing would else be found
    # in the middle of a training.
    for end in (1.0, 0.0):
        score(dict.fromkeys(parts, end))
    return lambda answer, item: score({name: part(answer, item) for name, part in parts.items()})


def _formula(source: str) -> Callable[[Mapping[str, float]], float]:
    from simpleeval import DEFAULT_OPERATORS, InvalidExpression, SimpleEval

    try:
        parsed = ast.parse(_bounded(source).replace("^", "**").strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise CourseError(f"calculate_output {source!r} cannot be computed: {error}") from error
    for node in ast.walk(parsed):
        number = not isinstance(node, ast.Constant) or isinstance(node.value, int | float)
        if not isinstance(node, _CALCULATES) or not number:
            raise CourseError(
                f"calculate_output {source!r} cannot be computed: it takes numbers, the graders' "
                f"names, + - * / ^ and {', '.join(_FUNCTIONS)}"
            )
    # Whole numbers have no largest one: 9^9^9 would take hours; of floats it is too large at once.
    operators = DEFAULT_OPERATORS | {ast.Pow: lambda base, power: float(base) ** float(power)}

    def score(values: Mapping[str, float]) -> float:
        evaluator = SimpleEval(operators=operators, functions=_FUNCTIONS, names=dict(values))
        try:
            return float(evaluator.eval(source, previously_parsed=parsed.body))
        except (InvalidExpression, ArithmeticError, TypeError, ValueError, RecursionError) as error:
            given = ", ".join(f"{name} = {value:g}" for name, value in values.items())
            raise CourseError(
                f"calculate_output {source!r} cannot be computed where {given}: {error}"
            ) from error

    return score


def _template(source: str) -> _Filled:
    try:
        # Looked at before it is compiled, which computes what is constant in it.
        _check_references(_TEMPLATES.parse(_bounded(source)))
        template = _TEMPLATES.from_string(source)
    except (TemplateError, TypeError, RecursionError) as error:
        raise CourseError(f"the grader's template {source!r} cannot be read: {error}") from error

    def fill(answer: str, item: Mapping[str, Any]) -> str:
        text = ""
        try:
            for piece in template.generate(sample={"output_text": answer}, item=item):
                text += piece
                if len(text) > _LONGEST_TEXT:
                    raise ValueError(f"it becomes longer than {_LONGEST_TEXT:,} characters")
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise CourseError(
                f"the grader's template {source!r} does not fit the row, whose columns are "
                f"{', '.join(item)}: {error}"
            ) from error
        return text

    return fill


def _bounded(source: str) -> str:
    if len(source) > _LONGEST_SOURCE:
        raise CourseError(
            f"a grader's template or formula has at most {_LONGEST_SOURCE:,} characters, and this "
            f"one {len(source):,}"
        )
    return source


def _check_references(template: nodes.Template) -> None:
    for node in (template, *template.find_all(nodes.Node)):
        known = not isinstance(node, nodes.Name) or node.name in _NAMESPACES
        if not isinstance(node, _REFERS) or not known:
            raise CourseError(
                "a grader's template refers to columns and to the answer, and computes nothing: "
                "{{ item.COLUMN }}, {{ item.COLUMN[0] }} or {{ sample.output_text }}"
            )


def model_grader(model: Any, tokenizer: Any) -> Callable[[str, str], float]:
    """A language model as the grader: how likely it says that an answer is right.

    It sees the question and the answer, and no reference.

    Args:
        model: a causal LM large enough to follow such a question.
        tokenizer: its tokenizer, with a chat template.

    Returns:
        A function of question and answer: the probability of "yes" against "no", 0 to 1.

    Example:
        >>> grader = model_grader(model, tokenizer)  # doctest: +SKIP
        >>> grader("Ana is before Ben. Who is first?", "Ana")  # doctest: +SKIP
        0.93
    """
    import torch

    words = [tokenizer.encode(word, add_special_tokens=False)[0] for word in ("yes", "no")]

    def grader(question: str, answer: str) -> float:
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": _ASKED.format(question=question, answer=answer)}],
            add_generation_prompt=True,
            return_dict=True,
            return_tensors="pt",
        ).to(model.device)
        with torch.no_grad():
            logits = model(**prompt).logits[0, -1]
        return float(torch.softmax(logits[words].float(), dim=0)[0])

    return grader
