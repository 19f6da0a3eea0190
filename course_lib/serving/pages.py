"""Lists as the API gives them: a page, whether there is more, and from where to go on."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Query
from pydantic import BaseModel
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from course_lib.serving.errors import ApiError

Item = TypeVar("Item")

Limit = Annotated[int, Query(ge=1, le=100)]
After = Annotated[str | None, Query()]


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    object: Literal["list"] = "list"
    data: list[Item]
    first_id: str | None
    last_id: str | None
    has_more: bool


def page(
    session: Session,
    table: Any,
    chosen: Select[Any],
    *,
    after: str | None,
    limit: int,
    newest_first: bool = True,
) -> tuple[list[Any], bool]:
    """The next rows of a list.

    Args:
        session: Where to read.
        table: The table, with ``id`` and ``number``.
        chosen: ``select(table)``, perhaps with conditions.
        after: The id of the last row seen; None begins.
        limit: The most rows.
        newest_first: The order.

    Returns:
        The rows, and whether there are more.

    Raises:
        ApiError: There is no row ``after``.

    Example:
        >>> rows, more = page(session, Job, select(Job), after=None, limit=20)  # doctest: +SKIP
    """
    if after is not None:
        number = session.scalar(select(table.number).where(table.id == after))
        if number is None:
            raise ApiError(f"There is nothing with the id {after!r} to go on after.", param="after")
        chosen = chosen.where(table.number < number if newest_first else table.number > number)
    order = table.number.desc() if newest_first else table.number.asc()
    rows = list(session.scalars(chosen.order_by(order).limit(limit + 1)))
    return rows[:limit], len(rows) > limit


def as_page(rows: list[Any], items: list[Item], has_more: bool) -> Page[Item]:
    """Wrap rows as a page.

    Args:
        rows: The rows, with ids.
        items: What the client sees of them.
        has_more: Whether there are more.

    Example:
        >>> as_page([], [], False).has_more
        False
    """
    return Page(
        data=items,
        first_id=rows[0].id if rows else None,
        last_id=rows[-1].id if rows else None,
        has_more=has_more,
    )
