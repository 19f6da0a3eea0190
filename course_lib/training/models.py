"""Load a model and its tokenizer so that they can be trained, or say in one sentence why not.

``AutoModelForCausalLM.from_pretrained`` does the work and its own objects come back. What is added
is what goes wrong between a notebook and a GPU: a folder that holds no weights, a data type that
this card only pretends to have, a pad token that is also the end-of-answer token, and 4-bit layers
that stop passing gradients on once they have answered a question.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from course_lib import machine
from course_lib.errors import CourseError
from course_lib.runtime import Runtime, data_path

if TYPE_CHECKING:
    from torch import nn
    from transformers import BitsAndBytesConfig, PreTrainedModel, PreTrainedTokenizerBase

_WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
_ADAPTER = ("adapter_model.safetensors", "adapter_model.bin")


def load_model(
    name_or_path: str | Path,
    runtime: Runtime,
    *,
    quantization_config: BitsAndBytesConfig | None = None,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a causal language model and its tokenizer, ready for training or answering.

    Args:
        name_or_path: ``"pocket"`` for the course's own model, a folder written by
            ``save_pretrained`` (of a whole model, or of an adapter: then its base is loaded and the
            adapter put on it), or the name of a hub model such as ``Qwen/Qwen2.5-0.5B-Instruct``.
        runtime: The machine, from ``course_lib.start()``: weights are loaded as float32 on a CPU,
            because half types are slower there, and in the card's own 16-bit type on a GPU.
        quantization_config: A ``BitsAndBytesConfig`` for a 4-bit or 8-bit base (QLoRA). None, the
            default, loads the weights as they are.

    Returns:
        The model, on the runtime's device and in evaluation mode, and its tokenizer, which pads
        with a token other than the one that ends an answer wherever its vocabulary has one.

    Raises:
        CourseError: The path or name leads nowhere, the folder lacks its weights, its tokenizer or
            a chat template, or the 4-bit settings cannot run on this machine.

    Example:
        >>> runtime = course_lib.start()  # doctest: +SKIP
        >>> model, tokenizer = load_model("pocket", runtime)  # doctest: +SKIP
    """
    source = _resolve(name_or_path)
    folder = Path(source) if Path(source).is_dir() else None
    if folder is not None and (folder / "adapter_config.json").is_file():
        return _load_adapter(folder, runtime, quantization_config)
    if folder is not None:
        _check_folder(folder)
    from transformers import AutoModelForCausalLM, AutoTokenizer

    # A machine without network must not spend minutes in retries before it says so.
    offline = {"local_files_only": True} if folder is None and not runtime.online else {}
    # Not given at all where it is None: a folder of 4-bit weights brings its own, and transformers
    # takes a None that is passed for the wish to have none.
    quantised: dict[str, Any] = {}
    try:
        if quantization_config is not None:
            check_quantization(quantization_config, runtime)
            quantised = {"quantization_config": quantization_config}
        tokenizer = AutoTokenizer.from_pretrained(source, **offline)
        model = AutoModelForCausalLM.from_pretrained(
            source,
            dtype=runtime.torch_dtype,
            device_map={"": _home(runtime, quantised=quantization_config is not None)},
            **quantised,
            **offline,
        )
    except CourseError:
        raise
    except (OSError, ValueError, KeyError, json.JSONDecodeError) as error:
        raise CourseError(_why_not(source, folder, runtime, error)) from error
    except Exception as error:  # safetensors raises its own type, which is no subclass of the above
        if type(error).__name__ != "SafetensorError":
            raise
        raise CourseError(
            f"{source}: damaged weights, not a whole copy of them ({error}); copy them again"
        ) from error
    _check_tokenizer(source, tokenizer)
    separate_pad_from_eos(model, tokenizer)
    keep_4bit_trainable(model)
    model.eval()
    return model, tokenizer


def load_tokenizer(name_or_path: str, runtime: Runtime) -> PreTrainedTokenizerBase:
    """Load a tokenizer alone, to count tokens before any model is there.

    Args:
        name_or_path: As for `load_model`.
        runtime: Says whether the hub can be asked.

    Returns:
        The tokenizer.

    Raises:
        CourseError: There is none, and what to do about it.

    Example:
        >>> len(load_tokenizer("pocket", runtime))  # doctest: +SKIP
        3840
    """
    source = _resolve(name_or_path)
    folder = Path(source) if Path(source).is_dir() else None
    from transformers import AutoTokenizer

    offline = {"local_files_only": True} if folder is None and not runtime.online else {}
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **offline)
    except (OSError, ValueError, KeyError, json.JSONDecodeError) as error:
        raise CourseError(_why_not(source, folder, runtime, error)) from error
    _check_tokenizer(source, tokenizer)
    return tokenizer


