"""The capstone's tracks: messy exports of two trades, and the learner's own file.

from course_lib.capstone import track

track("headlines").file         # data/capstone/headlines_raw.csv
track("own", "my_data.csv")     # any file that course_lib.formats reads
"""

from course_lib.capstone.tracks import Track, track

__all__ = ["Track", "track"]
