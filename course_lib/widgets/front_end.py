"""What the page can do that a widget is shown on, and what a widget brings along for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets
from IPython import get_ipython

_HERE = Path(__file__).parent

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


def style(name: str, more: str = "") -> ipywidgets.HTML:
    """A style sheet as a part of a view.

    Args:
        name: A file beside this module.
        more: Rules of this one view.

    Returns:
        The part, which takes no room.

    Example:
        >>> style("controls.css").layout.display
        'none'
    """
    css = (_HERE / name).read_text("utf-8")
    return ipywidgets.HTML(f"<style>{css}{more}</style>", layout={"display": "none"})


def script(name: str) -> ipywidgets.Output:
    """A script as a part of a view: an HTML widget runs none, an output does.

    Args:
        name: A file beside this module.

    Returns:
        The part.

    Example:
        >>> script("names.js").outputs[0]["output_type"]
        'display_data'
    """
    data = {"application/javascript": (_HERE / name).read_text("utf-8")}
    return ipywidgets.Output(
        outputs=({"output_type": "display_data", "data": data, "metadata": {}},)
    )
