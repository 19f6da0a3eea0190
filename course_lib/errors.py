"""The one exception that the course raises for bad input."""


class CourseError(ValueError):
    """Bad input, told so that a learner can mend it: what, where, and what to do.

    The command line turns it into exit code 2 with the message alone, no traceback.
    """
