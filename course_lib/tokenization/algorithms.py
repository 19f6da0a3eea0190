"""Train small tokenizers of the three common kinds, to see what each does to a language.

The `tokenizers` library does the work; what is fixed here is what the kind is known for, so that
two tokenizers trained on the same text differ in nothing but their algorithm.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from course_lib.errors import CourseError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# Every byte is a token of its own before the first merge is learnt.
SMALLEST_BYTE_LEVEL = 257


def byte_level_bpe(texts: Iterable[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE, the kind of GPT, Llama 3 and Qwen: it can write any text.

    Args:
        texts: What to learn the merges from. Frequent neighbours in it become one token.
        vocab_size: Entries, the 256 bytes and the end token included.

    Returns:
        A plain `PreTrainedTokenizerFast`, without a chat template.

    Raises:
        CourseError: There is no text, or no room for the 256 bytes.

    Example:
        >>> tokenizer = byte_level_bpe(["the tent, the rope, the stove"], 262)
        >>> tokenizer.tokenize("the")
        ['the']
        >>> len(tokenizer.tokenize("山"))
        3
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    if vocab_size < SMALLEST_BYTE_LEVEL:
        raise CourseError(
            f"vocab_size is {vocab_size}: a byte-level tokenizer needs {SMALLEST_BYTE_LEVEL} "
            "entries, one for each byte and one for the end token"
        )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=["<|end|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_some(texts), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>")


def wordpiece(texts: Iterable[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """Train a WordPiece, the kind of BERT: lower case, pieces of words, and [UNK] for the rest.

    Args:
        texts: What to learn the pieces from. A character that is not in it cannot be written.
        vocab_size: Entries, the four special tokens included.

    Returns:
        A plain `PreTrainedTokenizerFast` that puts [CLS] before and [SEP] after a text.

    Raises:
        CourseError: There is no text.

    Example:
        >>> tokenizer = wordpiece(["the tent, the rope, the stove"], 60)
        >>> tokenizer.tokenize("The 山")
        ['the', '[UNK]']
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers
    from tokenizers.pre_tokenizers import BertPreTokenizer
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    found, lower, cut = _some(texts), normalizers.BertNormalizer(lowercase=True), BertPreTokenizer()
    words = {word for text in found for word, _ in cut.pre_tokenize_str(lower.normalize_str(text))}
    # The trainer numbers the letters inside words as it meets them, in a hash table's order, which
    # is another one each time; with it go the ids and, where counts tie, the pieces themselves.
    inner = [f"##{letter}" for letter in sorted({letter for word in words for letter in word[1:]})]
    learner = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    learner.normalizer, learner.pre_tokenizer = lower, cut
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size, special_tokens=[*special, *inner], show_progress=False
    )
    learner.train_from_iterator(found, trainer)
    # A new one, for which the letters are pieces like any other and not special tokens.
    tokenizer = Tokenizer(models.WordPiece(learner.get_vocab(), unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = lower, cut
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(name, special.index(name)) for name in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_input_names=["input_ids", "attention_mask"],
    )


def characters(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Build a tokenizer with one token a character: the simplest, and the one with longest rows.

    Args:
        texts: Whose characters it knows; any other becomes [UNK].

    Returns:
        A plain `PreTrainedTokenizerFast`, without a chat template.

    Raises:
        CourseError: There is no text.

    Example:
        >>> characters(["tent"]).tokenize("ten")
        ['t', 'e', 'n']
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    known = sorted(set("".join(_some(texts))))
    vocabulary = {token: number for number, token in enumerate(["[UNK]", *known])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]")


def _some(texts: Iterable[str]) -> Sequence[str]:
    found = list(texts)
    if not any(found):
        raise CourseError("There is no text to train a tokenizer on: give at least one string")
    return found
