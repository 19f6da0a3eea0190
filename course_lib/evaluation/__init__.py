"""Measure a model: answers, metrics, held-out loss, and comparisons with an interval.

The names below are imported when first used, so that reading this package costs nothing:

    >>> from course_lib.evaluation import generate, exact_match, paired_bootstrap
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Imported at once, not on demand: the function must win over the module of the same name.
from course_lib.evaluation.skills import skills as skills

if TYPE_CHECKING:
    from course_lib.evaluation.calibration import calibration_error as calibration_error
    from course_lib.evaluation.comparison import Difference as Difference
    from course_lib.evaluation.comparison import Share as Share
    from course_lib.evaluation.comparison import detection_rate as detection_rate
    from course_lib.evaluation.comparison import paired_bootstrap as paired_bootstrap
    from course_lib.evaluation.comparison import share_interval as share_interval
    from course_lib.evaluation.generation import generate as generate
    from course_lib.evaluation.generation import prompts as prompts
    from course_lib.evaluation.generation import references as references
    from course_lib.evaluation.generation import sample as sample
    from course_lib.evaluation.graders import grade as grade
    from course_lib.evaluation.graders import grader as grader
    from course_lib.evaluation.graders import model_grader as model_grader
    from course_lib.evaluation.judge import judge_both_ways as judge_both_ways
    from course_lib.evaluation.judge import model_judge as model_judge
    from course_lib.evaluation.judge import reference_judge as reference_judge
    from course_lib.evaluation.judge import rubric_judge as rubric_judge
    from course_lib.evaluation.loss import held_out_loss as held_out_loss
    from course_lib.evaluation.loss import perplexity as perplexity
    from course_lib.evaluation.loss import token_scores as token_scores
    from course_lib.evaluation.metrics import ExactMatch as ExactMatch
    from course_lib.evaluation.metrics import ValueInAnswer as ValueInAnswer
    from course_lib.evaluation.metrics import exact_match as exact_match
    from course_lib.evaluation.metrics import exact_matches as exact_matches
    from course_lib.evaluation.metrics import pass_at_k as pass_at_k
    from course_lib.evaluation.metrics import value_in_answer as value_in_answer
    from course_lib.evaluation.overlap import Overlap as Overlap
    from course_lib.evaluation.overlap import WordsAndCharacters as WordsAndCharacters
    from course_lib.evaluation.overlap import bleu as bleu
    from course_lib.evaluation.overlap import chrf as chrf
    from course_lib.evaluation.overlap import rouge_l as rouge_l
    from course_lib.evaluation.paraphrases import consistency as consistency
    from course_lib.evaluation.support import HouseStyle as HouseStyle
    from course_lib.evaluation.support import in_house_style as in_house_style
    from course_lib.evaluation.support import score_support as score_support
    from course_lib.evaluation.votes import Preference as Preference
    from course_lib.evaluation.votes import preference as preference

_HOME = {
    "calibration_error": "calibration",
    "Difference": "comparison",
    "Share": "comparison",
    "detection_rate": "comparison",
    "paired_bootstrap": "comparison",
    "share_interval": "comparison",
    "generate": "generation",
    "prompts": "generation",
    "references": "generation",
    "sample": "generation",
    "grade": "graders",
    "grader": "graders",
    "model_grader": "graders",
    "judge_both_ways": "judge",
    "model_judge": "judge",
    "reference_judge": "judge",
    "rubric_judge": "judge",
    "held_out_loss": "loss",
    "perplexity": "loss",
    "token_scores": "loss",
    "ExactMatch": "metrics",
    "ValueInAnswer": "metrics",
    "exact_match": "metrics",
    "exact_matches": "metrics",
    "pass_at_k": "metrics",
    "value_in_answer": "metrics",
    "Overlap": "overlap",
    "WordsAndCharacters": "overlap",
    "bleu": "overlap",
    "chrf": "overlap",
    "rouge_l": "overlap",
    "consistency": "paraphrases",
    "HouseStyle": "support",
    "in_house_style": "support",
    "score_support": "support",
    "Preference": "votes",
    "preference": "votes",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value
