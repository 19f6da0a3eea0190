"""Figures in Japanese: a font that has the characters, and every text through the catalogue."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

import matplotlib as mpl
import matplotlib_fontja
from matplotlib.text import Text

from course_lib.language import Verbatim, translated

_set_text = Text.set_text


@cache
def translate_figures() -> None:
    """From here on, every text of every figure is shown in the language of this session.

    The font is IPAexGothic, which ``matplotlib-fontja`` carries (MIT, the font under the IPA Font
    License; the kept-up successor of japanize-matplotlib): a machine of Colab has no Japanese font.

    matplotlib has no place where texts can be translated, and a lesson may draw with pandas too. So
    the one method that every title, label, tick and legend goes through is given the catalogue.

    Example:
        >>> translate_figures()  # doctest: +SKIP
    """
    matplotlib_fontja.japanize()
    # The font has one weight; matplotlib would say at every bold title that it takes that one.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    mpl.rcParams["font.family"] = [*mpl.rcParams["font.family"], "DejaVu Sans"]

    def set_text(self: Text, s: Any) -> None:
        _set_text(self, s if isinstance(s, Verbatim) or not isinstance(s, str) else translated(s))

    Text.set_text = set_text  # type: ignore[method-assign]
