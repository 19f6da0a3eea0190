"""What the learners of these tests have at hand: small real models, tokenizers and rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from learner import Learner

# As Gemma's and Mistral's templates have it.
ALTERNATING = (
    "{% for turn in messages %}{% if (turn.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}"
    "{% endif %}{{ turn.content }}{% endfor %}"
)
TURNS = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "good day"}]


@pytest.fixture(scope="session")
def belongings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Names that the learners' code uses, libraries included."""
    import datasets
    import peft
    import torch
    import transformers
    import trl
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()

    def new_tokenizer() -> Any:
        raw = Tokenizer(models.BPE())
        raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        raw.decoder = decoders.ByteLevel()
        learnt = trainers.BpeTrainer(
            vocab_size=260,
            special_tokens=["<|pad|>", "<|end|>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        raw.train_from_iterator(["hi, good day"], learnt)
        tokenizer = transformers.PreTrainedTokenizerFast(
            tokenizer_object=raw, pad_token="<|pad|>", eos_token="<|end|>"
        )
        tokenizer.chat_template = (
            "{% for turn in messages %}{{ turn.role }}: {{ turn.content }}\n{% endfor %}"
        )
        return tokenizer

    def new_model(width: int = 64) -> Any:
        torch.manual_seed(0)
        config = transformers.LlamaConfig(
            vocab_size=260,
            hidden_size=width,
            intermediate_size=64,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            pad_token_id=0,
            eos_token_id=1,
            bos_token_id=None,
        )
        return transformers.LlamaForCausalLM(config)

    def settings(kind: Any, folder: str, **changed: Any) -> Any:
        """One step on the CPU; what a case is about stands in the case."""
        given = {"max_steps": 1, "bf16": False, "use_cpu": True, "save_strategy": "no"}
        return kind(folder, **{**given, "report_to": "none", **changed})

    saved = tmp_path_factory.mktemp("saved") / "model"
    new_model().save_pretrained(saved)
    new_tokenizer().save_pretrained(saved)
    found = {
        name: getattr(library, name)
        for library, names in {
            transformers: "AutoConfig AutoModelForCausalLM AutoTokenizer BitsAndBytesConfig "
            "EarlyStoppingCallback Trainer TrainingArguments",
            trl: "DPOConfig DPOTrainer GRPOConfig GRPOTrainer SFTConfig SFTTrainer",
            peft: "LoraConfig PeftConfig PeftModel get_peft_model",
            datasets: "Dataset DatasetDict load_dataset",
        }.items()
        for name in names.split()
    }
    return {
        **found,
        "torch": torch,
        "new_model": new_model,
        "new_tokenizer": new_tokenizer,
        "settings": settings,
        "saved": str(saved),
        "ALTERNATING": ALTERNATING,
        "TURNS": TURNS,
    }


@pytest.fixture
def learner(belongings: dict[str, Any], tmp_path: Path) -> Learner:
    """A learner in an empty folder."""
    return Learner(tmp_path, belongings)
