"""Memory and time of a training step: predicted from a model's shape, measured, and traced.

`estimate` predicts the peak by part, `plan` searches the fastest setting that fits and hands back
the libraries' configs with reasons, `choose_method` chooses full, LoRA or QLoRA, `plan_parallel`
plans for several devices, `measure` watches a real block of code; `course_lib.memory.tables` has
the tables that guides quote. What the prediction is checked against needs torch:
`course_lib.memory.trace` runs a step over fake tensors, and `course_lib.memory.real_step` runs one
of random weights; `benchmarks/memory_accuracy.py` does both.
"""

from course_lib.memory.cards import Card, card
from course_lib.memory.estimate import MemoryEstimate, estimate
from course_lib.memory.layers import adapter_parameters
from course_lib.memory.measure import Measured, measure
from course_lib.memory.method import MethodChoice, choose_method
from course_lib.memory.parallel import ParallelPlan, plan_parallel
from course_lib.memory.plan import Plan, plan
from course_lib.memory.resolve import resolve
from course_lib.memory.speed import seconds_per_step

__all__ = [
    "Card",
    "Measured",
    "MemoryEstimate",
    "MethodChoice",
    "ParallelPlan",
    "Plan",
    "adapter_parameters",
    "card",
    "choose_method",
    "estimate",
    "measure",
    "plan",
    "plan_parallel",
    "resolve",
    "seconds_per_step",
]
