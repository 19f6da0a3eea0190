"""GRPO's prompts in the same order in a run that goes on as in one that was never stopped.

TRL shuffles the prompts anew for each epoch, from a generator that no checkpoint keeps: a run that
goes on in its third epoch would get the order of the first.
"""

from __future__ import annotations

from typing import Any

import torch
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.utils import RepeatSampler


class PromptOrder(RepeatSampler):
    """TRL's sampler, which finds the order of any epoch.

    Example:
        >>> order = PromptOrder(range(4), mini_repeat_count=1, seed=0)
        >>> first, second = list(order), list(order)
        >>> order.set_epoch(1)
        >>> list(order) == second != first
        True
    """

    def set_epoch(self, epoch: int) -> None:
        """Make the next order that of an epoch, as accelerate asks for before each.

        Args:
            epoch: Its number, counted from 0.
        """
        if not self.shuffle or self.seed is None:
            return
        self.generator.manual_seed(self.seed)
        for _ in range(epoch):
            torch.randperm(self.num_samples, generator=self.generator)


class ResumableGRPOTrainer(GRPOTrainer):
    """TRL's trainer with this order.

    Example:
        >>> ResumableGRPOTrainer(model, reward, args=config, train_dataset=rows)  # doctest: +SKIP
    """

    def _get_train_sampler(self, dataset: Any = None) -> Any:
        theirs: Any = super()._get_train_sampler(dataset)
        return PromptOrder(
            data_source=theirs.data_source,
            mini_repeat_count=theirs.mini_repeat_count,
            batch_size=theirs.batch_size,
            repeat_count=theirs.repeat_count,
            shuffle=theirs.shuffle,
            seed=theirs.seed,
        )
