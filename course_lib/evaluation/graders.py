"""Graders: functions that give an answer a score between 0 and 1, as a reward or as a test.

The written graders have the shape that managed fine-tuning services take: a dictionary with a
`type` and its settings. A grader is a measuring instrument, and has an error: measure it against
answers whose worth is known before a model is trained to please it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from course_lib.errors import CourseError

_OPERATIONS: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda answer, reference: answer == reference,
    "ne": lambda answer, reference: answer != reference,
    "like": lambda answer, reference: reference in answer,
    "ilike": lambda answer, reference: reference.casefold() in answer.casefold(),
}

_ASKED = """{question}

Proposed answer: {answer}

Is the proposed answer right? Reply with one word, yes or no."""


def grade(grader: Mapping[str, Any], answer: str, reference: str) -> float:
    """Score one answer by a written grader.

    Args:
        grader: `{"type": "string_check", "operation": "eq" | "ne" | "like" | "ilike"}`, or
            `{"type": "text_similarity", "evaluation_metric": "rouge_l"}`.
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
    from course_lib.evaluation.overlap import rouge_l

    if grader.get("type") == "string_check" and grader.get("operation") in _OPERATIONS:
        return float(_OPERATIONS[grader["operation"]](answer, reference))
    if grader.get("type") == "text_similarity" and grader.get("evaluation_metric") == "rouge_l":
        return float(rouge_l([answer], [reference])[0])
    raise CourseError(
        f"no grader {dict(grader)}: there are string_check with the operations "
        f"{', '.join(_OPERATIONS)}, and text_similarity with evaluation_metric rouge_l"
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
