"""Which checkpoint is whole, which is best, and what can be done with each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import PartialState
from accelerate.utils import (
    FullyShardedDataParallelPlugin,
    save_fsdp_model,
    save_fsdp_optimizer,
)
from interrupted_run import STEPS, figures, run
from safetensors.torch import load_file, save_file
from throwaway import conversation
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from transformers.trainer_utils import get_last_checkpoint

from course_lib.errors import CourseError
from course_lib.training import (
    compare_checkpoints,
    latest_checkpoint,
    load_model,
    sft_config,
    sft_trainer,
)
from course_lib.training.checkpoints import checkpoints, is_whole, numbered_checkpoints


@pytest.fixture(scope="module")
def whole(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The trainer of a run that nobody interrupted."""
    return run(str(model_folder), str(tmp_path_factory.mktemp("finished")), "steps")


@pytest.fixture(scope="module")
def finished(whole: Any) -> Path:
    """Its folder, with its last checkpoints."""
    return Path(whole.args.output_dir)


def test_none_where_there_is_nothing(tmp_path: Path) -> None:
    assert latest_checkpoint(tmp_path / "nowhere") is None
    (tmp_path / "checkpoint-notes").mkdir()
    assert latest_checkpoint(tmp_path) is None


@pytest.mark.parametrize(
    "damage", ["trainer_state.json", "adapter_model.safetensors", "optimizer.pt", "scheduler.pt"]
)
@pytest.mark.parametrize("cut", [True, False])
def test_half_written_checkpoint_is_passed_over(
    finished: Path, tmp_path: Path, damage: str, cut: bool
) -> None:
    import shutil

    out = tmp_path / "out"
    shutil.copytree(finished, out)
    newest = latest_checkpoint(out)
    assert newest is not None
    assert newest.name == f"checkpoint-{STEPS}"
    broken = newest / damage
    whole = broken.read_bytes()
    broken.unlink()
    if cut:
        broken.write_bytes(whole[: len(whole) // 2])
    # The library's own search is the trap: it takes the highest number.
    assert get_last_checkpoint(str(out)) == str(newest)
    earlier = latest_checkpoint(out)
    assert earlier is not None
    assert earlier.name == "checkpoint-28"


def test_numbers_are_compared_as_numbers(finished: Path, tmp_path: Path) -> None:
    import shutil

    for step in (9, 10):
        copy = tmp_path / f"checkpoint-{step}"
        shutil.copytree(finished / f"checkpoint-{STEPS}", copy)
        state = json.loads((copy / "trainer_state.json").read_text())
        (copy / "trainer_state.json").write_text(json.dumps({**state, "global_step": step}))
    found = latest_checkpoint(tmp_path)
    assert found is not None
    assert found.name == "checkpoint-10"


def written(folder: Path, step: int, *, processes: int, archives: Sequence[str]) -> Path:
    """A checkpoint with what every layout has, and some archives of torch's besides."""
    path = folder / f"checkpoint-{step}"
    path.mkdir()
    save_file({"weight": torch.ones(2, 2)}, path / "model.safetensors")
    (path / "trainer_state.json").write_text(json.dumps({"global_step": step}), encoding="utf-8")
    for name in ["scheduler.pt", *(f"rng_state_{rank}.pth" for rank in range(processes))]:
        torch.save({"state": 1}, path / name)
    for name in archives:
        (path / name).parent.mkdir(exist_ok=True)
        torch.save({"state": 1}, path / name)
    return path


def assert_all_are_needed(path: Path, names: Sequence[str]) -> None:
    assert is_whole(path)
    assert latest_checkpoint(path.parent) == path
    for name in names:
        content = (path / name).read_bytes()
        (path / name).write_bytes(content[: len(content) // 2])
        assert not is_whole(path), f"{name} is cut"
        (path / name).unlink()
        assert not is_whole(path), f"{name} is missing"
        (path / name).write_bytes(content)


@pytest.fixture
def sharded(tmp_path: Path) -> Iterator[Any]:
    """A model that FSDP has cut for a group of one process, with its optimizer."""
    PartialState(cpu=True)  # before there is a group, or it would take itself for one of several
    torch.distributed.init_process_group(
        "gloo", rank=0, world_size=1, init_method=(tmp_path / "group").as_uri()
    )
    model = torch.nn.Linear(4, 4)
    fully_shard(model, mesh=init_device_mesh("cpu", (1,)))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    yield model, optimizer
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("kind", ["FULL_STATE_DICT", "SHARDED_STATE_DICT"])
def test_fsdp_checkpoints_of_one_file_are_known(sharded: Any, tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, 4, processes=1, archives=[])
    plugin = FullyShardedDataParallelPlugin(fsdp_version=2, state_dict_type=kind)
    # The files are those that Accelerate writes, under its own names.
    save_fsdp_model(plugin, PartialState(), sharded[0], str(path))
    save_fsdp_optimizer(plugin, PartialState(), sharded[1], sharded[0], str(path))
    if kind == "FULL_STATE_DICT":
        assert_all_are_needed(path, ["pytorch_model_fsdp.bin", "optimizer.bin", "scheduler.pt"])
        return
    # In pieces: to pass it over in silence would let a run begin anew and delete it.
    assert not is_whole(path)
    with pytest.raises(CourseError, match="save with FULL_STATE_DICT"):
        latest_checkpoint(tmp_path)


@pytest.mark.parametrize("stage", [2, 3])
def test_deepspeed_checkpoints_are_known(tmp_path: Path, stage: int) -> None:
    kind = "bf16_" if stage == 3 else ""
    models = ["mp_rank_00_model_states.pt"]
    if stage == 3:
        models = [f"zero_pp_rank_{rank}_mp_rank_00_model_states.pt" for rank in range(2)]
    states = [f"{kind}zero_pp_rank_{rank}_mp_rank_00_optim_states.pt" for rank in range(2)]
    archives = [f"global_step6/{name}" for name in models + states]
    path = written(tmp_path, 6, processes=2, archives=archives)
    assert not is_whole(path)  # DeepSpeed was not done yet
    (path / "latest").write_text("global_step6", encoding="utf-8")
    # ZeRO-3's weights lie in one piece a process, as many as there are of the optimizer.
    assert_all_are_needed(path, archives)


# The highest loss is called best, to have a best one that is not among the last.
ODD = {
    "save_strategy": "epoch",
    "load_best_model_at_end": True,
    "metric_for_best_model": "eval_loss",
    "greater_is_better": True,
}


@pytest.fixture(scope="module")
def evaluated(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run with a checkpoint and an evaluation at the end of each epoch."""
    return run(str(model_folder), str(tmp_path_factory.mktemp("evaluated")), "steps", **ODD)


def test_the_last_three_and_the_best_are_kept_and_listed(evaluated: Any) -> None:
    table = checkpoints(evaluated.args.output_dir)
    assert evaluated.state.best_global_step == 8
    assert list(table["step"]) == [8, 24, 28, 30]
    assert list(table["best"]) == [True, False, False, False]
    best = load_file(Path(table["path"][0], "adapter_model.safetensors"))
    held = {
        name.replace(".default", ""): weight
        for name, weight in evaluated.model.named_parameters()
        if "lora" in name
    }
    assert set(held) == set(best)
    assert all(torch.equal(held[name], best[name]) for name in best)
    measured = {
        entry["step"]: (entry["eval_loss"], entry["eval_mean_token_accuracy"])
        for entry in evaluated.state.log_history
        if "eval_loss" in entry
    }
    found = zip(table["validation_loss"], table["token_accuracy"], strict=True)
    assert list(found) == [measured[step] for step in table["step"]]
    assert (table["mb"] > 0.05).all()


def test_a_checkpoint_saved_at_an_epochs_end_has_its_loss(finished: Path) -> None:
    """Saved by steps, evaluated by epochs: at step 28 both fall together."""
    table = checkpoints(finished).set_index("step")
    assert table["validation_loss"].notna().to_dict() == {26: False, 28: True, 30: True}


def test_the_command_lists_its_own_folder(finished: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(finished, tmp_path / "out" / "checkpoints")
    assert list(checkpoints(tmp_path / "out")["step"]) == [26, 28, 30]
    with pytest.raises(CourseError, match="no checkpoint in"):
        checkpoints(tmp_path / "nowhere")


def test_checkpoints_are_compared_on_held_out_rows(evaluated: Any, cpu: Any) -> None:
    rows = [{"messages": conversation(i)} for i in range(16, 24)]
    found = compare_checkpoints(evaluated.args.output_dir, rows, cpu)
    table = checkpoints(evaluated.args.output_dir)
    # The same rows as the trainer's own evaluation, token by token instead of batch by batch.
    assert found["held_out_loss"].to_numpy() == pytest.approx(table["validation_loss"], rel=0.05)
    best = found[found["best"]].iloc[0]
    assert (best["gain"], best["low"], best["high"]) == (0, 0, 0)
    assert ((found["low"] <= found["gain"]) & (found["gain"] <= found["high"])).all()


def test_any_checkpoint_is_used_and_trained_on(
    evaluated: Any, cpu: Any, rows: Any, tmp_path: Path
) -> None:
    first = checkpoints(evaluated.args.output_dir)["path"][0]
    model, tokenizer = load_model(first, cpu)
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    config = sft_config(cpu, tmp_path / "anew", max_steps=2, save_strategy="steps", save_steps=1)
    anew = sft_trainer(model, tokenizer, rows, config=config)
    anew.train()
    moved = {
        name: not torch.equal(weight, before[name]) for name, weight in model.named_parameters()
    }
    assert all(moved[name] == ("lora" in name) for name in moved)
    # Or the run itself goes on from there, in a folder of its own.
    steps = run(
        str(evaluated.model.peft_config["default"].base_model_name_or_path),
        str(tmp_path / "branch"),
        "steps",
        resume=first,
        **ODD,
    )
    assert figures(steps.state.log_history) == figures(evaluated.state.log_history)


def test_what_an_earlier_run_left_goes_and_is_announced(
    model_folder: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    out = tmp_path / "again"
    shutil.copytree(finished, out)
    run(str(model_folder), str(out), "steps", max_steps=3, resume=None)
    said = capsys.readouterr().err
    assert "begins at step 0; checkpoint-26, checkpoint-28, checkpoint-30" in said
    assert [path.name for _, path in numbered_checkpoints(out)] == ["checkpoint-2", "checkpoint-3"]
