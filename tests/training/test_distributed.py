"""Configurations as Accelerate reads them, and one script that is really launched twice."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils import (
    DeepSpeedPlugin,
    DistributedType,
    FullyShardedDataParallelPlugin,
    patch_environment,
)
from accelerate.utils.launch import prepare_multi_gpu_env
from safetensors.torch import load_file

from course_lib.errors import CourseError
from course_lib.memory import plan_parallel
from course_lib.training import (
    accelerate_config,
    cpu_config,
    data_parallel_config,
    deepspeed_config,
    latest_checkpoint,
    launch,
    launch_command,
    write_accelerate_config,
)
from course_lib.training.command import main as train_command

MODEL = "Qwen3-8B"


def launched_with(config: Path) -> Any:
    """The arguments that `accelerate launch --config_file` makes of a file."""
    arguments = launch_command_parser().parse_args(["--config_file", str(config), "train.py"])
    return _validate_launch_command(arguments)[0]


def test_ddp_on_two_t4s(tmp_path: Path) -> None:
    path = write_accelerate_config(plan_parallel(MODEL, "t4", 2, method="qlora"), tmp_path)

    read = load_config_from_file(str(path))
    assert read.distributed_type == DistributedType.MULTI_GPU
    arguments = launched_with(path)
    assert (arguments.multi_gpu, arguments.num_processes) == (True, 2)
    assert arguments.mixed_precision == "fp16"


@pytest.mark.parametrize(
    ("strategy", "offload"),
    [("fsdp_full_shard", False), ("fsdp_full_shard", True), ("fsdp_shard_grad_op", False)],
)
def test_fsdp_plugin_is_what_was_planned(strategy: str, offload: bool, tmp_path: Path) -> None:
    plan = plan_parallel(MODEL, "a100-80", 8, method="full", strategy=strategy, offload=offload)
    arguments = launched_with(write_accelerate_config(plan, tmp_path))

    with patch_environment(**prepare_multi_gpu_env(arguments)):
        plugin = FullyShardedDataParallelPlugin()
    assert arguments.mixed_precision == "bf16"
    assert plugin.fsdp_version == 2
    assert plugin.reshard_after_forward is (strategy == "fsdp_full_shard")
    assert type(plugin.cpu_offload).__name__ == ("CPUOffloadPolicy" if offload else "OffloadPolicy")
    assert plugin.auto_wrap_policy.__name__ == "transformer_auto_wrap_policy"
    assert plugin.cpu_ram_efficient_loading


@pytest.mark.parametrize(("stage", "offload"), [(1, False), (2, False), (2, True), (3, True)])
def test_deepspeed_plugin_is_what_was_planned(stage: int, offload: bool, tmp_path: Path) -> None:
    plan = plan_parallel(MODEL, "t4", 2, method="full", strategy=f"zero{stage}", offload=offload)
    arguments = launched_with(write_accelerate_config(plan, tmp_path))

    # As far as Accelerate goes without DeepSpeed itself.
    plugin = DeepSpeedPlugin(hf_ds_config=arguments.deepspeed_config_file)
    plugin.set_mixed_precision("fp16")
    assert arguments.use_deepspeed
    assert plugin.zero_stage == stage
    assert plugin.offload_optimizer_device == ("cpu" if offload else "none")
    assert plugin.offload_param_device == ("cpu" if offload and stage == 3 else "none")
    assert plugin.zero3_init_flag is (stage == 3)
    assert plugin.deepspeed_config["fp16"]["enabled"]
    assert not plugin.deepspeed_config["bf16"]["enabled"]


def test_several_machines_are_counted() -> None:
    config = accelerate_config(plan_parallel(MODEL, "h100", 64, method="full"))

    assert (config.num_processes, config.num_machines) == (64, 8)


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(CourseError, match="pass deepspeed_file"):
        accelerate_config(plan_parallel(MODEL, "t4", 2, method="full", strategy="zero2"))
    with pytest.raises(CourseError, match="no strategy of DeepSpeed's"):
        deepspeed_config(plan_parallel(MODEL, "t4", 2, method="qlora"))
    with pytest.raises(CourseError, match="processes is 0"):
        cpu_config(0)


def test_a_failing_script_says_what_it_said(tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text("raise SystemExit('no rows in this folder')\n", encoding="utf-8")
    config = write_accelerate_config(cpu_config(1), tmp_path)

    with pytest.raises(CourseError, match="no rows in this folder"):
        launch(config, script)


def test_processes_that_wait_for_ever_are_ended(tmp_path: Path) -> None:
    script = tmp_path / "waits.py"
    script.write_text("import time\n\ntime.sleep(600)\n", encoding="utf-8")
    config = write_accelerate_config(cpu_config(1), tmp_path)

    with pytest.raises(CourseError, match=r"ended after 0\.004 hours"):
        launch(config, script, hours=0.004)
    commands = [process.cmdline() for process in psutil.Process().children(recursive=True)]
    assert not [command for command in commands if str(script) in command]


def test_command_line_is_accelerate_launch(tmp_path: Path) -> None:
    path = write_accelerate_config(data_parallel_config(2), tmp_path)
    command = launch_command(path, "train.py", "--seed", 1)

    assert command[:3] == [sys.executable, "-m", "accelerate.commands.launch"]
    assert command[-3:] == ["train.py", "--seed", "1"]
    assert launched_with(path).num_processes == 2


def test_one_and_two_processes_learn_the_same(model_folder: Path, tmp_path: Path) -> None:
    script = Path(__file__).with_name("launched_run.py")
    found = {}
    # Two first: the run on one process goes on from a checkpoint of theirs.
    for processes, name in ((2, "two"), (1, "one")):
        config = write_accelerate_config(cpu_config(processes), tmp_path / f"config-{name}")
        launch(config, script, model_folder, tmp_path / name)
        found[name] = json.loads((tmp_path / f"{name}.json").read_text("utf-8"))
    one, two = found["one"], found["two"]

    assert "MULTI_CPU" in two["type"]
    assert len(one["equal"]["loss"]) == 6
    for name in ("loss", "eval_loss"):
        assert two["equal"][name] == pytest.approx(one["equal"][name], rel=1e-4)
    # Each process dividing by its own tokens is another loss: rows differ in length.
    assert two["alone"]["loss"] != pytest.approx(one["equal"]["loss"], rel=1e-4)
    assert one["resumed"]["loss"] == pytest.approx(one["equal"]["loss"], rel=1e-4)
    assert two["sharded"] == {"bytes": 64 * 64 * 4 / 2, "moved": 0}


def test_two_processes_save_as_one(model_folder: Path, tmp_path: Path) -> None:
    script = Path(__file__).with_name("two_processes.py")
    launch(write_accelerate_config(cpu_config(2), tmp_path), script, model_folder, tmp_path)
    first, second = (
        json.loads((tmp_path / f"{process}.json").read_text("utf-8")) for process in range(2)
    )

    best = tmp_path / "best" / "checkpoint-2"
    assert first["best"] == second["best"] == str(best)
    saved = load_file(best / "adapter_model.safetensors")
    assert first["weights"] == second["weights"]
    assert first["weights"] == {name: weight.sum().item() for name, weight in saved.items()}
    assert {path.name for path in best.glob("rng_state*")} == {"rng_state_0.pth", "rng_state_1.pth"}
    # The first process's clock counts, for both.
    assert first["stopped"] == second["stopped"] == [1, 1]
    # Only the first one could not write; nobody waits for it.
    assert first["said"] == second["said"]
    assert "stopped at step 4 of 4" in first["said"]
    assert latest_checkpoint(tmp_path / "trouble") == tmp_path / "trouble" / "checkpoint-2"
    (rescued,) = tmp_path.glob("rescued-trouble-*")
    assert latest_checkpoint(rescued) == rescued / "checkpoint-4"


def test_a_sharded_run_saves_goes_on_and_finds_its_best(model_folder: Path, tmp_path: Path) -> None:
    script = Path(__file__).with_name("sharded_run.py")
    plan = plan_parallel(MODEL, "t4", 2, method="lora", strategy="fsdp_full_shard", offload=False)
    config = replace(accelerate_config(plan), mixed_precision="no", use_cpu=True)
    launch(write_accelerate_config(config, tmp_path), script, model_folder, tmp_path)
    found = [json.loads((tmp_path / f"{process}.json").read_text("utf-8")) for process in range(2)]

    for process in found:
        assert process["type"].startswith("FSDP")
        assert process["best"] == str(tmp_path / "whole" / "checkpoint-2")
        assert process["latest"] == str(tmp_path / "whole" / "checkpoint-4")
        assert process["again"] == process["log"] == found[0]["log"]
    files = {path.name for path in (tmp_path / "whole" / "checkpoint-4").iterdir()}
    assert {"pytorch_model_fsdp.bin", "optimizer.bin", "adapter_model.safetensors"} <= files


def test_train_command_refuses_to_be_launched_on_several_processes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    arguments = ["--model", "pocket", "--data", "x", "--method", "lora", "--out", str(tmp_path)]

    with pytest.raises(CourseError, match="accelerate launch"):
        train_command(arguments)
