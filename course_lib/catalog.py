"""The models that the course knows: shape, licence, languages, context, and what each is good for.

A shape is a dozen numbers. With them the memory of a training run is predicted before anything is
downloaded, so they have to be right to the parameter: the count computed from them is compared
with the published one, and with that of the real architecture built without weights.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError
from course_lib.runtime import data_path

if TYPE_CHECKING:
    import pandas as pd
    from transformers import PretrainedConfig

POCKET = "pocket"


@dataclass(frozen=True)
class ModelShape:
    """The numbers that decide what a decoder-only model weighs and computes.

    Args:
        model_type: The architecture's name in transformers, such as ``llama``.
        layers: Transformer layers.
        hidden: Width of the residual stream.
        intermediate: Width inside the gated MLP.
        heads: Query heads.
        kv_heads: Key and value heads; fewer than ``heads`` in grouped-query attention.
        head_dim: Width of one head; not always ``hidden / heads``.
        vocab: Rows of the embedding, padding rows included.
        tied: Whether the output head is the embedding itself.
        context: Tokens that the released configuration allows.
        attention_bias: Whether the query, key and value layers have a bias (Qwen2.5 does).
    """

    model_type: str
    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    tied: bool
    context: int
    attention_bias: bool

    @classmethod
    def of(cls, config: PretrainedConfig) -> ModelShape:
        """Read the shape off a model's configuration.

        Args:
            config: The configuration of a dense decoder with a gated MLP, of a `model_type` that
                the catalog knows.

        Raises:
            CourseError: It is another architecture, for which the numbers would not be right.

        Example:
            >>> ModelShape.of(model.config).parameters  # doctest: +SKIP
            494032768
        """
        model_type = config.model_type
        if model_type not in _MODEL_TYPES:
            raise CourseError(
                f"model type {model_type!r}: the course can size {', '.join(_MODEL_TYPES)} only"
            )
        if getattr(config, "mlp_bias", False):
            raise CourseError(
                f"model type {model_type!r} with mlp_bias: the course counts no biases in the MLP"
            )
        heads, hidden = config.num_attention_heads, config.hidden_size
        return cls(
            model_type=model_type,
            layers=config.num_hidden_layers,
            hidden=hidden,
            intermediate=config.intermediate_size,
            heads=heads,
            kv_heads=config.num_key_value_heads or heads,
            head_dim=getattr(config, "head_dim", None) or hidden // heads,
            vocab=config.vocab_size,
            tied=bool(config.tie_word_embeddings),
            context=config.max_position_embeddings,
            # Qwen2.5's bias is written into the architecture and stands in no configuration.
            attention_bias=model_type == "qwen2" or bool(getattr(config, "attention_bias", False)),
        )

    @property
    def embedding_parameters(self) -> int:
        """The embedding, and the output head where it is a matrix of its own."""
        return self.vocab * self.hidden * (1 if self.tied else 2)

    @property
    def linear_parameters(self) -> int:
        """The weight matrices of all layers: what LoRA adapts and NF4 quantises."""
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        attention = 2 * self.hidden * queries + 2 * self.hidden * keys
        return self.layers * (attention + 3 * self.hidden * self.intermediate)

    @property
    def small_parameters(self) -> int:
        """Norms and biases: few, and never quantised."""
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        # Gemma has a norm before and one after both attention and MLP.
        layer = self.hidden * (4 if self.model_type in ("gemma2", "gemma3_text") else 2)
        if self.model_type in ("qwen3", "gemma3_text"):
            layer += 2 * self.head_dim  # one norm for all query heads, one for all key heads
        elif self.model_type in ("olmo2", "olmo3"):
            layer += queries + keys  # norms over the full width of queries and of keys
        if self.attention_bias:
            layer += queries + 2 * keys
            if self.model_type != "qwen2":
                layer += self.hidden  # the others give the output layer of attention a bias too
        return self.layers * layer + self.hidden

    @property
    def parameters(self) -> int:
        """Every parameter of the model, a tied head counted once."""
        return self.embedding_parameters + self.linear_parameters + self.small_parameters

    def config(self) -> PretrainedConfig:
        """Return the configuration that builds this shape in transformers, without any download.

        Example:
            >>> with torch.device("meta"):  # doctest: +SKIP
            ...     model = AutoModelForCausalLM.from_config(shape("Qwen/Qwen3-8B").config())
        """
        from transformers import AutoConfig

        # Some architectures have no such switch, and would only carry it along unread.
        plain = self.model_type in ("qwen2", "mistral")
        switches = {} if plain else {"attention_bias": self.attention_bias}
        return AutoConfig.for_model(
            self.model_type,
            num_hidden_layers=self.layers,
            hidden_size=self.hidden,
            intermediate_size=self.intermediate,
            num_attention_heads=self.heads,
            num_key_value_heads=self.kv_heads,
            head_dim=self.head_dim,
            vocab_size=self.vocab,
            tie_word_embeddings=self.tied,
            max_position_embeddings=self.context,
            pad_token_id=0,  # Phi-3's default lies outside of a smaller vocabulary
            **switches,
        )


_MODEL_TYPES = (
    "llama",
    "mistral",
    "qwen2",
    "qwen3",
    "phi3",
    "olmo2",
    "olmo3",
    "smollm3",
    "granite",
    "gemma",
    "gemma2",
    "gemma3_text",
)


def catalog() -> pd.DataFrame:
    """Return every model that the course knows, the smallest first.

    Returns:
        Indexed by name: ``parameters``, ``context``, ``licence``, ``languages``, ``gated`` (never:
        a learner should not have to ask), ``good_for`` and the shape's numbers.

    Example:
        >>> catalog().query("parameters < 1e9").index.tolist()  # doctest: +SKIP
        ['pocket', 'Qwen/Qwen2.5-0.5B-Instruct', 'Qwen/Qwen3-0.6B']
    """
    import pandas as pd

    rows = {
        name: {
            "parameters": shape(name).parameters,
            **{key: row[key] for key in ("context", "licence", "languages")},
            "gated": False,
            "good_for": row["good_for"],
            **{key: row[key] for key in _SHAPE_FIELDS if key != "context"},
        }
        for name, row in _rows().items()
    }
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
    return frame.sort_values("parameters")


def shape(name: str) -> ModelShape:
    """Return the shape of a model of the catalog.

    Args:
        name: Its name on the hub, with or without the owner, in any case; or ``"pocket"``.

    Returns:
        The shape.

    Raises:
        CourseError: The catalog has no such model.

    Example:
        >>> shape("Qwen3-8B").parameters
        8190735360
    """
    rows = _rows()
    wanted = name.lower()
    for known, row in rows.items():
        if wanted in (known.lower(), known.split("/")[-1].lower()):
            return ModelShape(**{key: row[key] for key in _SHAPE_FIELDS})
    short = {known.split("/")[-1].lower(): known for known in rows}
    close = difflib.get_close_matches(wanted.split("/")[-1], short, n=3, cutoff=0.5)
    meant = f"Did you mean {', '.join(short[key] for key in close)}? " if close else ""
    raise CourseError(f"{name}: not in the catalog. {meant}It has: {', '.join(rows)}.")


_SHAPE_FIELDS = tuple(part.name for part in fields(ModelShape))


def _rows() -> dict[str, dict[str, Any]]:
    """The rows of catalog.toml, after the pocket model's where a checkout has it."""
    return {**_pocket_row(), **_hub_rows()}


@cache
def _hub_rows() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files("course_lib").joinpath("catalog.toml").read_text(encoding="utf-8"))


def _pocket_row() -> dict[str, dict[str, Any]]:
    """The pocket model describes itself: `make pocket` may change its shape, never this file."""
    try:
        config = json.loads(data_path("pocket", "config.json").read_text(encoding="utf-8"))
    except (CourseError, FileNotFoundError):
        return {}
    row = {
        "model_type": config["model_type"],
        "layers": config["num_hidden_layers"],
        "hidden": config["hidden_size"],
        "intermediate": config["intermediate_size"],
        "heads": config["num_attention_heads"],
        "kv_heads": config["num_key_value_heads"],
        "head_dim": config["head_dim"],
        "vocab": config["vocab_size"],
        "tied": config["tie_word_embeddings"],
        "context": config["max_position_embeddings"],
        "attention_bias": config["attention_bias"],
        "licence": "Apache-2.0",
        "languages": "en, a little ja",
        "good_for": "every lesson on any CPU, offline; nothing in production",
    }
    return {POCKET: row}
