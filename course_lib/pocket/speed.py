"""How large and how fast a model is, measured here and now."""

import hashlib
import time
from pathlib import Path
from typing import Any

from course_lib.pocket.score import context_rows


def seconds_to_answer(model: Any, tokenizer: Any) -> float:
    """Time one answer from a full passage, on one thread.

    Args:
        model: a causal LM.
        tokenizer: its tokenizer.

    Returns:
        Seconds, the median of five answers; one before them warms up.

    Example:
        >>> seconds_to_answer(model, tokenizer) < 1  # doctest: +SKIP
        True
    """
    import torch

    from course_lib.evaluation import generate

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    times = []
    try:
        for row in context_rows(6, seed=1):
            began = time.perf_counter()
            generate(model, tokenizer, [row["messages"]], max_new_tokens=24)
            times.append(time.perf_counter() - began)
    finally:
        torch.set_num_threads(threads)
    return sorted(times[1:])[2]


def tokens_per_second(model: Any, tokenizer: Any) -> float:
    """Read passages at full speed.

    Args:
        model: a causal LM.
        tokenizer: its tokenizer.

    Returns:
        Prompt tokens a second, in batches of 32 on the threads that torch has.

    Example:
        >>> tokens_per_second(model, tokenizer) > 1000  # doctest: +SKIP
        True
    """
    import torch

    texts = [r["messages"] for r in context_rows(64, seed=2)]
    began, tokens = time.perf_counter(), 0
    with torch.no_grad():
        for start in range(0, len(texts), 32):
            batch = tokenizer.apply_chat_template(
                texts[start : start + 32], return_dict=True, return_tensors="pt", padding=True
            ).to(model.device)
            model(**batch)
            tokens += int(batch["attention_mask"].sum())
    return tokens / (time.perf_counter() - began)


def weights_bytes(directory: Path) -> int:
    """Add up the weights on disk.

    Args:
        directory: the model's folder.

    Returns:
        Bytes of all its safetensors files.

    Example:
        >>> weights_bytes(Path("data/pocket")) < 20e6  # doctest: +SKIP
        True
    """
    return sum(f.stat().st_size for f in directory.glob("*.safetensors"))


def weights_digest(directory: Path) -> str:
    """Identify the weights, so that scores cannot be taken for those of another model.

    Args:
        directory: the model's folder.

    Returns:
        The first 16 hexadecimal digits of their SHA-256.

    Example:
        >>> len(weights_digest(Path("data/pocket")))  # doctest: +SKIP
        16
    """
    digest = hashlib.sha256()
    for file in sorted(directory.glob("*.safetensors")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
