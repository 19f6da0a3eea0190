"""The optimiser and the loop: a toy pretraining learns, and a resumed one ends the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from course_lib.errors import CourseError
from course_lib.pocket.batches import Recipe, Stage
from course_lib.pocket.muon import Muon, orthogonalize
from course_lib.pocket.pretraining import pretrain

TOY = Recipe(
    stages=(
        Stage(20, 4, 192, (3, 3), (0.0, 0.02)),
        Stage(20, 2, 96, (3, 8), (0.02, 0.0), {"drills": 0.2, "practice": 0.2}),
    ),
    vocab_size=600,
    tokenizer_conversations=300,
    width=64,
    layers=1,
    save_every=20,
)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A finished toy pretraining: the model's folder and the work folder (state of step 20)."""
    root = tmp_path_factory.mktemp("pocket")
    pretrain(TOY, root / "model", work=root / "work", compiled=False)
    return root / "model", root / "work"


def test_muon_makes_singular_values_nearly_one() -> None:
    torch.manual_seed(0)
    matrices = torch.randn(3, 64, 176) * torch.tensor([1e-3, 1.0, 1e3]).view(3, 1, 1)
    values = torch.linalg.svdvals(orthogonalize(matrices).float())
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_muon_stacks_matrices_without_mixing_them() -> None:
    """Updating two matrices of one shape together is updating each alone."""
    torch.manual_seed(0)
    start = [torch.randn(64, 32) for _ in range(2)]
    grads = [torch.randn(64, 32) for _ in range(2)]

    def updated(which: list[int]) -> list[torch.Tensor]:
        params = [torch.nn.Parameter(start[i].clone()) for i in which]
        for p, i in zip(params, which, strict=True):
            p.grad = grads[i].clone()
        Muon(params, lr=0.1).step()
        return [p.detach() for p in params]

    together = updated([0, 1])
    for i in range(2):
        torch.testing.assert_close(together[i], updated([i])[0], atol=2e-3, rtol=0)


def test_a_toy_pretraining_lowers_the_loss(toy: tuple[Path, Path]) -> None:
    log = [json.loads(line) for line in (toy[1] / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log] == [20, 40]
    assert log[-1]["answer_loss"] < log[0]["answer_loss"] - 0.3


def test_a_resumed_run_ends_where_the_straight_one_did(
    toy: tuple[Path, Path], tmp_path: Path
) -> None:
    pretrain(TOY, tmp_path / "again", work=toy[1], compiled=False)  # goes on from step 20
    straight = AutoModelForCausalLM.from_pretrained(toy[0])
    resumed = AutoModelForCausalLM.from_pretrained(tmp_path / "again")
    for (name, a), b in zip(straight.named_parameters(), resumed.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=0, msg=name)


def test_what_it_took_is_written_beside_the_model(toy: tuple[Path, Path]) -> None:
    facts = json.loads((toy[0] / "training.json").read_text())
    assert facts["steps"] == 40
    assert facts["tokens"] == 20 * 768 + 20 * 192
    assert set(facts) == {"steps", "tokens", "hours", "cores", "torch"}


def test_a_state_of_another_recipe_is_refused(toy: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="another recipe"):
        pretrain(replace(TOY, layers=2), tmp_path, work=toy[1], compiled=False)
