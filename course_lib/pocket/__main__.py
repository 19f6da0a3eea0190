"""`python -m course_lib.pocket` rebuilds the pocket model (the same as `… pocket pretrain`)."""

import sys

from course_lib.pocket.command import main

if __name__ == "__main__":
    sys.exit(main(["pretrain", *sys.argv[1:]]))
