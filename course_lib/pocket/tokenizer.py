"""The pocket tokenizer: byte-level BPE, one token a digit, one token a kana or frequent kanji.

Single digits make arithmetic learnable; single Japanese characters make every Japanese string
copyable piece by piece, whatever its neighbours were in the corpus. As every byte is a token, any
text in any language can be written, at worst slowly.
"""

from collections.abc import Iterable

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

PAD, END = "<|pad|>", "<|end|>"
ROLES = {"system": "<|system|>", "user": "<|user|>", "assistant": "<|assistant|>"}
SPECIAL = [PAD, END, *ROLES.values()]

# One special token opens a turn and <|end|> closes it, a ChatML that costs two tokens a turn. The
# `generation` markers tell trl which tokens are the assistant's own, <|end|> included: a model
# that is never shown its own stop sign never learns to stop.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}"
    "<|assistant|>{% generation %}{{ message['content'] }}<|end|>{% endgeneration %}"
    "{% else %}"
    "<|{{ message['role'] }}|>{{ message['content'] }}<|end|>"
    "{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def train_tokenizer(texts: Iterable[str], vocab_size: int = 3840) -> PreTrainedTokenizerFast:
    """Learn the merges from a sample of the corpus.

    Args:
        texts: plain texts of the world, without special tokens.
        vocab_size: entries, special tokens included. 3,840 keeps a frequent word, kana or kanji
            to one token while the embedding stays under a fifth of the model.

    Returns:
        A plain `PreTrainedTokenizerFast` with its chat template.
    """
    tokenizer = Tokenizer(models.BPE())
    words = Regex(r" ?[A-Za-z][a-z]*|\d| ?[^\sA-Za-z\d]|\s+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            # Every non-ASCII character alone, then words with the space in front of them.
            pre_tokenizers.Split(Regex(r"[^\x00-\x7F]"), "isolated"),
            pre_tokenizers.Split(words, "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[AddedToken(t, special=True, normalized=False) for t in SPECIAL],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        min_frequency=2,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        chat_template=CHAT_TEMPLATE,
        model_max_length=1024,
        padding_side="right",
        clean_up_tokenization_spaces=False,
    )
