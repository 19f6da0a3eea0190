"""The pocket model's card: data, recipe, compute, scores with their thresholds, limits.

Every figure is read from a file that a measurement wrote; what falls short is said in the same
table as what holds.
"""

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from course_lib.errors import CourseError
from course_lib.pocket.batches import OTHER_TOKENS_WEIGHT, Recipe
from course_lib.pocket.score import NO_CONTEXT
from course_lib.pocket.speed import weights_bytes, weights_digest

TRAINING_FIELDS = ("steps", "tokens", "hours", "cores", "torch")


def write_card(directory: Path) -> Path:
    """Write `README.md` beside the weights.

    Args:
        directory: the model's folder, with `config.json`, `scores.json` (from
            `pocket score --save`) and `training.json` (from the pretraining).

    Returns:
        The card.

    Raises:
        CourseError: a file or a field is missing, or the scores are those of other weights.

    Example:
        >>> write_card(Path("data/pocket")).name  # doctest: +SKIP
        'README.md'
    """
    config = _read(directory / "config.json", "it is no model folder", ("hidden_size",))
    again = "run `python -m course_lib pocket score --save`"
    scores = _read(directory / "scores.json", again, ("skills", "counts", "weights"))
    training = _read(
        directory / "training.json",
        f"it says what the pretraining took: {', '.join(TRAINING_FIELDS)}",
        TRAINING_FIELDS,
    )
    if scores["weights"] != weights_digest(directory):
        raise CourseError(f"{directory / 'scores.json'} has the scores of other weights: {again}")
    environment = Environment(
        loader=PackageLoader("course_lib.pocket", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    path = directory / "README.md"
    text = environment.get_template("card.md.j2").render(
        config=config,
        recipe=Recipe(),
        other_weight=OTHER_TOKENS_WEIGHT,
        scores=scores,
        size=weights_bytes(directory),
        table=_table(scores),
        training=training,
    )
    path.write_text(text, encoding="utf-8")
    return path


def _table(scores: dict[str, Any]) -> list[dict[str, str]]:
    """Make one row for each skill; the last column says plainly whether the figure holds."""
    rows = []
    for skill, value in scores["skills"].items():
        wanted = scores["thresholds"].get(skill)
        starts = (f"{skill}: ", f"{skill} in NF4: ")
        short = any(line.startswith(starts) for line in scores["shortfalls"])
        rows.append(
            {
                "skill": skill,
                "instances": str(scores["counts"].get(skill, "")),
                "value": f"{value:.1%}",
                "nf4": f"{scores['skills_nf4'][skill]:.1%}",
                "wanted": ""
                if wanted is None
                else f"{'under' if skill == NO_CONTEXT else 'at least'} {wanted:.0%}",
                "verdict": "**falls short**" if short else "holds" if wanted is not None else "",
            }
        )
    return rows


def _read(path: Path, hint: str, fields: tuple[str, ...]) -> dict[str, Any]:
    if not path.is_file():
        raise CourseError(f"{path} is missing: {hint}")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise CourseError(f"{path}, line {error.lineno}: no JSON ({error.msg}); {hint}") from error
    missing = [f for f in fields if f not in found] if isinstance(found, dict) else list(fields)
    if missing:
        raise CourseError(f"{path} lacks {', '.join(missing)}: {hint}")
    return dict(found)
