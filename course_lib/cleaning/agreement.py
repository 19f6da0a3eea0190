"""How far to trust a rule, and how far to trust the person who judged it.

A rule is measured against a person's decisions; a person against another person, or against
their own second pass. Where two people disagree often, no rule can be shown to be right.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest

from course_lib.cleaning.decisions import DECISIONS
from course_lib.errors import CourseError

# Draws of the bootstrap: they settle the ends of an interval to about a hundredth.
_DRAWS = 10_000


class Agreement(NamedTuple):
    """Two passes over the same findings.

    Attributes:
        judged: Findings that both decided.
        alone: Findings that only one of the two decided; they are not counted.
        share: Share of `judged` on which the two decided the same, 0 to 1.
        share_low: Lower end of its 95% interval (Wilson).
        share_high: Upper end.
        kappa: Cohen's kappa: 1 is full agreement, 0 what chance alone would bring, below 0 less
            than that. NaN where both gave one and the same decision to everything.
        kappa_low: Lower end of its 95% interval (bootstrap).
        kappa_high: Upper end.
        differences: The findings on which they differ: finding, rule, line, first, second.
    """

    judged: int
    alone: int
    share: float
    share_low: float
    share_high: float
    kappa: float
    kappa_low: float
    kappa_high: float
    differences: pd.DataFrame


def rule_precision(sample: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    """How often each rule was right, by the decisions on a sample of what it found.

    A rule that turned a row away, or pointed at it, was right if the person did not keep the row
    as it is (reject and fix count for the rule, keep against it). A repair was right if the
    person kept what it made (keep counts for the rule, fix and reject against it).

    The interval is Wilson's score interval at 95% (E. B. Wilson, Probable inference, the law of
    succession, and statistical inference, JASA 22, 1927, 209-212). It is the plain one, without
    a correction for small sets, because the question is how the rule does on rows like these,
    the next export included. The same interval holds for this file alone, where it is too wide
    rather than too narrow: once every finding is judged (judged = found), the precision on this
    file is known exactly.

    Args:
        sample: What `sample_findings` drew.
        decisions: What `decisions` read. Decisions on other findings are passed over.

    Returns:
        One row a rule of the sample: rule, found (findings in the whole report), judged, right,
        precision (right / judged), low, high. A rule not judged yet has the precision NaN and
        the interval 0 to 1.

    Raises:
        CourseError: A frame lacks its columns.

    Example:
        >>> sample = pd.DataFrame(
        ...     {"finding": ["a", "b"], "kind": "rejected", "rule": "refusal", "found": 9}
        ... )
        >>> decided = pd.DataFrame({"finding": ["a", "b"], "decision": ["reject", "keep"]})
        >>> rule_precision(sample, decided).round(2).to_dict("records")[0]["precision"]
        0.5
    """
    require_columns(sample, ("finding", "kind", "rule", "found"), "sample", "sample_findings")
    require_columns(decisions, ("finding", "decision"), "decisions", "decisions")
    said = dict(zip(decisions["finding"], decisions["decision"], strict=True))
    rows = []
    for rule, part in sample.groupby("rule", sort=False):
        right = [
            (said[finding] == "keep") == (kind == "changed")
            for finding, kind in zip(part["finding"], part["kind"], strict=True)
            if finding in said
        ]
        low, high = _wilson(sum(right), len(right))
        rows.append(
            {
                "rule": rule,
                "found": int(part["found"].iloc[0]),
                "judged": len(right),
                "right": sum(right),
                "precision": sum(right) / len(right) if right else float("nan"),
                "low": low,
                "high": high,
            }
        )
    names = ["rule", "found", "judged", "right", "precision", "low", "high"]
    return pd.DataFrame(rows, columns=names)


def agreement(first: pd.DataFrame, second: pd.DataFrame, *, seed: int = 0) -> Agreement:
    """Compare two passes over the same findings: two people, or one person twice.

    Cohen's kappa (J. Cohen, A coefficient of agreement for nominal scales, Educational and
    Psychological Measurement 20, 1960, 37-46) is (observed - chance) / (1 - chance), where chance
    is the agreement of two who keep, fix and reject as often as these two, but blindly. Its
    interval is a percentile bootstrap over findings (10,000 draws). Where the two agree on
    everything it has no width: then look at the interval of the share.

    Args:
        first: What `decisions` read of the first pass.
        second: Of the second.
        seed: Of the bootstrap's draws.

    Returns:
        Counts, the share of the same decisions and kappa, each with its 95% interval, and the
        findings on which the two differ.

    Raises:
        CourseError: No finding was decided by both, or a frame lacks its columns.

    Example:
        >>> one = pd.DataFrame({"finding": list("abcd"), "decision": ["keep"] * 2 + ["reject"] * 2})
        >>> two = one.assign(decision=["keep", "reject", "reject", "reject"])
        >>> result = agreement(one, two)
        >>> result.share, result.kappa, result.differences["finding"].tolist()
        (0.75, 0.5, ['b'])
    """
    for frame, name in ((first, "first"), (second, "second")):
        require_columns(frame, ("finding", "decision"), name, "decisions")
    pairs = first.merge(second[["finding", "decision"]], on="finding", suffixes=("", "_second"))
    if pairs.empty:
        raise CourseError(
            f"No finding was decided by both ({len(first)} and {len(second)} decisions): let both "
            "decide the same sample, with the same per_rule and seed."
        )
    pairs = pairs.rename(columns={"decision": "first", "decision_second": "second"})
    same = pairs["first"] == pairs["second"]
    counts = np.array(
        [
            ((pairs["first"] == one) & (pairs["second"] == two)).sum()
            for one in DECISIONS
            for two in DECISIONS
        ]
    )
    total = len(pairs)
    # Drawing findings with replacement is drawing the counts of the table: one multinomial each.
    draws = np.random.default_rng(seed).multinomial(total, counts / total, size=_DRAWS)
    kappas = _kappa(draws)
    # A draw in which both say one thing throughout has no kappa and is passed over.
    kappas = kappas[~np.isnan(kappas)]
    low, high = np.quantile(kappas, [0.025, 0.975]) if len(kappas) else (np.nan, np.nan)
    share_low, share_high = _wilson(int(same.sum()), total)
    shown = [name for name in ("finding", "rule", "line", "first", "second") if name in pairs]
    return Agreement(
        judged=total,
        alone=len(first) + len(second) - 2 * total,
        share=float(same.mean()),
        share_low=share_low,
        share_high=share_high,
        kappa=float(_kappa(counts[None])[0]),
        kappa_low=float(low),
        kappa_high=float(high),
        differences=pairs.loc[~same, shown].reset_index(drop=True),
    )


def verdicts(
    lines: Iterable[int], *, rejected: Collection[int] = (), fixed: Collection[int] = ()
) -> pd.DataFrame:
    """What a judge says of each line, where the judge is a list: a key, or what a rule found.

    Args:
        lines: The lines judged.
        rejected: Lines that the judge rejects.
        fixed: Lines that the judge mends; a line in both lists is rejected.

    Returns:
        One row a line, for `agreement`: finding and line (both the number), decision.

    Example:
        >>> verdicts([1, 2, 3], rejected=[2], fixed=[2, 3])["decision"].tolist()
        ['keep', 'reject', 'fix']
    """
    numbers = [int(line) for line in lines]
    bad, mended = set(rejected), set(fixed)
    said = ["reject" if line in bad else "fix" if line in mended else "keep" for line in numbers]
    return pd.DataFrame({"finding": numbers, "line": numbers, "decision": said})


def require_columns(frame: pd.DataFrame, names: tuple[str, ...], what: str, source: str) -> None:
    """Refuse a frame that is not the one asked for.

    Args:
        frame: The frame.
        names: Columns it must have.
        what: What the frame is called in the message.
        source: The function that makes such a frame.

    Raises:
        CourseError: A column is missing.

    Example:
        >>> require_columns(pd.DataFrame({"rule": []}), ("rule",), "sample", "sample_findings")
    """
    missing = [name for name in names if name not in frame]
    if missing:
        raise CourseError(
            f"The {what} has no column {missing[0]!r}: pass what {source}() returned, whole."
        )


def _wilson(right: int, judged: int) -> tuple[float, float]:
    if not judged:
        return 0.0, 1.0
    interval = binomtest(right, judged).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def _kappa(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Kappa of each table of counts (one a row, cell by cell), NaN where chance explains all."""
    size = len(DECISIONS)
    tables = counts.reshape(-1, size, size) / counts.sum(axis=1)[:, None, None]
    observed = np.trace(tables, axis1=1, axis2=2)
    chance = (tables.sum(axis=2) * tables.sum(axis=1)).sum(axis=1)
    certain = np.isclose(chance, 1.0)
    return np.where(certain, np.nan, (observed - chance) / np.where(certain, 1.0, 1 - chance))
