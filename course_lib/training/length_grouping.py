"""Batches of rows of like length: a batch is as wide as its longest row, padding included.

transformers groups by length when ``train_sampling_strategy="group_by_length"`` says so, but draws
the order from torch's global generator: a run that goes on from a checkpoint in the middle of an
epoch draws another order and ends with other weights. And it feeds each group from long to short.
Here the order hangs on the seed and the epoch alone, and the batches are shuffled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices
from trl.trainer.sft_trainer import SFTTrainer


class LengthGroupedOrder(Sampler[int]):
    """An order of rows in which each batch holds rows of like length, drawn anew every epoch.

    The batch with the longest row comes first, as in transformers: what does not fit into memory
    fails at the first step and not in the middle of the night.

    Args:
        lengths: Tokens of each row.
        batch_size: Rows in a batch, over all processes.
        seed: With the epoch, the only source of chance.

    Example:
        >>> order = LengthGroupedOrder([9, 2, 8, 1, 9, 2, 8, 1] * 2, batch_size=4, seed=0)
        >>> sorted(order) == list(range(16))
        True
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self._lengths = list(lengths)
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = 0

    def __len__(self) -> int:
        return len(self._lengths)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next; the trainer calls it.

        Args:
            epoch: Counted from 0.

        Example:
            >>> LengthGroupedOrder([3, 1], batch_size=1, seed=0).set_epoch(1)
        """
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        chance = torch.Generator().manual_seed(self._seed + self._epoch)
        rows = get_length_grouped_indices(self._lengths, self._batch_size, generator=chance)
        full = len(rows) // self._batch_size
        # The first batch stays first, and one that is not full stays last.
        order = [0, *(1 + torch.randperm(max(full - 1, 0), generator=chance)).tolist()]
        for batch in order if full else ():
            yield from rows[batch * self._batch_size : (batch + 1) * self._batch_size]
        yield from rows[full * self._batch_size :]


class LengthGroupedTrainer(SFTTrainer):
    """TRL's trainer with the order above, for ``train_sampling_strategy="group_by_length"``.

    Example:
        >>> LengthGroupedTrainer(model, args=config, train_dataset=rows)  # doctest: +SKIP
    """

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        rows: Any = self.train_dataset if train_dataset is None else train_dataset
        seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
        return LengthGroupedOrder(
            [len(ids) for ids in rows["input_ids"]],
            self.args.train_batch_size * self.args.world_size,
            seed,
        )
