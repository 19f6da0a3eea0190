"""Search the settings of a run for the fastest that fits: every combination, estimated in turn.

What decides the training stays equal in the search: the rows of an update, the adapter's rank, and
AdamW, in 32 or in 8 bits. What only decides memory and time is tried: the method, the micro-batch
with its accumulation, checkpointing, the optimiser's bits, the attention kernel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any

from course_lib.memory.estimate import MemoryEstimate, estimate
from course_lib.memory.method import why_not_4bit
from course_lib.memory.speed import seconds_per_step

if TYPE_CHECKING:
    import pandas as pd

    from course_lib.catalog import ModelShape
    from course_lib.memory.cards import Card

# Of settings that are equally fast, the first is preferred: it changes the training least.
METHODS_TRIED = ("lora", "qlora", "full")
OPTIMIZERS = ("adamw_torch_fused", "adamw_8bit")
# torch's `sdpa` takes `flash` where a card has it and no row is padded, else `efficient`; `math` is
# transformers' `eager`.
KERNELS = ("flash", "efficient", "math")
# Of equally fast settings, one that leaves this share of the card free is preferred to one that
# does not: the estimate's worst error is about as large.
ROOM = 0.1


@dataclass(frozen=True)
class Setting:
    """What is tried: all that decides the memory and the time of a step.

    Args:
        method: ``full``, ``lora`` or ``qlora``.
        seq_len: Tokens a row.
        batch: Rows a micro-batch.
        accumulation: Micro-batches a step.
        checkpointing: Whether activations are recomputed.
        optimizer: transformers' name for it.
        attention: ``efficient``, ``flash`` or ``math``.
    """

    method: str
    seq_len: int
    batch: int
    accumulation: int
    checkpointing: bool
    optimizer: str
    attention: str


@dataclass(frozen=True)
class Trial:
    """A setting, and what it would take.

    Args:
        setting: What was tried.
        memory: Its peak, part by part.
        seconds: Of one step of the optimiser.
        fits: Whether it runs on the card.
    """

    setting: Setting
    memory: MemoryEstimate
    seconds: float
    fits: bool


@dataclass(frozen=True)
class Job:
    """What is to be trained: the same for every setting that is tried.

    Args:
        shape: The model's shape.
        where: The card.
        trainer: ``sft``, ``dpo`` or ``grpo``.
        rank: The adapter's rank.
        completion_len: Tokens of a row that are the answer; None: the estimate's own default.
        lengths: Tokens of each row, in order of size; none: every row is as long as the longest.
    """

    shape: ModelShape
    where: Card
    trainer: str = "sft"
    rank: int = 16
    completion_len: int | None = None
    lengths: tuple[int, ...] = ()

    def trial(self, setting: Setting) -> Trial:
        """Estimate one setting.

        Args:
            setting: The setting.

        Returns:
            Its memory, its time, and whether it fits.

        Example:
            >>> from course_lib.memory import card, resolve
            >>> job = Job(resolve("Qwen3-8B"), card("t4"))
            >>> job.trial(Setting("full", 512, 1, 1, True, "adamw_8bit", "efficient")).fits
            False
        """
        tried = asdict(setting)
        memory = estimate(
            self.shape,
            dtype=self.where.dtype,
            rank=self.rank,
            trainer=self.trainer,
            completion_len=self.completion_len,
            **tried,
        )
        tried.pop("optimizer")
        tried["seq_len"] = padded_length(self.lengths, setting.batch, setting.seq_len)
        seconds = seconds_per_step(
            self.shape,
            self.where,
            rank=self.rank,
            trainer=self.trainer,
            completion_len=self.completion_len,
            **tried,
        )
        runs = setting.method != "qlora" or why_not_4bit(self.shape, self.where) is None
        return Trial(setting, memory, seconds, runs and memory.peak_gib <= self.where.gib)

    def trials(
        self,
        *,
        methods: Sequence[str],
        seq_len: int,
        cuts: Sequence[tuple[int, int]],
        checkpointing: bool | None = None,
        optimizer: str | None = None,
        attention: str | None = None,
    ) -> list[Trial]:
        """Try every combination; what is given stays fixed.

        Args:
            methods: The methods to try.
            seq_len: Tokens a row.
            cuts: Pairs of micro-batch and accumulation, see `cuts_of`.
            checkpointing: None tries both.
            optimizer: None tries `OPTIMIZERS`.
            attention: None tries the kernels that the card has.

        Returns:
            The trials, best first: those that fit, the fastest of them first.

        Example:
            >>> from course_lib.memory import card, resolve
            >>> job = Job(resolve("Qwen2.5-1.5B-Instruct"), card("t4"))
            >>> best = job.trials(methods=["lora"], seq_len=512, cuts=cuts_of(8))[0]
            >>> best.fits, best.setting.checkpointing
            (True, False)
        """
        combinations = product(
            methods,
            cuts,
            (False, True) if checkpointing is None else (checkpointing,),
            self._optimizers() if optimizer is None else (optimizer,),
        )
        found = [
            self.trial(Setting(method, seq_len, *cut, again, kept, kernel))
            for method, cut, again, kept in combinations
            for kernel in self._kernels(attention, cut[0])
        ]
        return sorted(found, key=self._rank)

    def _optimizers(self) -> tuple[str, ...]:
        # bitsandbytes' wheels leave cards below 7.5 out; a CPU has them, and no need of them.
        return OPTIMIZERS if self.where.capability >= (7, 5) else OPTIMIZERS[:1]

    def _kernels(self, asked: str | None, batch: int) -> Iterator[str]:
        if self.shape.model_type == "gemma2":
            yield "math"  # it caps its scores, which no fused kernel does
        elif asked is not None:
            yield asked
        else:
            unpadded = batch == 1 and self.trainer == "sft"
            yield "flash" if unpadded and self.where.capability >= (8, 0) else "efficient"
            yield "math"

    def _rank(self, trial: Trial) -> tuple[Any, ...]:
        """Fits, fast, with room to spare, familiar, and in as few pieces as that allows."""
        setting, peak = trial.setting, trial.memory.peak_gib
        crowded = peak > (1 - ROOM) * self.where.gib
        if not trial.fits:
            return (True, peak, trial.seconds)
        return (
            False,
            # Rounded: the same product, multiplied in another order, differs in its last digit.
            float(f"{trial.seconds:.6g}"),
            METHODS_TRIED.index(setting.method),
            crowded,
            OPTIMIZERS.index(setting.optimizer) if setting.optimizer in OPTIMIZERS else 0,
            peak if crowded else setting.accumulation,
            peak,
        )


def cuts_of(rows: int, most: int | None = None) -> list[tuple[int, int]]:
    """Cut the rows of an update into micro-batches in every way that leaves no rest.

    Args:
        rows: Rows an update.
        most: The largest micro-batch; None: all rows at once.

    Returns:
        Pairs of micro-batch and accumulation, the largest micro-batch first.

    Example:
        >>> cuts_of(8)
        [(8, 1), (4, 2), (2, 4), (1, 8)]
    """
    largest = min(rows, most or rows)
    return [(batch, rows // batch) for batch in range(largest, 0, -1) if rows % batch == 0]


@lru_cache(maxsize=64)
def padded_length(lengths: tuple[int, ...], batch: int, longest: int) -> int:
    """Tokens a row, padding included, when micro-batches are drawn from these rows by chance.

    Args:
        lengths: Tokens of each row, in order of size.
        batch: Rows a micro-batch: all are padded to the longest of them.
        longest: Rows beyond it are left out; without `lengths` it is the answer.

    Returns:
        The mean of the longest of `batch` rows.

    Example:
        >>> [padded_length((100, 200, 300, 400), batch, 400) for batch in (1, 8)]
        [250, 390]
    """
    kept = [length for length in lengths if length <= longest]
    if not kept:
        return longest
    count = len(kept)
    # The chance that the longest of `batch` rows is the one at this place.
    shares = (((at + 1) / count) ** batch - (at / count) ** batch for at in range(count))
    return max(1, round(sum(n * share for n, share in zip(kept, shares, strict=True))))


def first_that_fits(job: Job, asked: Setting, methods: Sequence[str]) -> Trial | None:
    """The least painful change that makes a run fit, in the order of what it costs the learner.

    A smaller micro-batch, checkpointing and 8-bit AdamW cost time at most, another method some
    quality, shorter rows the ends of answers.

    Args:
        job: The model, the card and the trainer.
        asked: What does not fit.
        methods: The methods that may be proposed, the asked one first.

    Returns:
        The fastest of the first settings that fit, or None.

    Example:
        >>> from course_lib.memory import card, resolve
        >>> job = Job(resolve("Qwen3-8B"), card("t4"))
        >>> asked = Setting("lora", 1024, 2, 1, True, "adamw_torch_fused", "efficient")
        >>> first_that_fits(job, asked, ["lora", "qlora"]).setting.method
        'qlora'
    """
    cuts = cuts_of(asked.batch * asked.accumulation, asked.batch)
    length = asked.seq_len
    while length >= min(asked.seq_len, 128):
        shorter = job if job.completion_len is None else _with_answer(job, asked.seq_len, length)
        for method in methods:
            best = shorter.trials(methods=[method], seq_len=length, cuts=cuts)[0]
            if best.fits:
                return best
        length //= 2
    return None


def _with_answer(job: Job, before: int, length: int) -> Job:
    """Shorter rows have shorter answers, in the same proportion."""
    return replace(job, completion_len=max(1, (job.completion_len or 1) * length // before))


def table(trials: Sequence[Trial]) -> pd.DataFrame:
    """Show trials, one a row.

    Args:
        trials: From `Job.trials`.

    Returns:
        Columns of `Setting`, and peak_gib, seconds_per_step, fits.

    Example:
        >>> table([]).columns[-1]
        'fits'
    """
    import pandas as pd

    columns = [*Setting.__dataclass_fields__, "peak_gib", "seconds_per_step", "fits"]
    rows = [
        [*asdict(trial.setting).values(), trial.memory.peak_gib, trial.seconds, trial.fits]
        for trial in trials
    ]
    return pd.DataFrame(rows, columns=columns)


def undominated(trials: Sequence[Trial]) -> list[Trial]:
    """Keep the trials that no other one beats in memory without being slower: the frontier.

    Args:
        trials: From `Job.trials`.

    Returns:
        The fastest first; each next one is slower and needs less.

    Example:
        >>> undominated([])
        []
    """
    found: list[Trial] = []
    ordered = sorted(trials, key=lambda t: (float(f"{t.seconds:.6g}"), t.memory.peak_gib))
    for trial in ordered:
        if not found or trial.memory.peak_gib < found[-1].memory.peak_gib:
            found.append(trial)
    return found
