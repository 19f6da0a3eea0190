"""Read training data in the formats people really have, into one canonical conversation.

Whatever comes in, a row becomes {"messages": [{"role", "content"}, ...]} plus its other columns:

    {"instruction": "Be kind.", "input": "Hi", "output": "Hello!"}          (Alpaca)
    {"conversations": [{"from": "human", "value": "Hi"}, ...]}              (ShareGPT)
    {"input": [{"role": "user", "content": "Hi"}], "ideal": "Hello!"}       (OpenAI evals)
    {"prompt": "Hi", "chosen": "Hello!", "rejected": "What?"}               (preference pairs)
    -> {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", ...}]}

JSON Lines, JSON, CSV, TSV and Parquet are read, the text ones also as .gz and .zst, in UTF-8 or
in what an older system wrote. A row that cannot be read is not dropped: it stays in the source
with its line and its problem, so that the cleaner can hand it back.
"""

from course_lib.formats.dataset import to_dataset, write_jsonl
from course_lib.formats.detection import FORMATS
from course_lib.formats.reading import read, stream
from course_lib.formats.rows import Row, Source, join

__all__ = ["FORMATS", "Row", "Source", "join", "read", "stream", "to_dataset", "write_jsonl"]
