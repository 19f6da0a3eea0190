"""Find the shape of a model, however it is named: catalog, folder, configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.catalog import ModelShape, shape
from course_lib.errors import CourseError

if TYPE_CHECKING:
    from transformers import PretrainedConfig


def resolve(model: str | Path | ModelShape | PretrainedConfig) -> ModelShape:
    """Return a model's shape without reading any weights.

    Args:
        model: A name of the catalog, a local folder with ``config.json``, the path of such a
            file, a transformers config, or a shape.

    Returns:
        The shape.

    Raises:
        CourseError: No such model or file, an unreadable config, an architecture that the course
            cannot size.

    Example:
        >>> resolve("Qwen2.5-0.5B-Instruct").layers
        24
    """
    if isinstance(model, ModelShape):
        return model
    if not isinstance(model, (str, Path)):
        return ModelShape.of(model)
    path = Path(model).expanduser()
    if path.exists():
        return _read(path / "config.json" if path.is_dir() else path)
    if isinstance(model, Path) or model.startswith((".", "/", "~")) or model.endswith(".json"):
        raise CourseError(
            f"{model}: no such file or folder. Give a folder with a config.json, the path of a "
            "config, or a model's name from the catalog."
        )
    return shape(model)


def _read(path: Path) -> ModelShape:
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig

    if not path.is_file():
        raise CourseError(f"{path.parent}: has no config.json, so it is no model's folder")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CourseError(f"{path}: is not valid JSON ({error}); save the config again") from error
    if not isinstance(raw, dict) or not isinstance(raw.get("model_type"), str):
        raise CourseError(f"{path}: has no 'model_type', so it is no transformers config")
    model_type = raw.pop("model_type")
    try:
        return ModelShape.of(AutoConfig.for_model(model_type, **raw))
    except CourseError as error:
        raise CourseError(f"{path}: {error}") from error
    except (
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
        ZeroDivisionError,
        StrictDataclassError,
    ) as error:
        why = " ".join(str(error).split())
        raise CourseError(f"{path}: cannot be read as a '{model_type}' config ({why})") from error
