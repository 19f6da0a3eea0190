"""Ordering puzzles in the manner of analytical-reasoning tests, each with a proved answer.

>>> import random
>>> puzzle = draw_puzzle(random.Random(3), people=4, clues=3)
>>> len(prove(puzzle).answers)
1
"""

from course_lib.puzzles.clues import Clue as Clue
from course_lib.puzzles.generation import draw_puzzle as draw_puzzle
from course_lib.puzzles.generation import pocket_structures as pocket_structures
from course_lib.puzzles.generation import puzzle_data as puzzle_data
from course_lib.puzzles.generation import supervised as supervised
from course_lib.puzzles.solver import Proof as Proof
from course_lib.puzzles.solver import Puzzle as Puzzle
from course_lib.puzzles.solver import fitting_orders as fitting_orders
from course_lib.puzzles.solver import prove as prove
from course_lib.puzzles.solver import structure as structure
