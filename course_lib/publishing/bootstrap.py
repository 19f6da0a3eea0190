"""The first cell of every lesson, word for word, and the command that puts it there.

What a lesson carries, beside its text (tests/test_notebooks_shape.py checks each point):

- the first cell is `CELL`, in every lesson the same;
- every cell has ``metadata.slideshow.slide_type`` (``slide``, ``subslide``, ``fragment``, ``skip``,
  ``notes`` or ``-``) and ``metadata.speaker_notes``: what the instructor says while it is shown;
- an exercise is asked in a cell tagged ``exercise`` and checked with ``check("name", answer)``;
  ``hint("name", level)`` offers its hints, and a cell tagged ``solution`` solves it;
- the last code cell shows ``claims()``, and no outputs are committed.

Run ``python -m course_lib.publishing.bootstrap NOTEBOOK…`` to write the cell into lessons; do the
same with all of them after `REPOSITORY` has been set to where the course is published.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat

from course_lib.errors import CourseError
from course_lib.publishing.running import read_notebook

REPOSITORY = "https://github.com/OWNER/fine-tuning-course"

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
    subprocess.run([sys.executable, "-m", "course_lib.publishing.hosted"], cwd=home, check=True)"""

NOTES = (
    "Run it and go on. On a laptop it does nothing; on Colab and Kaggle it fetches the course and "
    "installs what is missing, and never touches their torch or numpy."
)


def write(path: Path) -> bool:
    """Make `CELL` the first cell of a notebook.

    Args:
        path: The notebook. Its first cell is replaced where it is an older wording of the cell
            (it is tagged ``bootstrap``), else the cell is put before it.

    Returns:
        Whether the file changed.

    Raises:
        CourseError: The file is missing or is no notebook.

    Example:
        >>> write(Path("notebooks/00_start_here.ipynb"))  # doctest: +SKIP
        False
    """
    notebook = read_notebook(path)
    before = path.read_text(encoding="utf-8")
    cell = nbformat.v4.new_code_cell(CELL, id="bootstrap")
    cell.metadata = {
        "slideshow": {"slide_type": "skip"},
        "speaker_notes": NOTES,
        "tags": ["bootstrap"],
    }
    if notebook.cells and "bootstrap" in notebook.cells[0].metadata.get("tags", []):
        notebook.cells[0] = cell
    else:
        notebook.cells.insert(0, cell)
    after = nbformat.writes(notebook) + "\n"
    if after != before:
        path.write_text(after, encoding="utf-8")
    return after != before


if __name__ == "__main__":
    for name in sys.argv[1:]:
        try:
            changed = write(Path(name))
        except CourseError as problem:
            print(problem, file=sys.stderr)
            sys.exit(2)
        print(f"{'written' if changed else 'already there'}: {name}")
