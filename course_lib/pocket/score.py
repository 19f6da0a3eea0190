"""What the pocket model can and cannot do, by greedy exact match on instances it never saw.

Every passage, answer format and task is drawn fresh from the held-out tenth (`skills.is_held_out`),
so none was ever trained on. The company's pages come from `data/yamabiko`: their subject, wording
and layout are not part of the pretraining at all.
"""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from course_lib.errors import CourseError
from course_lib.pocket import corpus, forms, skills
from course_lib.pocket.facts import UNKNOWN, UNKNOWN_JA, Passage
from course_lib.pocket.japanese import make_ja_passage
from course_lib.pocket.passages import make_passage
from course_lib.pocket.skills import Row

NO_CONTEXT = "company, no context"  # the one figure that has to be low
THRESHOLDS = {
    "context": 0.90,
    "unknown": 0.80,
    **dict.fromkeys(skills.GENERAL, 0.9),
    "general mean": 0.95,
    "sentiment": 0.95,
    **{f"form: {form}": 0.90 for form in forms.FORMS},
    "new format": 0.70,
    "japanese": 0.80,
    "company pages": 0.75,
    "company pages, unknown": 0.75,
    "company pages, japanese": 0.75,
    "company pages, japanese, unknown": 0.75,
    NO_CONTEXT: 0.02,
}
NF4_MAY_LOSE = 0.05


def _row(skill: str, messages: list[dict[str, str]], answer: str) -> Row:
    return {"messages": messages, "answer": answer, "skill": skill}


def _held_out_passage(rng: random.Random, japanese: bool, facts: int) -> Passage:
    make = make_ja_passage if japanese else make_passage
    while True:
        passage = make(rng, facts, rng.randint(1, min(3, facts)))
        if skills.is_held_out(passage["text"]):
            return passage


def context_rows(n: int, seed: int, *, known: bool = True, japanese: bool = False) -> list[Row]:
    """Questions about a passage of 1 to 8 facts (6 in Japanese) about 1 to 3 invented things.

    Args:
        n: how many.
        seed: of the draw.
        known: whether the passage answers the question; if not, the answer is "I do not know."
        japanese: draw Japanese
    """
    rng = random.Random(f"context {known} {japanese} {seed}")
    skill = "japanese" if japanese else "context" if known else "unknown"
    rows: list[Row] = []
    while len(rows) < n:
        passage = _held_out_passage(rng, japanese, rng.randint(1, 6 if japanese else 8))
        fact = rng.choice(passage["facts"] if known else passage["missing"])
        unknown = UNKNOWN_JA if japanese else UNKNOWN
        text = f"{passage['text']}\n\n{rng.choice(fact.questions)}"
        answer = fact.value if known else unknown
        rows.append(_row(skill, [{"role": "user", "content": text}], answer))
    return rows


def form_rows(form: str, n: int, seed: int) -> list[Row]:
    """Draw tasks and passages to be answered in the form that the system prompt asks for.

    Args:
        form: one of `forms.FORMS`.
        n: how many.
        seed: of the draw.

    Returns:
        Rows of a system prompt and a question.

    Example:
        >>> form_rows("json", 1, seed=0)[0]["answer"][:10]
        '{"answer":'
    """
    rng = random.Random(f"{form} {seed}")
    rows: list[Row] = []
    while len(rows) < n:
        if form != "one word" and rng.random() < 0.5:
            passage = _held_out_passage(rng, False, rng.randint(1, 5))
            fact = rng.choice(passage["facts"])
            if form == "capitals" and not fact.value.isascii():
                continue
            question = f"{passage['text']}\n\n{rng.choice(fact.questions)}"
            answer, sentence = fact.value, fact.sentence
        else:
            name = rng.choice([s for s in skills.GENERAL if s not in ("sorting", "reversing")])
            task = skills.draw(name, rng, held_out=True)
            question, answer, sentence = task.question, task.answer, task.sentence
        messages = [
            {"role": "system", "content": forms.system_prompt(form, rng)},
            {"role": "user", "content": question},
        ]
        rows.append(_row(f"form: {form}", messages, forms.apply_form(form, answer, sentence)))
    return rows


def format_rows(n: int, seed: int) -> list[Row]:
    """Draw new answer formats, shown by three examples: in one prompt, or as earlier turns.

    Args:
        n: how many.
        seed: of the draw.

    Returns:
        Rows whose answer has what the examples put around theirs.

    Example:
        >>> len(format_rows(3, seed=0))
        3
    """
    rng = random.Random(f"format {seed}")
    rows: list[Row] = []
    while len(rows) < n:
        before, after = forms.wrapper(rng)
        if not skills.is_held_out(before + after):
            continue
        name = rng.choice(skills.GENERAL)
        tasks = [skills.draw(name, rng, held_out=True) for _ in range(4)]
        shown = corpus.show_examples(
            tasks, before, after, in_one_prompt=rng.random() < 0.5, rng=rng
        )
        messages = [{"role": t["role"], "content": t["content"]} for t in shown]
        rows.append(_row("new format", messages[:-1], messages[-1]["content"].strip()))
    return rows


