"""Read what a run says about itself: learning curves and recited rows."""

from course_lib.diagnostics.curves import Verdict as Verdict
from course_lib.diagnostics.curves import diagnose as diagnose
from course_lib.diagnostics.memorisation import Recitation as Recitation
from course_lib.diagnostics.memorisation import memorised as memorised
