"""What the page can do that a widget is shown on."""

from __future__ import annotations

from typing import Any

from IPython import get_ipython

# The part of a widget's output that a front end turns into something to work with.
LIVE = "application/vnd.jupyter.widget-view+json"


def somebody_is_there() -> bool:
    """Whether the front end lets people type: nbconvert and nbmake say that theirs does not.

    Example:
        >>> somebody_is_there()
        True
    """
    kernel: Any = getattr(get_ipython(), "kernel", None)
    if not hasattr(kernel, "get_parent"):
        return True
    content: dict[str, Any] = kernel.get_parent("shell").get("content", {})
    return bool(content.get("allow_stdin", True))
