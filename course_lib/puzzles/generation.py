"""Draw ordering puzzles that the solver has proved, and deal them out without leaks."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

from course_lib.errors import CourseError
from course_lib.pocket import lexicon as lx
from course_lib.puzzles.clues import Clue, ClueKind, Order, draw_clue
from course_lib.puzzles.solver import Puzzle, QuestionKind, fitting_orders, prove, structure

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

CLUE_KINDS: tuple[ClueKind, ...] = get_args(ClueKind)
_STATEMENTS = 4
_TRIES = 2_000


def draw_puzzle(
    rng: random.Random,
    *,
    people: int = 4,
    clues: int = 3,
    question: QuestionKind = "who",
    kinds: tuple[ClueKind, ...] = CLUE_KINDS,
) -> Puzzle:
    """Draw a puzzle with exactly one right answer, every clue of which is needed.

    Args:
        rng: the only source of chance.
        people: how many stand in the row, three to six.
        clues: how many are given. More people and more clues are harder.
        question: what is asked.
        kinds: kinds of clues to draw from.

    Returns:
        A puzzle that `prove` has passed.

    Raises:
        CourseError: no such puzzle was found, because the clues are too few or too many.

    Example:
        >>> puzzle = draw_puzzle(random.Random(0))
        >>> proof = prove(puzzle)
        >>> len(proof.answers), proof.redundant
        (1, ())
    """
    for _ in range(_TRIES):
        order = tuple(rng.sample(lx.PEOPLE, people))
        given = tuple(draw_clue(rng, order, kinds) for _ in range(clues))
        named = {person for clue in given for person in clue.people}
        if len(set(given)) < clues or len(named) < people:
            continue
        place = rng.randrange(people) if question == "who" else 0
        options = _options(rng, order, given, question, kinds)
        if options is None:
            continue
        shuffled = tuple(rng.sample(order, people))
        turned = tuple(rng.random() < 0.5 for _ in given)
        puzzle = Puzzle(shuffled, given, question, place, options, turned)
        proof = prove(puzzle)
        if len(proof.answers) == 1 and not proof.redundant:
            return puzzle
    raise CourseError(
        f"no puzzle of {people} people with {clues} needed clues and one answer was found for "
        f"{question!r}: change the number of clues, or allow more kinds of clues"
    )


def puzzle_data(
    *,
    train: int = 128,
    validation: int = 32,
    test: int = 64,
    sizes: tuple[tuple[int, int], ...] = ((4, 3),),
    questions: tuple[QuestionKind, ...] = ("who",),
    kinds: tuple[ClueKind, ...] = CLUE_KINDS,
    instruction: str = "",
    seed: int = 0,
) -> DatasetDict:
    """Rows of proved puzzles in three sets, no structure in two of them.

    A structure's set is decided by a hash of it, whatever the seed: a puzzle of one seed's
    training set is never in another seed's test. Rows of one set may share a structure (there
    are only so many), but never the wording. What the pocket model was pretrained on is in none.

    Args:
        train: rows to train on.
        validation: rows to choose by.
        test: rows to report on.
        sizes: the difficulty, as pairs of people and clues; each row draws one pair.
        questions: kinds of questions, drawn evenly.
        kinds: kinds of clues.
        instruction: put after each puzzle, such as " Answer with the name only."
        seed: the same seed gives the same rows.

    Returns:
        `train`, `validation` and `test` with the columns `prompt` (messages, as
        `GRPOTrainer` reads them), `answer`, `people`, `question` and `structure`.

    Raises:
        CourseError: there are no such puzzles, or too few different ones.

    Example:
        >>> data = puzzle_data(train=4, validation=2, test=2)
        >>> data["train"].column_names
        ['prompt', 'answer', 'people', 'question', 'structure']
    """
    from datasets import Dataset, DatasetDict

    wanted = {"train": train, "validation": validation, "test": test}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in wanted}
    rng = random.Random(f"puzzles {seed}")
    seen: set[str] = set()
    for _ in range(50 * sum(wanted.values())):
        if all(len(rows[name]) == count for name, count in wanted.items()):
            return DatasetDict({name: Dataset.from_list(rows[name]) for name in wanted})
        people, clues = rng.choice(sizes)
        question = rng.choice(questions)
        puzzle = draw_puzzle(rng, people=people, clues=clues, question=question, kinds=kinds)
        name, text = which_set(puzzle), puzzle.text()
        if structure(puzzle) in pocket_structures():
            continue
        if text not in seen and len(rows[name]) < wanted[name]:
            seen.add(text)
            rows[name].append(puzzle_row(puzzle, instruction))
    raise CourseError(
        f"too few different puzzles for {wanted}: ask for fewer rows, or allow more sizes, "
        "questions or kinds of clues"
    )


def puzzle_row(puzzle: Puzzle, instruction: str = "") -> dict[str, Any]:
    """One puzzle as a row: the prompt, and all that a reward may need.

    Example:
        >>> row = puzzle_row(draw_puzzle(random.Random(0)))
        >>> row["prompt"][0]["role"], row["answer"] in row["people"]
        ('user', True)
    """
    return {
        "prompt": [{"role": "user", "content": puzzle.text() + instruction}],
        "answer": prove(puzzle).answers[0],
        "people": list(puzzle.people),
        "question": puzzle.question,
        "structure": structure(puzzle),
    }


def which_set(puzzle: Puzzle) -> str:
    """Say in which set a puzzle belongs, by its structure: seven tenths are for training.

    Example:
        >>> which_set(draw_puzzle(random.Random(0))) in ("train", "validation", "test")
        True
    """
    tenth = hashlib.blake2b(structure(puzzle).encode(), digest_size=4).digest()[0] % 10
    return "test" if tenth < 2 else "validation" if tenth < 3 else "train"


def supervised(rows: Dataset) -> Dataset:
    """The same puzzles as conversations that end with the solver's answer, for SFT.

    Args:
        rows: a set of `puzzle_data`.

    Returns:
        Rows with `messages`, as `sft_trainer` and a managed fine-tuning API read them.

    Example:
        >>> rows = supervised(puzzle_data(train=2, validation=1, test=1)["train"])
        >>> [message["role"] for message in rows[0]["messages"]]
        ['user', 'assistant']
    """
    return rows.map(
        lambda row: {
            "messages": [*row["prompt"], {"role": "assistant", "content": row["answer"]}],
        },
        remove_columns=rows.column_names,
    )


@cache
def pocket_structures() -> frozenset[str]:
    """The structures of the ordering puzzles in the pocket model's pretraining.

    There are two: three people, each clue about neighbours in the chain, the first or the last is
    asked for (`course_lib.pocket.skills.ordering`).

    Example:
        >>> len(pocket_structures())
        2
    """
    chain = (Clue("before", ("a", "b")), Clue("before", ("b", "c")))
    ends = (Puzzle(("a", "b", "c"), chain, "who", place) for place in (0, 2))
    return frozenset(map(structure, ends))


def _options(
    rng: random.Random,
    order: Order,
    clues: Sequence[Clue],
    question: QuestionKind,
    kinds: tuple[ClueKind, ...],
) -> tuple[Order | Clue, ...] | None:
    """Draw what is offered; None where these clues allow no good offer."""
    if question in ("who", "order"):
        return ()
    offered: list[Order | Clue] = []
    if question == "possible":
        # Each wrong order breaks exactly one clue, so that the reader needs every clue.
        for place, clue in enumerate(clues):
            others = tuple(clues[:place]) + tuple(clues[place + 1 :])
            wrong = [o for o in fitting_orders(order, others) if not clue.holds(o)]
            if not wrong:
                return None
            offered.append(rng.choice(wrong))
        offered = [order, *offered]
    else:
        orders = fitting_orders(order, tuple(clues))
        drawn = {draw_clue(rng, tuple(rng.sample(order, len(order))), kinds) for _ in range(40)}
        fresh = sorted(drawn - set(clues), key=repr)
        must = [clue for clue in fresh if all(clue.holds(o) for o in orders)]
        may = [clue for clue in fresh if not all(clue.holds(o) for o in orders)]
        if not must or len(may) < _STATEMENTS - 1:
            return None
        offered = [rng.choice(must), *rng.sample(may, _STATEMENTS - 1)]
    return tuple(rng.sample(offered, len(offered)))
