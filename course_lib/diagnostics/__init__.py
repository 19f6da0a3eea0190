"""Read what a run did: learning curves, recited rows, forgotten skills."""

from course_lib.diagnostics.curves import Verdict as Verdict
from course_lib.diagnostics.curves import diagnose as diagnose
from course_lib.diagnostics.forgetting import FATES as FATES
from course_lib.diagnostics.forgetting import fates as fates
from course_lib.diagnostics.forgetting import forgotten as forgotten
from course_lib.diagnostics.memorisation import Recitation as Recitation
from course_lib.diagnostics.memorisation import memorised as memorised
from course_lib.diagnostics.over_optimisation import Break as Break
from course_lib.diagnostics.over_optimisation import behaviour_break as behaviour_break
