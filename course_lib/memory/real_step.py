"""One real training step of random weights, through TRL's own trainers, on a CPU or a GPU."""

from __future__ import annotations

import gc
import tempfile
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from torch import nn
from transformers import AutoModelForCausalLM, PretrainedConfig, PrinterCallback

from course_lib.memory.estimate import GIB
from course_lib.memory.fake_model import quantisation
from course_lib.memory.trace import LiveMemory
from course_lib.memory.trainer_loss import tiny_tokenizer


def real_step(
    config: PretrainedConfig,
    *,
    device: str,
    method: str,
    trainer: str = "sft",
    seq_len: int,
    batch: int,
    completion_len: int | None = None,
    checkpointing: bool = True,
    accumulation: int = 1,
    rank: int = 16,
    optimizer: str = "adamw_torch_fused",
) -> dict[str, float]:
    """Train two steps and return the most memory that was in use.

    Args:
        config: The model's config; its weights are drawn at random.
        device: ``cpu`` (every tensor storage is counted) or ``cuda`` (PyTorch's allocator counts).
        method: ``full``, ``lora`` or ``qlora``.
        trainer: ``sft``, ``dpo`` or ``grpo``.
        seq_len: Tokens of a row.
        batch: Rows (pairs, answers) a micro-batch.
        completion_len: Tokens of the answer; None: half of the row.
        checkpointing: Whether activations are recomputed.
        accumulation: Micro-batches a step.
        rank: The adapter's rank.
        optimizer: transformers' name for it.

    Returns:
        ``peak_gib`` and, on CUDA, ``reserved_gib``, ``context_gib`` and ``seconds`` a step.

    Example:
        >>> from transformers import LlamaConfig
        >>> tiny = LlamaConfig(vocab_size=256, hidden_size=64, intermediate_size=128,
        ...                    num_hidden_layers=2, num_attention_heads=4)
        >>> real_step(tiny, device="cpu", method="lora", seq_len=16, batch=2)  # doctest: +SKIP
        {'peak_gib': 0.012}
    """
    answer = completion_len or seq_len // 2
    kind = torch.float32 if device == "cpu" else torch.float16
    torch.manual_seed(0)
    _forget(device)  # what an earlier step that ran out of memory may have left
    model = _random_model(
        config,
        torch.float32 if method == "full" else kind,
        device,
        bits=4 if method == "qlora" else 16,
    )
    made = _trainer(
        trainer,
        model,
        config,
        seq_len=seq_len,
        answer=answer,
        arguments={
            "output_dir": tempfile.gettempdir(),
            "per_device_train_batch_size": batch,
            "gradient_accumulation_steps": accumulation,
            "gradient_checkpointing": checkpointing,
            "optim": optimizer,
            "max_steps": 2,
            "use_cpu": device == "cpu",
            "bf16": False,
            "fp16": device == "cuda",
            "report_to": "none",
            "save_strategy": "no",
            "logging_steps": 1000,
            "disable_tqdm": True,
            "dataloader_pin_memory": False,
        },
        lora=None
        if method == "full"
        else LoraConfig(r=rank, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    made.remove_callback(PrinterCallback)  # which prints a dict where there is no progress bar
    for parameter in made.model.parameters():  # TRL leaves 4-bit adapters in bf16
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    try:
        return _on_cuda(made) if device == "cuda" else _on_cpu(made)
    finally:
        del made, model
        _forget(device)


def _forget(device: str) -> None:
    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()


def _on_cpu(made: Any) -> dict[str, float]:
    memory = LiveMemory()
    kept = [*made.model.parameters(), *made.model.buffers(), *quantisation(made.model)]
    if getattr(made, "ref_model", None) is not None:
        kept += [*made.ref_model.parameters(), *made.ref_model.buffers()]
    memory.add(kept)
    with memory:
        made.train()
    return {"peak_gib": memory.peak / GIB}


def _on_cuda(made: Any) -> dict[str, float]:
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    result = made.train()
    torch.cuda.synchronize()
    free, total = torch.cuda.mem_get_info()
    reserved = torch.cuda.memory_reserved()
    return {
        "peak_gib": torch.cuda.max_memory_allocated() / GIB,
        "reserved_gib": torch.cuda.max_memory_reserved() / GIB,
        "context_gib": (total - free - reserved) / GIB,
        "seconds": result.metrics["train_runtime"] / 2,
    }


def _random_model(config: PretrainedConfig, kind: torch.dtype, device: str, bits: int = 16) -> Any:
    """Draw weights tensor by tensor on the device: no whole 16-bit model ever lies anywhere."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=kind, attn_implementation="sdpa")
    if bits == 4:
        _quantise(model, kind, device)
    made: dict[int, nn.Parameter] = {}
    for module in model.modules():
        for name, value in list(module._parameters.items()):
            if value is None or value.device.type != "meta":
                continue
            if id(value) not in made:
                made[id(value)] = nn.Parameter(_drawn(value, device), value.requires_grad)
            module._parameters[name] = made[id(value)]
    # Rotations are buffers computed from the config, and no file holds them.
    model.model.rotary_emb = type(model.model.rotary_emb)(config=config).to(device)
    return model


def _drawn(like: torch.Tensor, device: str) -> torch.Tensor:
    empty = torch.empty(like.shape, dtype=like.dtype, device=device)
    return nn.init.ones_(empty) if like.dim() == 1 else nn.init.normal_(empty, std=0.02)


def _quantise(model: Any, kind: torch.dtype, device: str) -> None:
    """Put bitsandbytes' 4-bit layers where transformers puts them, with weights drawn at random."""
    from bitsandbytes.nn.modules import Linear4bit, Params4bit

    for name, module in list(model.named_modules()):
        if not isinstance(module, nn.Linear) or name.endswith("lm_head"):
            continue
        layer = Linear4bit(
            module.in_features,
            module.out_features,
            bias=False,
            compute_dtype=kind,
            quant_type="nf4",
            device="meta",
        )
        # Moving it to the device is what quantises it.
        drawn: Any = Params4bit(_drawn(module.weight, "cpu"), requires_grad=False, quant_type="nf4")
        layer.weight = drawn.to(device)
        if module.bias is not None:
            layer.bias = nn.Parameter(_drawn(module.bias, device), requires_grad=False)
        model.set_submodule(name, layer)
    model.requires_grad_(False)
    model.is_loaded_in_4bit = True
    # Trainer asks the quantiser whether such a model may be trained.
    model.config.quantization_config = {"load_in_4bit": True, "quant_method": "bitsandbytes"}
    model.is_quantized = True
    model.hf_quantizer = _Trainable()


class _Trainable:
    """What transformers' quantiser says of a 4-bit model under an adapter."""

    is_trainable = True
    is_qat_trainable = False
    is_compileable = False


def _trainer(
    name: str,
    model: Any,
    config: PretrainedConfig,
    *,
    seq_len: int,
    answer: int,
    arguments: dict[str, Any],
    lora: LoraConfig | None,
) -> Any:
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer
    from trl.trainer.grpo_config import GRPOConfig
    from trl.trainer.grpo_trainer import GRPOTrainer
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    prompt = seq_len - answer
    rows = 4 * arguments["per_device_train_batch_size"] * arguments["gradient_accumulation_steps"]
    draw = torch.Generator().manual_seed(0)

    def tokens(length: int, row: int) -> list[int]:
        # One row in two is a token shorter: rows with padding need a mask, as real ones do.
        count = max(1, length - row % 2)
        return torch.randint(3, config.vocab_size, (count,), generator=draw).tolist()

    common: dict[str, Any] = {
        "model": model,
        "processing_class": tiny_tokenizer(),
        "peft_config": lora,
    }
    if name == "sft":
        ids = [tokens(seq_len, row) for row in range(rows)]
        labels = [[-100] * (len(row) - answer) + row[-answer:] for row in ids]
        data = Dataset.from_dict({"input_ids": ids, "labels": labels})
        return SFTTrainer(args=SFTConfig(**arguments), train_dataset=data, **common)
    if name == "dpo":
        # TRL ends each answer itself.
        answers = ["a " * (answer - 1 - row % 2) for row in range(rows)]
        data = Dataset.from_dict(
            {"prompt": ["a " * prompt] * rows, "chosen": answers, "rejected": answers[::-1]}
        )
        reference = None
        if lora is None:
            reference = _random_model(config, torch.float32, str(model.device))
        return DPOTrainer(
            args=DPOConfig(**arguments, max_length=None),
            train_dataset=data,
            ref_model=reference,
            **common,
        )
    generated = arguments["per_device_train_batch_size"] * arguments["gradient_accumulation_steps"]
    return GRPOTrainer(
        args=GRPOConfig(
            **arguments,
            num_generations=generated,
            max_completion_length=answer,
            # Answers of random weights end anywhere; these go on to the last token.
            generation_kwargs={"min_new_tokens": answer},
        ),
        reward_funcs=_any_reward,
        train_dataset=Dataset.from_dict({"prompt": ["a " * prompt] * rows}),
        **common,
    )


def _any_reward(completions: list[str], **_: Any) -> list[float | None]:
    return [float(index % 2) for index in range(len(completions))]
