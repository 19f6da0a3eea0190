"""Pretrain the pocket model: a Llama of five million parameters, Muon, one loop.

Run by `make pocket` (`python -m course_lib pocket pretrain`). It takes hours on a CPU;
`torch.compile` makes it three times as fast as eager mode there. A run that is killed goes on from
its last state, on the very batches that it would have seen.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from course_lib.errors import CourseError
from course_lib.pocket import corpus
from course_lib.pocket.batches import Recipe, schedule
from course_lib.pocket.muon import Muon
from course_lib.pocket.tokenizer import train_tokenizer


def build_model(tokenizer: PreTrainedTokenizerFast, recipe: Recipe) -> LlamaForCausalLM:
    """Build the untrained model, from torch's seed.

    Args:
        tokenizer: gives the vocabulary and the special tokens.
        recipe: gives the shape.

    Returns:
        A Llama with random weights.

    Example:
        >>> build_model(tokenizer, Recipe()).num_parameters()  # doctest: +SKIP
        5803264
    """
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.width,
        intermediate_size=recipe.width * 11 // 4,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.width // 64,
        num_key_value_heads=recipe.width // 64,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        use_cache=False,
    )
    return LlamaForCausalLM(config)


def build_tokenizer(recipe: Recipe) -> PreTrainedTokenizerFast:
    """Train the tokenizer on conversations that the model will not see.

    Args:
        recipe: gives the seed, the vocabulary and how many conversations.

    Returns:
        The tokenizer with its chat template.

    Example:
        >>> build_tokenizer(Recipe(tokenizer_conversations=300)).eos_token
        '<|end|>'
    """
    stream = corpus.conversations(seed=recipe.seed + 10**6)
    texts = [t["content"] for _ in range(recipe.tokenizer_conversations) for t in next(stream)]
    return train_tokenizer(texts, recipe.vocab_size)


def build_optimizers(model: LlamaForCausalLM, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for embeddings and norms.

    Muon (https://kellerjordan.github.io/posts/muon/) orthogonalises each update; here it reaches
    a given retrieval accuracy in about half the tokens of AdamW.

    Args:
        model: to be trained.
        recipe: gives the weight decay.

    Returns:
        Two optimizers, Muon first, whose learning rates `learning_rate` sets at each step.

    Example:
        >>> muon, adam = build_optimizers(model, Recipe())  # doctest: +SKIP
    """
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    rest = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    return [
        Muon(matrices, lr=0.0, momentum=0.95, weight_decay=recipe.weight_decay),
        torch.optim.AdamW(rest, lr=0.0, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def learning_rate(step: int, recipe: Recipe) -> float:
    """Find Muon's learning rate: linear within each stage.

    Args:
        step: from 0.
        recipe: gives the stages.

    Returns:
        The rate; AdamW's is `recipe.adam_share` of it.

    Example:
        >>> [round(learning_rate(s, Recipe()), 4) for s in (0, 50, 100, 2675, 2850, 2950)]
        [0.0, 0.01, 0.02, 0.01, 0.0, 0.006]
    """
    stage, share = recipe.at(step)
    first, last = stage.muon_lr
    return first + (last - first) * share


def pretrain(recipe: Recipe, directory: Path, *, work: Path, compiled: bool = True) -> None:
    """Pretrain from scratch, or go on from the last state in `work`.

    Args:
        recipe: all the numbers.
        directory: where the finished model and tokenizer go, in `from_pretrained` form (fp16),
            with `training.json`: what it took.
        work: where the resumable state and the log are kept.
        compiled: use `torch.compile`, which needs a C++ compiler; eager mode gives the same model
            in three times the time.

    Raises:
        CourseError: `work` holds the state of another recipe.

    Example:
        >>> pretrain(Recipe(), Path("data/pocket"), work=Path("build/pocket"))  # doctest: +SKIP
    """
    _claim(work, recipe)
    torch.manual_seed(recipe.seed)
    np.random.seed(recipe.seed)
    tokenizer = build_tokenizer(recipe)
    model = build_model(tokenizer, recipe)
    model.to("cuda" if torch.cuda.is_available() else "cpu")  # type: ignore[arg-type]
    optimizers = build_optimizers(model, recipe)
    state_file, start, seconds_before = work / "state.pt", 0, 0.0
    if state_file.exists():
        state = torch.load(state_file, weights_only=True)
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        start, seconds_before = state["step"], state["seconds"]
    body = torch.compile(model.model, dynamic=False) if compiled else model.model
    began, loss_sum, weight_sum = time.monotonic(), 0.0, 0.0
    stream = schedule(tokenizer, recipe, start)
    for step in range(start, recipe.steps):
        rate = learning_rate(step, recipe)
        for optimizer, share in zip(optimizers, (1.0, recipe.adam_share), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * share
        ids, weights = (t.to(model.device) for t in next(stream))
        losses, weights = _losses(body, model.lm_head, ids, weights)
        ((losses * weights).sum() / weights.sum()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        answers = weights == 1
        loss_sum += float(losses.detach()[answers].sum())
        weight_sum += float(answers.sum())
        seconds = time.monotonic() - began
        if (step + 1) % 20 == 0:
            line = {
                "step": step + 1,
                "answer_loss": round(loss_sum / weight_sum, 4),
                "muon_lr": round(rate, 5),
                "tokens_per_second": round(recipe.tokens(start, step + 1) / seconds),
            }
            with (work / "log.jsonl").open("a") as log:
                log.write(json.dumps(line) + "\n")
            print(line, file=sys.stderr, flush=True)
            loss_sum = weight_sum = 0.0
        if (step + 1) % recipe.save_every == 0:
            state = {
                "model": model.state_dict(),
                "optimizers": [o.state_dict() for o in optimizers],
                "step": step + 1,
                "seconds": seconds_before + seconds,
            }
            torch.save(state, work / "state.tmp")
            (work / "state.tmp").replace(state_file)  # a kill while writing leaves the old one
            save(model, tokenizer, work / "model")
    save(model, tokenizer, directory)
    facts = {
        "steps": recipe.steps,
        "tokens": recipe.tokens(0, recipe.steps),
        "hours": round((seconds_before + time.monotonic() - began) / 3600, 2),
        "cores": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    (directory / "training.json").write_text(json.dumps(facts, indent=1) + "\n")


def _claim(work: Path, recipe: Recipe) -> None:
    """Take a work folder for a recipe, or refuse it: half of two recipes is neither."""
    work.mkdir(parents=True, exist_ok=True)
    wanted = json.loads(json.dumps(asdict(recipe)))  # as it comes back: lists for tuples
    path = work / "recipe.json"
    if (work / "state.pt").exists() and json.loads(path.read_text()) != wanted:
        raise CourseError(
            f"{work} holds the state of another recipe ({path}): remove the folder to start anew, "
            "or name another one with --work"
        )
    path.write_text(json.dumps(wanted, indent=1) + "\n")


def _losses(
    body: Callable[..., Any], head: torch.nn.Module, ids: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor]:
    """Predict every next token; return each token's loss and weight."""
    with torch.autocast(ids.device.type, dtype=torch.bfloat16):
        logits = head(body(input_ids=ids[:, :-1]).last_hidden_state)
    targets = ids[:, 1:].flatten()
    losses = F.cross_entropy(logits.float().flatten(0, 1), targets, reduction="none")
    return losses, weights[:, 1:].flatten()


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, directory: Path) -> None:
    """Write the model in half precision, ready for `AutoModelForCausalLM.from_pretrained`.

    Args:
        model: stays as it is.
        tokenizer: goes into the same folder.
        directory: is made if need be.

    Example:
        >>> save(model, tokenizer, Path("data/pocket"))  # doctest: +SKIP
    """
    half = LlamaForCausalLM(model.config).half()
    half.load_state_dict(model.state_dict())
    half.config.use_cache = True
    half.generation_config.use_cache = True
    half.save_pretrained(directory)
    half.config.use_cache = False
    tokenizer.save_pretrained(directory)
