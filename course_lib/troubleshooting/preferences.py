"""DPO and GRPO."""

from __future__ import annotations

from course_lib.troubleshooting.raised import Finding, Raised
from course_lib.troubleshooting.statements import definition


def _generations_do_not_divide(raised: Raised) -> Finding | None:
    """A batch that does not hold whole groups of answers."""
    found = raised.matches(
        "ValueError",
        r"generation_batch_size \((\d+)\) must be divisible by num_generations \((\d+)\)",
    )
    if not found:
        return None
    answers = int(found[2])
    rows = next(raised.locals_named("self")).per_device_train_batch_size
    put = {"per_device_train_batch_size": str(-(-rows // answers) * answers)}
    return raised.with_arguments("GRPOConfig", put=put, batch=found[1], answers=answers)


def _reward_is_no_list(raised: Raised) -> Finding | None:
    """A reward function that gives one number, or nothing, for a whole batch."""
    found = raised.matches("TypeError", r"'(\w+)' object is not iterable")
    if not found or not raised.through("trl.trainer.grpo_trainer"):
        return None
    reward = next(raised.locals_named("reward_func"))
    name = getattr(reward, "__name__", "reward")
    if raised.frames[0].f_code.co_name != "_calculate_rewards" or not name.isidentifier():
        return None
    return Finding(
        f"def {name}(completions, **kwargs):\n"
        "    return [float(len(answer)) for answer in completions]",
        None,
        {"name": name, "given": found[1]},
    )


def _reward_without_kwargs(raised: Raised) -> Finding | None:
    """A reward function that does not take what the trainer hands over."""
    found = raised.matches("TypeError", r"unexpected keyword argument '(\w+)'")
    if not found or raised.frames[0].f_code.co_name != "_calculate_rewards":
        return None
    reward = next(raised.locals_named("reward_func"))
    head = definition(reward)
    if head is None or "def " not in head.text:
        return None
    before, _, after = head.text.rpartition(")")
    return Finding(
        f"{before}, **kwargs){after}", head, {"name": reward.__name__, "given": found[1]}
    )


def _reference_is_the_model(raised: Raised) -> Finding | None:
    """`ref_model` is the model that is trained."""
    if not raised.matches("ValueError", "`model` and `ref_model` cannot be the same"):
        return None
    return raised.with_arguments("DPOTrainer", drop=["ref_model"])


DIAGNOSES = (
    _generations_do_not_divide,
    _reward_is_no_list,
    _reward_without_kwargs,
    _reference_is_the_model,
)
