"""What became of a source's rows, as one line of a table, and the card that goes with the set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from course_lib.cleaning.privacy import DETECTORS

if TYPE_CHECKING:
    import pandas as pd

    from course_lib.cleaning import CleaningReport


def account(report: CleaningReport, busiest: int = 3) -> dict[str, Any]:
    """Sum a cleaning up in one line.

    Args:
        report: What `clean` returned.
        busiest: How many of the rejecting rules to name.

    Returns:
        rows in, kept, rejected, "rejected by" (the busiest rules in words) and masked (how many
        times a row had private values of one kind taken out).

    Example:
        >>> account(clean("support.jsonl"))["rows in"]                  # doctest: +SKIP
        1200
    """
    summary = report.summary
    rejecting = sorted(
        ((count["rejected"], name) for name, count in summary["rules"].items()),
        key=lambda found: -found[0],
    )
    return {
        "rows in": len(report.source.rows),
        "kept": report.kept.num_rows,
        "rejected": len(report.rejected),
        "rejected by": ", ".join(f"{name} {count}" for count, name in rejecting[:busiest] if count),
        "masked": sum(
            count["changed"] for name, count in summary["rules"].items() if name in DETECTORS
        ),
    }


def source_card(table: pd.DataFrame, notes: Mapping[str, str], *, title: str) -> str:
    """Write the data card of a set with several sources, in markdown.

    Args:
        table: One row a source, its name as index.
        notes: Further sections by heading, such as {"Licences": "…"}.
        title: The set's name.

    Returns:
        The card: the table first, then the sections.

    Example:
        >>> import pandas as pd
        >>> print(source_card(pd.DataFrame({"kept": [7]}, index=["export"]), {}, title="Rows"))
        # Rows
        <BLANKLINE>
        | source | kept |
        | --- | --- |
        | export | 7 |
        <BLANKLINE>
    """
    head = ["source", *map(str, table.columns)]
    lines = [head, ["---"] * len(head)]
    lines += [list(map(str, row)) for row in table.itertuples()]
    rows = "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
    sections = "".join(f"\n## {heading}\n\n{text}\n" for heading, text in notes.items())
    return f"# {title}\n\n{rows}\n{sections}"
