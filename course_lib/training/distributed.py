"""Write the configuration with which ``accelerate launch`` starts one script on several devices.

The training script stays the same; the file says how many processes there are and what each keeps:
DDP, FSDP (version 2) or DeepSpeed ZeRO. `memory.plan_parallel` chooses, this module writes down:

    plan = plan_parallel("Qwen3-8B", "t4", 2, method="lora")
    config = write_accelerate_config(plan, folder)
    launch(config, "train.py")

DeepSpeed is no dependency of the course. Its file is checked as far as Accelerate reads it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from course_lib.errors import CourseError

if TYPE_CHECKING:
    from accelerate.commands.config.config_args import ClusterConfig

    from course_lib.memory.parallel import ParallelPlan

_LAUNCHER = 'Traceback (most recent call last):\n  File "<frozen runpy>"'
_PRECISION = {"float16": "fp16", "bfloat16": "bf16", "float32": "no"}


def cpu_config(processes: int) -> ClusterConfig:
    """Accelerate's configuration for DDP over the CPU: real processes that talk through gloo.

    Args:
        processes: How many; each loads the libraries and the model anew.

    Returns:
        Accelerate's own object.

    Raises:
        CourseError: Fewer than one process.

    Example:
        >>> cpu_config(2).use_cpu
        True
    """
    if processes < 1:
        raise CourseError(f"processes is {processes}: it must be 1 or more")
    # `MULTI_CPU` would be the honest name, but that one starts a single process unless MPI is
    # there. What `MULTI_GPU` names is torchrun; with `use_cpu` its processes stay on the CPU.
    return _cluster("MULTI_GPU", processes, mixed_precision="no", use_cpu=True)


def accelerate_config(plan: ParallelPlan, *, deepspeed_file: Path | None = None) -> ClusterConfig:
    """Accelerate's configuration for a plan.

    Args:
        plan: From `memory.plan_parallel`.
        deepspeed_file: Where `deepspeed_config` of the same plan lies, for the ZeRO strategies.

    Returns:
        Accelerate's own object. With more than one machine, ``accelerate launch`` also wants
        ``--machine_rank`` and ``--main_process_ip`` on each.

    Raises:
        CourseError: A ZeRO strategy without its file.

    Example:
        >>> from course_lib.memory import plan_parallel
        >>> accelerate_config(plan_parallel("Qwen3-8B", "t4", 2, method="lora")).num_processes
        2
    """
    precision = _PRECISION[plan.dtype]
    if plan.strategy == "ddp":
        kind = "MULTI_GPU" if plan.devices > 1 else "NO"
        return _cluster(kind, plan.devices, machines=plan.machines, mixed_precision=precision)
    if plan.strategy.startswith("fsdp"):
        return _cluster(
            "FSDP",
            plan.devices,
            machines=plan.machines,
            mixed_precision=precision,
            fsdp_config=_fsdp(plan),
        )
    if deepspeed_file is None:
        raise CourseError(f"{plan.strategy} is DeepSpeed's: pass deepspeed_file, or use an FSDP")
    return _cluster(
        "DEEPSPEED",
        plan.devices,
        machines=plan.machines,
        # Accelerate refuses a precision beside a DeepSpeed file; the trainer fills in its own.
        mixed_precision=None,
        deepspeed_config={
            "deepspeed_config_file": str(deepspeed_file.resolve()),
            "zero3_init_flag": plan.strategy == "zero3",
        },
    )


def deepspeed_config(plan: ParallelPlan) -> dict[str, Any]:
    """DeepSpeed's own configuration for a plan with a ZeRO strategy.

    Args:
        plan: From `memory.plan_parallel`, with ``strategy`` ``zero1``, ``zero2`` or ``zero3``.

    Returns:
        What DeepSpeed reads as JSON. ``auto`` stands where the trainer knows better: batch sizes,
        clipping, precision, and the sizes of buckets, which follow from the model's width.

    Raises:
        CourseError: The plan's strategy is none of DeepSpeed's.

    Example:
        >>> from course_lib.memory import plan_parallel
        >>> plan = plan_parallel("Qwen3-8B", "a100-80", 8, method="full", strategy="zero3")
        >>> deepspeed_config(plan)["zero_optimization"]["stage"]
        3
    """
    if not plan.strategy.startswith("zero"):
        raise CourseError(f"{plan.strategy} is no strategy of DeepSpeed's: see accelerate_config")
    stage = int(plan.strategy[-1])
    zero: dict[str, Any] = {
        "stage": stage,
        "overlap_comm": True,
        "contiguous_gradients": True,
        # Its own default is 500 million numbers, a GiB of a T4.
        "reduce_bucket_size": "auto",
    }
    if plan.offload:
        zero["offload_optimizer"] = {"device": "cpu", "pin_memory": True}
    if stage == 3:
        zero |= {
            "stage3_prefetch_bucket_size": "auto",
            "stage3_param_persistence_threshold": "auto",
            "stage3_gather_16bit_weights_on_model_save": True,
        }
        if plan.offload:
            zero["offload_param"] = {"device": "cpu", "pin_memory": True}
    return {
        "train_batch_size": "auto",
        "train_micro_batch_size_per_gpu": "auto",
        "gradient_accumulation_steps": "auto",
        "gradient_clipping": "auto",
        "fp16": {"enabled": "auto"},
        "bf16": {"enabled": "auto"},
        "zero_optimization": zero,
    }


def write_accelerate_config(config: ParallelPlan | ClusterConfig, folder: str | Path) -> Path:
    """Write what ``accelerate launch --config_file`` takes.

    Args:
        config: A plan, or Accelerate's own object.
        folder: Where ``accelerate.yaml`` goes, and ``deepspeed.json`` where one is needed.

    Returns:
        The path of ``accelerate.yaml``.

    Example:
        >>> import tempfile
        >>> write_accelerate_config(cpu_config(2), tempfile.mkdtemp()).name
        'accelerate.yaml'
    """
    from accelerate.commands.config.config_args import ClusterConfig

    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    if not isinstance(config, ClusterConfig):
        beside = None
        if config.strategy.startswith("zero"):
            beside = path / "deepspeed.json"
            text = json.dumps(deepspeed_config(config), indent=2)
            beside.write_text(text + "\n", encoding="utf-8")
        config = accelerate_config(config, deepspeed_file=beside)
    config.to_yaml_file(str(path / "accelerate.yaml"))
    return path / "accelerate.yaml"


def launch_command(config: Path, script: str | Path, *arguments: object) -> list[str]:
    """The command line that starts a script on all processes of a configuration.

    Args:
        config: From `write_accelerate_config`.
        script: The training script.
        *arguments: What the script is given.

    Returns:
        ``accelerate launch …`` for `subprocess.run`, with this Python.

    Example:
        >>> launch_command(Path("accelerate.yaml"), "train.py", "--seed", 1)[-3:]
        ['train.py', '--seed', '1']
    """
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(config)]
    return [*launch, str(script), *map(str, arguments)]


def launch(config: Path, script: str | Path, *arguments: object, hours: float = 1.0) -> str:
    """Start a script on all processes of a configuration and wait for its end.

    Args:
        config: From `write_accelerate_config`.
        script: The training script.
        *arguments: What the script is given.
        hours: The longest that it may take. Processes that wait for one another in vain would else
            wait for ever; an hour is many times what a lesson's script takes.

    Returns:
        What the processes printed.

    Raises:
        CourseError: A process failed: the last lines that it said; or the time is over, and all of
            them have been ended.

    Example:
        >>> launch(config, "train.py", "build/runs/two")  # doctest: +SKIP
        ''
    """
    from accelerate.commands.config.config_args import load_config_from_file

    root = str(Path(__file__).resolve().parents[2])
    # A script that lies elsewhere must find the same course_lib as whoever launches it.
    known = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(known)}
    if load_config_from_file(str(config)).use_cpu:
        # One computing thread a process, and no card: a machine may have a single one, which two
        # processes cannot share.
        environment |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        environment["COURSE_PROFILE"] = "pocket"
        # Freed blocks go back at once: otherwise two processes keep 100 MB that they do not use.
        environment |= {"MALLOC_TRIM_THRESHOLD_": "0", "MALLOC_MMAP_THRESHOLD_": "65536"}
    command = launch_command(config, script, *arguments)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=environment, stdout=pipe, stderr=pipe, encoding="utf-8"
    ) as started:
        try:
            printed, complaints = started.communicate(timeout=3600 * hours)
        except subprocess.TimeoutExpired:
            raise CourseError(
                f"{script} on {config} was ended after {hours:g} hours: its processes may wait for "
                "one another (each must take part in every step, save and gather), or it needs "
                "more: launch(..., hours=...)"
            ) from None
        finally:
            _end(started)
    if started.returncode:
        # What the script said comes first; the launcher's own traceback says nothing about it.
        said, _, _ = complaints.partition(_LAUNCHER)
        said = "\n".join(said.strip().splitlines()[-20:])
        raise CourseError(f"{script} failed on {config}:\n{said}")
    return printed


def _end(started: subprocess.Popen[str]) -> None:
    """End a launcher that still runs, and what it has launched, which would outlive it."""
    if started.poll() is not None:
        return
    launcher = psutil.Process(started.pid)
    for process in [*launcher.children(recursive=True), launcher]:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def data_parallel_config(processes: int) -> ClusterConfig:
    """Accelerate's configuration for DDP on this machine: its cards, or its CPU.

    Args:
        processes: How many. Each needs a CUDA card of its own; where there are fewer cards, all of
            them run on the CPU.

    Returns:
        Accelerate's own object.

    Raises:
        CourseError: Fewer than one process.

    Example:
        >>> data_parallel_config(2).num_processes
        2
    """
    import torch

    if torch.cuda.device_count() < max(processes, 2):
        return cpu_config(processes)
    bf16 = torch.cuda.get_device_capability() >= (8, 0)
    # Started by torchrun even when it is a single process, so that the script always meets one.
    return _cluster("MULTI_GPU", processes, mixed_precision="bf16" if bf16 else "fp16")


def _fsdp(plan: ParallelPlan) -> dict[str, Any]:
    return {
        "fsdp_version": 2,
        # A layer at a time; without this the whole model would be gathered at once.
        "fsdp_auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
        "fsdp_reshard_after_forward": plan.strategy == "fsdp_full_shard",
        "fsdp_offload_params": plan.offload,
        # The first process hands all others their pieces, so that no card ever holds the whole.
        # (transformers 5.23 lets all of them read the weights all the same, see `plan_parallel`.)
        # Accelerate cannot do that with 4-bit weights.
        "fsdp_cpu_ram_efficient_loading": plan.method != "qlora",
        # One file that any number of processes can read, at the price of gathering it to save.
        "fsdp_state_dict_type": "FULL_STATE_DICT",
        # The trainer recomputes activations itself (gradient_checkpointing).
        "fsdp_activation_checkpointing": False,
    }


def _cluster(
    kind: str,
    processes: int,
    *,
    machines: int = 1,
    mixed_precision: str | None,
    use_cpu: bool = False,
    fsdp_config: dict[str, Any] | None = None,
    deepspeed_config: dict[str, Any] | None = None,
) -> ClusterConfig:
    from accelerate.commands.config.config_args import ClusterConfig

    return ClusterConfig(
        compute_environment="LOCAL_MACHINE",
        distributed_type=kind,
        mixed_precision=mixed_precision,
        use_cpu=use_cpu,
        debug=False,
        num_processes=processes,
        num_machines=machines,
        machine_rank=0,
        # 0: any free port, so that two runs on one machine do not meet.
        main_process_port=0 if machines == 1 else 29500,
        fsdp_config=fsdp_config,
        deepspeed_config=deepspeed_config,
    )
