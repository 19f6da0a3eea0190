"""What the pocket model can and cannot do, by greedy exact match on instances it never saw.

Every passage, answer format and task is drawn fresh from the held-out tenth (`skills.is_held_out`),
so none was ever trained on. The company's pages come from `data/yamabiko`: their subject, wording
and layout are not part of the pretraining at all.
"""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from course_lib.pocket import corpus, forms, skills
from course_lib.pocket.facts import UNKNOWN, UNKNOWN_JA, Passage
from course_lib.pocket.japanese import make_ja_passage
from course_lib.pocket.passages import make_passage
from course_lib.pocket.skills import Row

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
    "company, no context": 0.02,
}


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
    """Tasks and passages to be answered in the form that the system prompt asks for."""
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
    """A new answer format, shown by three examples; half in one prompt, half as earlier turns."""
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


def company_rows(name: str, skill: str, n: int, seed: int) -> list[Row]:
    """Rows of a committed file about the course's company."""
    from course_lib import yamabiko

    rows = list(yamabiko.load(name))
    random.Random(seed).shuffle(rows)
    return [_row(skill, r["messages"], r["answer"]) for r in rows[:n]]


def instances(n: int = 200, seed: int = 0) -> dict[str, list[Row]]:
    """Draw the whole test: `n` rows of every skill.

    Args:
        n: instances a skill; 200 give a standard error of 2 points at 90%.
        seed: of the draw. The company's rows are a fixed file, shuffled.

    Returns:
        Rows by skill, in the order of `THRESHOLDS`.
    """
    return {
        "context": context_rows(n, seed),
        "unknown": context_rows(n, seed, known=False),
        **{skill: skills.sample(skill, n, seed) for skill in (*skills.GENERAL, "sentiment")},
        **{f"form: {form}": form_rows(form, n, seed) for form in forms.FORMS},
        "new format": format_rows(n, seed),
        "japanese": context_rows(n, seed, japanese=True),
        "company pages": company_rows("context_test", "company pages", n, seed),
        "company pages, japanese": company_rows(
            "context_test_ja", "company pages, japanese", n, seed
        ),
        "company, no context": company_rows("no_context_test", "company, no context", n, seed),
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
        Exact-match accuracy by skill, and the mean of the general skills.
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


def seconds_to_answer(model: Any, tokenizer: Any) -> float:
    """Time one answer from a full passage, on one thread (median of five)."""
    import torch

    from course_lib.evaluation import generate

    rows = context_rows(6, seed=1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    times = []
    try:
        for row in rows:
            began = time.perf_counter()
            generate(model, tokenizer, [row["messages"]], max_new_tokens=24)
            times.append(time.perf_counter() - began)
    finally:
        torch.set_num_threads(threads)
    return sorted(times[1:])[2]


def tokens_per_second(model: Any, tokenizer: Any) -> float:
    """Read passages at full speed: prompt tokens a second in batches of 32."""
    import torch

    texts = [r["messages"] for r in context_rows(64, seed=2)]
    began, tokens = time.perf_counter(), 0
    with torch.no_grad():
        for start in range(0, len(texts), 32):
            batch = tokenizer.apply_chat_template(
                texts[start : start + 32], return_dict=True, return_tensors="pt", padding=True
            )
            model(**batch)
            tokens += int(batch["attention_mask"].sum())
    return tokens / (time.perf_counter() - began)


def size(directory: Path) -> int:
    """Bytes of the weights on disk."""
    return sum(f.stat().st_size for f in directory.glob("*.safetensors"))


def write_scores(scores: dict[str, Any], directory: Path) -> None:
    """Keep the scores beside the model, for its card and for the tests."""
    (directory / "scores.json").write_text(json.dumps(scores, indent=1, ensure_ascii=False) + "\n")
