"""Every figure of the course, in one house style that a back row and a colour-blind eye can read.

Each function takes what the rest of `course_lib` returns and hands back a matplotlib `Figure`,
for a notebook to show (last line of a cell) or to save.
"""

from course_lib.plotting.cleaning import cleaning_ledger as cleaning_ledger
from course_lib.plotting.cleaning import judged_precision as judged_precision
from course_lib.plotting.cleaning import precision_recall as precision_recall
from course_lib.plotting.costs import cost_over_questions as cost_over_questions
from course_lib.plotting.curves import learning_curves as learning_curves
from course_lib.plotting.evaluation import detection_rates as detection_rates
from course_lib.plotting.evaluation import reliability as reliability
from course_lib.plotting.forgetting import fate_bars as fate_bars
from course_lib.plotting.forgetting import learned_and_forgotten as learned_and_forgotten
from course_lib.plotting.forgetting import share_curves as share_curves
from course_lib.plotting.forgetting import skill_map as skill_map
from course_lib.plotting.jobs import job_curves as job_curves
from course_lib.plotting.knobs import band_curves as band_curves
from course_lib.plotting.knobs import knobs_side_by_side as knobs_side_by_side
from course_lib.plotting.low_rank import update_spectrum as update_spectrum
from course_lib.plotting.memory import memory_bars as memory_bars
from course_lib.plotting.memory import memory_over_sizes as memory_over_sizes
from course_lib.plotting.preferences import over_beta as over_beta
from course_lib.plotting.preferences import preference_curves as preference_curves
from course_lib.plotting.preferences import reward_and_answers as reward_and_answers
from course_lib.plotting.quantisation import error_and_damage as error_and_damage
from course_lib.plotting.quantisation import levels_over_weights as levels_over_weights
from course_lib.plotting.reinforcement import pass_curves as pass_curves
from course_lib.plotting.reinforcement import rewards_over_steps as rewards_over_steps
from course_lib.plotting.runs import loss_and_answers as loss_and_answers
from course_lib.plotting.runs import runs_compared as runs_compared
from course_lib.plotting.scaling import scaling_bands as scaling_bands
from course_lib.plotting.scores import before_after as before_after
from course_lib.plotting.scores import ranked_cures as ranked_cures
from course_lib.plotting.scores import speed_and_quality as speed_and_quality
from course_lib.plotting.sources import source_rows as source_rows
from course_lib.plotting.sources import wording_curves as wording_curves
from course_lib.plotting.tokens import language_costs as language_costs
from course_lib.plotting.tokens import vocabulary_sizes as vocabulary_sizes
from course_lib.plotting.watching import monitored_days as monitored_days
from course_lib.plotting.watching import shares_by_name as shares_by_name
