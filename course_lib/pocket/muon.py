"""Muon: momentum whose update is made orthogonal, for the matrices inside a transformer.

By Keller Jordan and others (https://kellerjordan.github.io/posts/muon/). `torch.optim.Muon` does
the same one matrix at a time; this one stacks matrices of equal shape, because on a CPU forty
small products cost many times what one batched product does.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


def orthogonalize(matrices: Tensor, steps: int = 5) -> Tensor:
    """Bring the singular values of each matrix near 1 by a Newton-Schulz iteration.

    Args:
        matrices: shape (count, rows, columns), rows at most columns.
        steps: of the iteration; five bring all but the tiniest singular values into 0.7 to 1.2.

    Returns:
        Same shape, in bfloat16: the iteration forgives rounding.
    """
    a, b, c = 3.4445, -4.7750, 2.0315  # a quintic that is steep at zero, from the post above
    x = matrices.bfloat16()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        square = x @ x.mT
        x = a * x + (b * square + c * (square @ square)) @ x
    return x


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum and decoupled weight decay.

    Args:
        params: two-dimensional parameters only.
        lr: learning rate; 0.02 is the post's own.
        momentum: of the gradient average.
        weight_decay: decoupled, per unit of learning rate.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 0.02,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            by_shape: defaultdict[torch.Size, list[Tensor]] = defaultdict(list)
            for p in group["params"]:
                if p.grad is not None:
                    by_shape[p.shape].append(p)
            for (rows, columns), params in by_shape.items():
                for p in params:
                    self.state[p].setdefault("momentum", torch.zeros_like(p))
                grads = torch.stack([p.grad for p in params if p.grad is not None])
                averages = torch.stack([self.state[p]["momentum"] for p in params])
                averages.lerp_(grads, 1 - group["momentum"])
                update = grads.lerp_(averages, group["momentum"])  # Nesterov
                tall = rows > columns
                update = orthogonalize(update.mT if tall else update).float()
                update = update.mT if tall else update
                scale = group["lr"] * max(1.0, rows / columns) ** 0.5
                for p, average, u in zip(params, averages, update, strict=True):
                    self.state[p]["momentum"].copy_(average)
                    p.mul_(1 - group["lr"] * group["weight_decay"]).sub_(u, alpha=scale)
        return None
