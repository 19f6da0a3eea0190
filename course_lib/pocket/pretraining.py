"""Pretrain the pocket model: a Llama of five million parameters, Muon, one loop.

Run by `make pocket` (`python -m course_lib.pocket pretrain`). On four CPU cores it takes under two
hours; `torch.compile` makes it three times as fast as eager mode there.
"""

import json
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from course_lib.pocket import corpus
from course_lib.pocket.muon import Muon
from course_lib.pocket.tokenizer import END, PAD, train_tokenizer


@dataclass(frozen=True)
class Recipe:
    """Every number of the pretraining.

    The two stages share `tokens_per_step`: short rows first, because attention to nearby text is
    learnt sooner and costs less; long rows then stretch it to whole pages.
    """

    steps: int = 7000
    tokens_per_step: int = 6272
    short_steps: int = 2200
    short_length: int = 192
    long_length: int = 448
    ramp_steps: int = 2200  # passages grow from three facts to eight meanwhile
    muon_lr: float = 0.02
    adam_lr: float = 3e-3
    warmup_steps: int = 100
    decay_steps: int = 2800
    weight_decay: float = 0.01
    vocab_size: int = 3840
    seed: int = 0


def build_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """Build the untrained model.

    All widths are multiples of 64: bitsandbytes' 4-bit blocks of 64 need that on a CPU.
    """
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=256,
        intermediate_size=704,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.convert_tokens_to_ids(PAD),
        eos_token_id=tokenizer.convert_tokens_to_ids(END),
        bos_token_id=None,
        use_cache=False,
    )
    return LlamaForCausalLM(config)


def build_tokenizer(recipe: Recipe) -> PreTrainedTokenizerFast:
    """Train the tokenizer on 20,000 conversations of the corpus."""
    stream = corpus.conversations(seed=recipe.seed + 10**6)
    texts = [t["content"] for _ in range(20_000) for t in next(stream)]
    return train_tokenizer(texts, recipe.vocab_size)


def build_optimizers(model: LlamaForCausalLM, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for embeddings and norms.

    Muon (https://kellerjordan.github.io/posts/muon/) orthogonalises each update; here it reaches
    a given retrieval accuracy in about half the tokens of AdamW.
    """
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    rest = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    return [
        Muon(matrices, lr=recipe.muon_lr, momentum=0.95, weight_decay=recipe.weight_decay),
        torch.optim.AdamW(rest, lr=recipe.adam_lr, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def learning_rate_factor(step: int, recipe: Recipe) -> float:
    """Warm up, stay, then fall linearly to zero (`warmup-stable-decay`)."""
    left = (recipe.steps - step) / recipe.decay_steps
    return min(1.0, (step + 1) / recipe.warmup_steps, max(left, 0.0))


def _batches(
    tokenizer: PreTrainedTokenizerFast, recipe: Recipe, start: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Make batches in a thread, a few ahead of the training.

    The stream starts anew every 100 steps, so a resumed run sees the same data.
    """
    ahead: queue.Queue[tuple[torch.Tensor, torch.Tensor]] = queue.Queue(maxsize=4)

    def produce() -> None:
        for chunk in range(start // 100, recipe.steps // 100 + 1):
            short = chunk * 100 < recipe.short_steps
            length = recipe.short_length if short else recipe.long_length
            ramp = min(1.0, chunk * 100 / recipe.ramp_steps)
            stream = corpus.packed_batches(
                tokenizer,
                seed=recipe.seed * 10**5 + chunk,
                rows=recipe.tokens_per_step // length,
                length=length,
                most_facts=3 + round(5 * ramp),
            )
            for _ in range(100):
                ids, weights = next(stream)
                ahead.put((torch.from_numpy(ids), torch.from_numpy(weights)))

    threading.Thread(target=produce, daemon=True).start()
    while True:
        yield ahead.get()


def pretrain(recipe: Recipe, directory: Path, *, work: Path) -> None:
    """Pretrain from scratch, or go on from the last state in `work`.

    Args:
        recipe: all the numbers.
        directory: where the finished model and tokenizer go, in `from_pretrained` form (fp16).
        work: where the resumable state and the log are kept.
    """
    work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    np.random.seed(recipe.seed)
    tokenizer = build_tokenizer(recipe)
    model = build_model(tokenizer)
    optimizers = build_optimizers(model, recipe)
    state_file, start = work / "state.pt", 0
    if state_file.exists():
        state = torch.load(state_file, weights_only=True)
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        start = state["step"]
    (work / "recipe.json").write_text(json.dumps(asdict(recipe), indent=1) + "\n")
    body = torch.compile(model.model, dynamic=False)
    device = model.device
    began, loss_sum, weight_sum = time.monotonic(), 0.0, 0.0
    stream = _batches(tokenizer, recipe, start)
    for step in range(start, recipe.steps):
        ids, weights = (t.to(device) for t in next(stream))
        factor = learning_rate_factor(step, recipe)
        for optimizer, base in zip(optimizers, (recipe.muon_lr, recipe.adam_lr), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = base * factor
        with torch.autocast(device.type, dtype=torch.bfloat16):
            hidden = body(input_ids=ids[:, :-1]).last_hidden_state
            logits = model.lm_head(hidden)
        losses = F.cross_entropy(
            logits.float().flatten(0, 1), ids[:, 1:].flatten(), reduction="none"
        )
        target = weights[:, 1:].flatten()
        loss = (losses * target).sum() / target.sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        answers = target == 1
        loss_sum += float(losses.detach()[answers].sum())
        weight_sum += float(answers.sum())
        if (step + 1) % 50 == 0:
            seconds = time.monotonic() - began
            line = {
                "step": step + 1,
                "answer_loss": round(loss_sum / weight_sum, 4),
                "lr_factor": round(factor, 3),
                "tokens_per_second": round((step + 1 - start) * recipe.tokens_per_step / seconds),
            }
            with (work / "log.jsonl").open("a") as log:
                log.write(json.dumps(line) + "\n")
            print(line, flush=True)
            loss_sum = weight_sum = 0.0
        if (step + 1) % 250 == 0:
            temporary = work / "state.tmp"
            torch.save(
                {
                    "model": model.state_dict(),
                    "optimizers": [o.state_dict() for o in optimizers],
                    "step": step + 1,
                },
                temporary,
            )
            temporary.rename(state_file)
            save(model, tokenizer, work / "model")
    save(model, tokenizer, directory)


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, directory: Path) -> None:
    """Write the model in half precision, ready for `AutoModelForCausalLM.from_pretrained`."""
    state = {k: v.to(torch.float16) for k, v in model.state_dict().items()}
    half = LlamaForCausalLM(model.config).to(torch.float16)
    half.load_state_dict(state)
    half.config.use_cache = True
    half.generation_config.use_cache = True
    half.save_pretrained(directory)
    half.config.use_cache = False
    tokenizer.save_pretrained(directory)
