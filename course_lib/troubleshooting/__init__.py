"""Explain a known exception where it happens: what it says, why, and the line to change.

`course_lib.start()` registers the explanations for a notebook: below a traceback, which stays
whole, stands a box. An exception that is not known gets none. Each known one is a small function
in the module of its subject, with an exact condition; its words stand in `english.toml` and
`japanese.toml`, under the function's name.
"""

from course_lib.troubleshooting.explaining import explain
from course_lib.troubleshooting.explanation import Explanation

__all__ = ["Explanation", "explain"]
