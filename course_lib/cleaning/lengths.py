"""Lengths: answers far longer or shorter than the others, and rows too long for the model."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from math import inf, log
from statistics import median
from typing import TYPE_CHECKING

from course_lib.cleaning.rule import Check, Found, Messages, Notice, answers
from course_lib.errors import CourseError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Iglewicz and Hoaglin, "How to Detect and Handle Outliers", ASQC 1993, page 12: modified z-scores
# above 3.5 in absolute value are labelled as potential outliers.
_SCORE = 3.5
# Templated answers differ by so little that a word more would be "far out": twice is the least.
_FACTOR = 2.0
_ENOUGH = 20
_DENSE = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]+")
_HANGUL = re.compile(r"[\uac00-\ud7a3]+")


def outlier_lengths(sets: list[Messages]) -> dict[int, Found]:
    """Find answers far longer or shorter than the others of their language.

    The modified z-score 0.6745 * (x - median) / MAD of the logarithm of the characters, where
    MAD is the median absolute deviation (Iglewicz and Hoaglin 1993), must exceed 3.5. Lengths
    are skewed, hence the logarithm; median and MAD are not moved by the outliers themselves.

    Args:
        sets: The conversations; the last answer of each is measured, in characters.

    Returns:
        The rows, with length, median and score. Japanese and Chinese, Korean, and other
        scripts are judged apart, because a Japanese character says more than a Latin one. A
        language with fewer than 20 answers is not judged.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> rows = [chat("Which?", "It is the tent." + "!" * (n % 7)) for n in range(30)]
        >>> outlier_lengths([*rows, chat("Which?", "Well. " * 60)])[30].reason
        '359 characters, far longer than the median of 18 (modified z-score 19.2)'
    """
    groups: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for position, messages in enumerate(sets):
        text = (answers(messages) or [""])[-1].strip()
        if text:
            groups[_script(text)].append((position, len(text)))
    found: dict[int, Found] = {}
    for rows in groups.values():
        if len(rows) < _ENOUGH:
            continue
        middle = median(log(size) for _, size in rows)
        spread = median(abs(log(size) - middle) for _, size in rows)
        usual = round(median(size for _, size in rows))
        for position, size in rows:
            far = log(size) - middle
            score = 0.6745 * far / spread if spread else inf
            if abs(score) > _SCORE and abs(far) >= log(_FACTOR):
                word = "longer" if far > 0 else "shorter"
                how = f"modified z-score {score:.1f}" if spread else "most are of one length"
                reason = f"{size} characters, far {word} than the median of {usual} ({how})"
                found[position] = Found(reason)
    return found


def _script(text: str) -> str:
    """Which of the scripts with their own measure of length an answer is written in."""
    if text.isascii():
        return "Latin"
    dense, hangul = (sum(map(len, kind.findall(text))) for kind in (_DENSE, _HANGUL))
    if max(dense, hangul) * 4 < len(text):
        return "Latin"
    return "Korean" if hangul > dense else "Japanese"


def over_long_rule(tokenizer: PreTrainedTokenizerBase, max_length: int) -> Check:
    """Build the check that rejects conversations longer than the model is trained with.

    TRL cuts such rows at `max_length` without a word: the end of the answer is lost, and with
    it the token that teaches the model to stop. So they are rejected, and said to be.

    Args:
        tokenizer: The tokenizer that will be trained, with its chat template.
        max_length: `SFTConfig.max_length`, in tokens.

    Returns:
        A check named "over_long". Its reason gives the count and the limit.

    Raises:
        CourseError: A length below 1, or a tokenizer without a chat template.

    Example:
        >>> over_long_rule(tokenizer, 64).check(messages)          # doctest: +SKIP
        '81 tokens with the chat template, over the limit of 64'
    """
    if max_length < 1:
        raise CourseError(f"max_length is {max_length}: it must be at least 1 token.")
    # Loaded here, because cleaning alone needs no tokenizer.
    from course_lib.tokenization.conversation import encode, render

    render(tokenizer, [{"role": "user", "content": "Hi"}])  # says at once that there is no template
    frames: dict[tuple[str, ...], float] = {}
    # A normalizer may turn one character into many, so then only ASCII is sure not to grow.
    backend = getattr(tokenizer, "backend_tokenizer", None)
    grows = backend is None or backend.normalizer is not None

    def check(messages: Messages) -> str | None:
        if _surely_fits(messages):
            return None
        try:
            count = len(encode(tokenizer, render(tokenizer, messages))[0])
        except CourseError as error:
            return f"its length cannot be told: {error}"
        if count <= max_length:
            return None
        return f"{count} tokens with the chat template, over the limit of {max_length}"

    def _surely_fits(messages: Messages) -> bool:
        """No token is shorter than a byte, so a row of few bytes need not be tokenized."""
        size = 0
        for message in messages:
            content = message["content"]
            if len(message) != 2 or (grows and not content.isascii()):
                return False
            size += len(content) if content.isascii() else len(content.encode(errors="replace"))
        if size > max_length:
            return False
        roles = tuple(message["role"] for message in messages)
        if roles not in frames:
            frames[roles] = _frame(tokenizer, roles)
        return size + frames[roles] <= max_length

    before = f"a conversation of {max_length + 1} tokens, chat template included"
    return replace(OVER_LONG, before=before, check=check)


def _frame(tokenizer: PreTrainedTokenizerBase, roles: tuple[str, ...]) -> float:
    """What the template adds around the messages, in bytes; infinite where it refuses the roles."""
    from course_lib.tokenization.conversation import render

    try:
        text = render(tokenizer, [{"role": role, "content": "x"} for role in roles])
    except CourseError:
        return inf
    # Some tokenizers put a space before every piece of text between special tokens.
    return len(text.encode()) + 2 * len(roles) + 2


# Without a tokenizer there is nothing to count: `over_long_rule` builds the rule for one.
OVER_LONG = Check(
    name="over_long",
    reason="Training cuts a row that is too long, and the end of the answer is never learned.",
    before="a conversation of more tokens than the model is trained on",
    after=None,
    check=lambda messages: None,
)

LENGTH = Notice(
    name="length",
    reason="A far longer or shorter answer is often two answers, a fragment, or a whole page.",
    before="Yes. (where answers have 120 characters)",
    after=None,
    look=outlier_lengths,
)
