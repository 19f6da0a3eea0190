"""The first cell of every lesson, word for word.

What a lesson carries, beside its text (tests/test_notebooks_shape.py checks each point):

- the first cell is `CELL`, in every lesson the same;
- every cell has ``metadata.slideshow.slide_type`` (``slide``, ``subslide``, ``fragment``, ``skip``,
  ``notes`` or ``-``) and ``metadata.speaker_notes``: what the instructor says while it is shown;
- an exercise is asked in a cell tagged ``exercise`` and checked with ``check("name", answer)``;
  ``hint("name", level)`` offers its hints; what it asks and its solution stand in
  ``course_lib/exercises``;
- a quiz and the learner's progress stand before "What you saw";
- the last code cell shows ``claims()``, and no outputs are committed.

`course_lib.publishing.launch` writes it into the lessons, whenever the address has changed.
"""

from __future__ import annotations

import tomllib

from course_lib.publishing.course import ROOT

# Where the course is published: the one setting, in pyproject.toml.
REPOSITORY: str = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "urls"
]["Repository"]

CELL = f"""\
# Colab and Kaggle: fetch the course and what their image lacks. Elsewhere: nothing to do.
import os
import subprocess
import sys

if {{"COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}} & set(os.environ):
    home = os.path.abspath("fine-tuning-course")
    if not os.path.isdir(home):
        source = os.environ.get("COURSE_REPOSITORY", "{REPOSITORY}")
        subprocess.run(["git", "clone", "--depth=1", source, home], check=True)
    sys.path.insert(0, home)
    install = [sys.executable, "-m", "course_lib.publishing.hosted", *sys.modules]
    subprocess.run(install, cwd=home, check=True)"""

NOTES = {
    "en": "Run it and go on. On a laptop it does nothing; on Colab and Kaggle it fetches the "
    "course and installs what is missing, and never touches their torch or numpy.",
    "ja": "実行して先へ進みます。ノートパソコンでは何もしません。ColabとKaggleでは講座を取得し、"
    "足りないものだけを入れます。torchとnumpyには触れません。",
}
