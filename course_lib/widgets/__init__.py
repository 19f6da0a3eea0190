"""What a person works with in a notebook: real ipywidgets, operable without a mouse."""

from course_lib.widgets.annotation import AnnotationView as AnnotationView
from course_lib.widgets.annotation import annotate as annotate
from course_lib.widgets.approach import ApproachView as ApproachView
from course_lib.widgets.approach import approach_chooser as approach_chooser
from course_lib.widgets.blind import BlindView as BlindView
from course_lib.widgets.blind import blind_ab as blind_ab
from course_lib.widgets.curves import CurvesView as CurvesView
from course_lib.widgets.curves import live_curves as live_curves
from course_lib.widgets.job import JobView as JobView
from course_lib.widgets.job import watch_job as watch_job
from course_lib.widgets.memory import MemoryView as MemoryView
from course_lib.widgets.memory import memory_sliders as memory_sliders
from course_lib.widgets.quiz import QuizView as QuizView
from course_lib.widgets.quiz import quiz as quiz
from course_lib.widgets.xray import XrayView as XrayView
from course_lib.widgets.xray import token_xray as token_xray
