"""How fast the whole cleaner is, how it grows, and where the time goes.

    OMP_NUM_THREADS=1 python benchmarks/cleaning_speed.py --rows 10000 100000 1000000
    OMP_NUM_THREADS=1 python benchmarks/cleaning_speed.py --rows 200000 --num-proc 1 2 4
    OMP_NUM_THREADS=1 python benchmarks/cleaning_speed.py --rows 20000 --profile

Each size runs in a process of its own, from the file on disk to the report in memory, so that the
peak memory is that size's alone.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from short_chats import write


def run_here(path: Path, num_proc: int) -> None:
    """Clean one file and print what it took."""
    from course_lib.cleaning import clean

    began, busy = time.perf_counter(), time.process_time()
    report = clean(path, num_proc=num_proc)
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    rows = report.summary["rows_in"]
    print(json.dumps({
        "rows": rows, "num_proc": num_proc, "seconds": round(seconds, 2),
        "rows_per_second": round(rows / seconds), "kept": report.summary["kept"],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "microseconds_per_row": round(1e6 * busy / rows, 1),
    }), flush=True)  # fmt: skip


def main() -> None:
    """Write the files, then measure each size and number of processes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--num-proc", type=int, nargs="+", default=[1])
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.file:
        run_here(arguments.file, arguments.num_proc[0])
        return
    with tempfile.TemporaryDirectory() as folder:
        for rows in arguments.rows:
            path = write(Path(folder) / f"{rows}.jsonl", rows)
            if arguments.profile:
                profile = cProfile.Profile()
                profile.runcall(run_here, path, 1)
                pstats.Stats(profile).sort_stats("tottime").print_stats(25)
                continue
            for num_proc in arguments.num_proc:
                command = [sys.executable, __file__, "--file", str(path)]
                subprocess.run([*command, "--num-proc", str(num_proc)], check=True)
            path.unlink()


if __name__ == "__main__":
    main()
