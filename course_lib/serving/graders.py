"""OpenAI's graders: what an answer is worth, written as data.

A grader compares two templates: ``{{ sample.output_text }}`` is the answer, ``{{ item.answer }}`` a
column of the row. https://developers.openai.com/api/docs/guides/graders
Those that need no other model run here; Python graders do not, because a server should not run
code that a client sends.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from openai.types.graders import MultiGrader, StringCheckGrader, TextSimilarityGrader

from course_lib.errors import CourseError

#: Of an answer and its row; from 0 (worthless) to 1 in all graders but a formula's.
Grade = Callable[[str, Mapping[str, Any]], float]

_TEMPLATES = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
_FUNCTIONS: dict[str, Any] = {
    "min": min, "max": max, "abs": abs, "floor": math.floor, "ceil": math.ceil, "exp": math.exp,
    "sqrt": math.sqrt, "log": math.log,
}  # fmt: skip


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
    kind = definition.get("type")
    if kind == "string_check":
        return _string_check(StringCheckGrader.model_validate(definition))
    if kind == "text_similarity":
        return _text_similarity(TextSimilarityGrader.model_validate(definition))
    if kind == "multi":
        return _multi(definition)
    raise CourseError(
        f"this server has no grader of type {kind!r}: use string_check, text_similarity or multi"
    )


def _string_check(definition: StringCheckGrader) -> Grade:
    compare: Callable[[str, str], bool] = {
        "eq": lambda text, wanted: text == wanted,
        "ne": lambda text, wanted: text != wanted,
        "like": lambda text, wanted: wanted in text,
        "ilike": lambda text, wanted: wanted.casefold() in text.casefold(),
    }[definition.operation]
    text, wanted = _template(definition.input), _template(definition.reference)
    return lambda answer, item: float(compare(text(answer, item), wanted(answer, item)))


def _text_similarity(definition: TextSimilarityGrader) -> Grade:
    alike = _similarity(definition.evaluation_metric)
    text, wanted = _template(definition.input), _template(definition.reference)
    return lambda answer, item: alike(text(answer, item), wanted(answer, item))


def _similarity(metric: str) -> Callable[[str, str], float]:
    if metric == "fuzzy_match":
        from rapidfuzz import fuzz

        return lambda text, wanted: fuzz.WRatio(text, wanted) / 100
    if metric == "bleu":
        from sacrebleu.metrics.bleu import BLEU

        bleu = BLEU(effective_order=True)
        return lambda text, wanted: bleu.sentence_score(text, [wanted]).score / 100
    if metric.startswith("rouge"):
        from rouge_score.rouge_scorer import RougeScorer

        from course_lib.evaluation.overlap import WordsAndCharacters

        name = "rougeL" if metric == "rouge_l" else f"rouge{metric[-1]}"
        scorer = RougeScorer([name], tokenizer=WordsAndCharacters())
        return lambda text, wanted: float(scorer.score(wanted, text)[name].fmeasure)
    raise CourseError(
        f"this server has no evaluation_metric {metric!r}: use fuzzy_match, bleu, rouge_1 to "
        "rouge_5 or rouge_l"
    )


def _multi(definition: Mapping[str, Any]) -> Grade:
    from simpleeval import InvalidExpression, SimpleEval

    # OpenAI's own guide gives them by name; its client's type knows a single one.
    given = definition.get("graders")
    if not isinstance(given, Mapping) or not given:
        raise CourseError("a multi grader needs 'graders': names, each with a grader")
    if "type" in given:
        given = {str(given.get("name", "grader")): given}
    parts = {name: grader(part) for name, part in given.items()}
    formula = str(definition.get("calculate_output", "")).replace("^", "**")

    def score(values: Mapping[str, float]) -> float:
        return float(SimpleEval(functions=_FUNCTIONS, names=dict(values)).eval(formula))

    try:
        score(dict.fromkeys(parts, 1.0))
    except (InvalidExpression, SyntaxError, ArithmeticError, TypeError, ValueError) as error:
        raise CourseError(
            f"calculate_output {formula!r} cannot be computed from {', '.join(parts)}: {error}"
        ) from error
    return lambda answer, item: score({name: part(answer, item) for name, part in parts.items()})


def _template(source: str) -> Callable[[str, Mapping[str, Any]], str]:
    try:
        template = _TEMPLATES.from_string(source)
    except TemplateError as error:
        raise CourseError(f"the grader's template {source!r} cannot be read: {error}") from error

    def fill(answer: str, item: Mapping[str, Any]) -> str:
        try:
            return template.render(sample={"output_text": answer}, item=item)
        except TemplateError as error:
            raise CourseError(
                f"the grader's template {source!r} does not fit the row, whose columns are "
                f"{', '.join(item)}: {error}"
            ) from error

    return fill


def check_template(definition: MultiGrader | StringCheckGrader | TextSimilarityGrader) -> None:
    """Refuse what cannot be graded with, before a job begins.

    Args:
        definition: From the request.

    Raises:
        CourseError: As `grader`.

    Example:
        >>> check_template(request.grader)  # doctest: +SKIP
    """
    grader(definition.model_dump())