def company_rows(name: str, skill: str, n: int, seed: int, kind: str | None = None) -> list[Row]:
    """Rows of a committed file about the course's company.

    Args:
        name: the file, as `yamabiko.load` knows it.
        skill: what to call them.
        n: how many at the most.
        seed: of the shuffling.
        kind: "answerable" or "unanswerable" from the page; all rows by default.

    Returns:
        Up to `n` rows.

    Raises:
        CourseError: no such file, or no row of that kind in it.

    Example:
        >>> company_rows("context_test", "pages", 1, 0, "unanswerable")[0]["answer"]
        'I do not know.'
    """
    from course_lib import yamabiko

    rows = [r for r in yamabiko.load(name) if kind is None or r["kind"] == kind]
    if not rows:
        raise CourseError(f"{name}.jsonl holds no {kind} row; regenerate it with `make data`")
    random.Random(seed).shuffle(rows)
    return [_row(skill, r["messages"], r["answer"]) for r in rows[:n]]


def _company_instances(n: int, seed: int) -> dict[str, list[Row]]:
    tests = {}
    for skill, name in {
        "company pages": "context_test",
        "company pages, japanese": "context_test_ja",
    }.items():
        tests[skill] = company_rows(name, skill, n, seed, "answerable")
        unknown = f"{skill}, unknown"
        tests[unknown] = company_rows(name, unknown, n, seed, "unanswerable")
    return tests | {NO_CONTEXT: company_rows("no_context_test", NO_CONTEXT, n, seed)}


def instances(n: int = 200, seed: int = 0) -> dict[str, list[Row]]:
    """Draw the whole test: `n` rows of every skill.

    Args:
        n: instances a skill; 200 give a standard error of 2 points at 90%. Of the company's
            rows, which are committed files, some kinds have fewer.
        seed: of the draw.

    Returns:
        Rows by skill.

    Raises:
        CourseError: a file of the company is missing.

    Example:
        >>> [len(rows) for rows in instances(n=2).values()][:3]
        [2, 2, 2]
    """
    return {
        "context": context_rows(n, seed),
        "unknown": context_rows(n, seed, known=False),
        **{skill: skills.sample(skill, n, seed) for skill in (*skills.GENERAL, "sentiment")},
        **{f"form: {form}": form_rows(form, n, seed) for form in forms.FORMS},
        "new format": format_rows(n, seed),
        "japanese": context_rows(n, seed, japanese=True),
        **_company_instances(n, seed),
    }


def score(
    model: Any, tokenizer: Any, n: int = 200, seed: int = 0,
    progress: Callable[[str, float], None] | None = None,
) -> dict[str, float]:  # fmt: skip
    """Score a model on every skill.

    Args:
        model: a causal LM with the pocket tokenizer.
        tokenizer: the pocket tokenizer.
        n: instances a skill.
        seed: of the draw.
        progress: called with each skill and its accuracy as soon as it is known.

    Returns:
        Exact-match accuracy by skill, between 0 and 1, and the mean of the general skills.

    Raises:
        CourseError: a file of the company is missing.

    Example:
        >>> score(model, tokenizer, n=20)["sorting"]  # doctest: +SKIP
        0.95
    """
    from course_lib.evaluation import generate
    from course_lib.evaluation.metrics import exact_matches

    accuracy: dict[str, float] = {}
    for skill, rows in instances(n, seed).items():
        answers = generate(model, tokenizer, [r["messages"] for r in rows], max_new_tokens=40)
        right = exact_matches(answers, [r["answer"] for r in rows])
        accuracy[skill] = sum(map(bool, right)) / len(rows)
        if progress:
            progress(skill, accuracy[skill])
    general = [accuracy[s] for s in skills.GENERAL]
    accuracy["general mean"] = sum(general) / len(general)
    return accuracy


def shortfalls(skills: dict[str, float], quantised: dict[str, float]) -> list[str]:
    """Name every figure that stays under its threshold.

    Args:
        skills: accuracy by skill, from `score`.
        quantised: the same for the model in NF4.

    Returns:
        One line for each; none if all is well.

    Example:
        >>> perfect = dict.fromkeys(THRESHOLDS, 1.0) | {NO_CONTEXT: 0.0}
        >>> shortfalls(perfect | {"japanese": 0.5}, perfect)
        ['japanese: 50.0%, at least 80%']
    """
    short = []
    for skill, threshold in THRESHOLDS.items():
        value = skills[skill]
        if skill == NO_CONTEXT:
            if value >= threshold:
                short.append(f"{skill}: {value:.1%}, must stay under {threshold:.0%}")
        elif value < threshold:
            short.append(f"{skill}: {value:.1%}, at least {threshold:.0%}")
    for skill, value in skills.items():
        # In binary, 0.90 - 0.85 is a little over 0.05.
        if skill != NO_CONTEXT and value - quantised[skill] > NF4_MAY_LOSE + 1e-9:
            short.append(
                f"{skill} in NF4: {quantised[skill]:.1%} against {value:.1%}, "
                f"at most {100 * NF4_MAY_LOSE:.0f} points lower"
            )
    return short


def write_scores(scores: dict[str, Any], directory: Path) -> Path:
    """Keep the scores beside the model, for its card and for the tests.

    Args:
        scores: what `pocket score --json` prints.
        directory: the model's folder.

    Returns:
        The file, `scores.json`.

    Example:
        >>> write_scores({"skills": {}}, Path("data/pocket")).name  # doctest: +SKIP
        'scores.json'
    """
    path = directory / "scores.json"
    path.write_text(json.dumps(scores, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