def separate_pad_from_eos(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> str:
    """Give the tokenizer a pad token other than the one that ends an answer, if it has one to give.

    Where padding and the end of an answer are one token, every tool that masks padding by its id
    also masks the end, and the model never learns to stop. A token that is already in the
    vocabulary is taken: a new one would resize the embeddings and with them every saved adapter.

    Args:
        model: Its config and generation config are told about the choice.
        tokenizer: Changed in place.

    Returns:
        The reason for the choice, in words.

    Example:
        >>> separate_pad_from_eos(model, tokenizer)  # doctest: +SKIP
        "'<|pad|>' is its own pad token"
    """
    pad, eos = tokenizer.pad_token, tokenizer.eos_token
    if pad is not None and pad != eos:
        reason = f"{pad!r} is its own pad token"
    else:
        added = list(tokenizer.get_added_vocab())
        spare = [token for token in added if "pad" in token.lower()]
        spare += [token for token in (tokenizer.unk_token, "<unk>", "<|endoftext|>") if token]
        vocabulary = tokenizer.get_vocab()
        usable = [token for token in spare if token != eos and token in vocabulary]
        if usable:
            tokenizer.pad_token = usable[0]
            reason = f"pad was {pad!r}, the end-of-answer token; {usable[0]!r} pads instead"
        else:
            tokenizer.pad_token = eos
            # Safe all the same: the trainer masks padding by position, never by token id.
            reason = f"no spare token in the vocabulary: {eos!r} pads, and is masked by position"
    model.config.pad_token_id = tokenizer.pad_token_id
    if model.generation_config is not None:
        model.generation_config.pad_token_id = tokenizer.pad_token_id
    return reason


def check_quantization(config: BitsAndBytesConfig, runtime: Runtime) -> None:
    """Refuse 4-bit settings that this machine cannot run, and warn of its slow or poor defaults.

    Args:
        config: The ``BitsAndBytesConfig``. Its own defaults are fp4 and float32 compute.
        runtime: The machine; below compute capability 8.0 the 4-bit product exists in float16 only.

    Raises:
        CourseError: The compute type does not run here.

    Example:
        >>> check_quantization(qlora_config(runtime), runtime)  # doctest: +SKIP
    """
    import torch

    if not config.load_in_4bit:
        return
    compute = config.bnb_4bit_compute_dtype
    if runtime.device == "cuda" and compute == torch.bfloat16 and runtime.dtype != "bfloat16":
        raise CourseError(
            f"bnb_4bit_compute_dtype=torch.bfloat16, but {runtime.gpu_name} computes 4-bit layers "
            "in float16 only; pass bnb_4bit_compute_dtype=runtime.torch_dtype"
        )
    if runtime.device == "cuda" and compute == torch.float32:
        warnings.warn(
            "BitsAndBytesConfig computes in float32 unless told otherwise, several times slower on "
            "a GPU: pass bnb_4bit_compute_dtype=runtime.torch_dtype",
            stacklevel=3,
        )
    if config.bnb_4bit_quant_type != "nf4":
        warnings.warn(
            f"bnb_4bit_quant_type is {config.bnb_4bit_quant_type!r}, the library's default; QLoRA "
            "is defined with 'nf4', whose levels fit normally distributed weights better",
            stacklevel=3,
        )


def keep_4bit_trainable(model: nn.Module) -> None:
    """Stop 4-bit layers on a CPU from rewriting themselves when the model answers.

    On CPUs with AVX512-BF16, bitsandbytes repacks a 4-bit layer at its first use outside training,
    for a quicker product that has no gradient. A model that has answered once would then train with
    wrong gradients and only a warning, its scales would be rounded to bfloat16, and layers whose
    width is no multiple of 64 would crash. Without the repacking every CPU also gives one result.

    Args:
        model: Changed in place; a model without 4-bit layers is left alone.

    Raises:
        CourseError: A layer has been repacked already, which cannot be undone exactly.

    Example:
        >>> keep_4bit_trainable(model)  # doctest: +SKIP
    """
    for name, layer in model.named_modules():
        if not hasattr(layer, "support_avx512bf16_for_cpu"):
            continue
        if getattr(getattr(layer.weight, "quant_state", None), "packing_format_for_cpu", False):
            raise CourseError(
                f"the 4-bit layer {name} was repacked for answering and passes no gradient on any "
                "more: load the model with course_lib's load_model, or train before it answers"
            )
        layer.support_avx512bf16_for_cpu = False


@contextmanager
def without_renaming_notices() -> Iterator[None]:
    """Silence what transformers 5.23 says about gradient_checkpointing, which it renames.

    TRL and PEFT still use the old name, and the notice tells a learner nothing to act on.

    Example:
        >>> with without_renaming_notices():
        ...     config = SFTConfig(use_cpu=True)  # doctest: +SKIP
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*gradient_checkpointing.*deprecated", FutureWarning)
        yield


def _resolve(name_or_path: str | Path) -> str:
    text = str(name_or_path)
    if text == "pocket":
        return str(data_path("pocket"))
    path = Path(text).expanduser()
    if path.is_file():
        raise CourseError(f"{text} is a file; a model is a folder: give {path.parent}")
    looks_like_path = isinstance(name_or_path, Path) or text.startswith((".", "~", "/"))
    # A hub name is `name` or `owner/name`; whatever has more parts, or exists, is a path.
    if path.is_dir():
        return str(path)
    if looks_like_path or text.count("/") > 1 or "\\" in text:
        raise CourseError(f"no model folder {text}: check the path (now in {Path.cwd()})")
    return text


def _home(runtime: Runtime, *, quantised: bool) -> int | str:
    """Where the weights are loaded to: this process's own card, or the CPU."""
    if runtime.device != "cuda":
        return "cpu"
    # FSDP cuts the weights on their way from the CPU to the cards, none of which may hold them all.
    # Only 4-bit weights are made on a card.
    if os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true" and not quantised:
        return "cpu"
    return machine.local_rank()


def _check_folder(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise CourseError(
            f"{folder} is not a model folder: it has no config.json. Give the folder that "
            "save_pretrained wrote (a training run keeps it under `model`)"
        )
    if not any((folder / name).is_file() for name in _WEIGHTS):
        raise CourseError(
            f"{folder} has a config.json but no weights ({_WEIGHTS[0]}): the copy or download "
            "stopped half-way; copy the folder again, or pull its large files"
        )
    if not (folder / "tokenizer_config.json").is_file():
        raise CourseError(
            f"{folder} has no tokenizer (tokenizer_config.json): save it beside the weights with "
            "tokenizer.save_pretrained(folder)"
        )


def _check_tokenizer(source: str, tokenizer: PreTrainedTokenizerBase) -> None:
    if tokenizer.chat_template is None:
        raise CourseError(
            f"{source}: its tokenizer has no chat template, so conversations cannot be turned into "
            "tokens. Choose the -Instruct or -Chat version of the model"
        )
    if tokenizer.eos_token is None:
        raise CourseError(
            f"{source}: its tokenizer has no end-of-answer token; set tokenizer.eos_token to the "
            "token that its chat template puts after an answer, and save it again"
        )


def _load_adapter(
    folder: Path, runtime: Runtime, quantization_config: BitsAndBytesConfig | None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    if not any((folder / name).is_file() for name in _ADAPTER):
        raise CourseError(
            f"{folder} has an adapter_config.json but no weights ({_ADAPTER[0]}): copy it again"
        )
    base = json.loads((folder / "adapter_config.json").read_text("utf-8"))[
        "base_model_name_or_path"
    ]
    try:
        model, tokenizer = load_model(base, runtime, quantization_config=quantization_config)
    except CourseError as error:
        raise CourseError(f"{folder} is an adapter for {base}: {error}") from error
    from peft import PeftModel

    # Trainable, so that a run can go on from it; answering is not affected.
    with without_renaming_notices():
        adapted = PeftModel.from_pretrained(model, str(folder), is_trainable=True)
    adapted.eval()
    # A PeftModel is no PreTrainedModel by class, but passes every call on to the one inside it.
    return cast("PreTrainedModel", adapted), tokenizer


def _why_not(source: str, folder: Path | None, runtime: Runtime, error: Exception) -> str:
    first_line = str(error).strip().splitlines()[0]
    if folder is not None:
        return f"{source}: cannot load this model: {first_line}"
    if not runtime.online:
        return (
            f"no model {source}: there is no such folder in {Path.cwd()}, and without a network it "
            "cannot be fetched from the hub. The course's own model is called `pocket`"
        )
    return f"no model {source}: neither a folder in {Path.cwd()} nor a hub model ({first_line})"
