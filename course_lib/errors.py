"""The exception that the course raises for bad input, and its kinds that a caller tells apart."""


class CourseError(ValueError):
    """Bad input, told so that a learner can mend it: what, where, and what to do.

    The command line turns it into exit code 2 with the message alone, no traceback.
    """


class OutOfMemory(CourseError):
    """A training step needed more memory than there is."""


class NotSaved(CourseError):
    """A run's folder cannot be written: its disk is full, gone or read-only."""
