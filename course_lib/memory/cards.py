"""The cards that the planner knows: what memory a program sees, and how fast they are."""

from __future__ import annotations

from dataclasses import dataclass

from course_lib import machine
from course_lib.errors import CourseError

# What is lent for nothing, as the platforms published it when the course was written; they change
# it without notice. Colab promises neither a card nor hours.
HOURS_AS_OF = "2024 to 2026"
KAGGLE_HOURS_A_WEEK = 30
SESSION_HOURS = 12
LENT_BY_KAGGLE = ("T4", "P100")


@dataclass(frozen=True)
class Card:
    """A GPU, or the CPU, as a training run meets it.

    Args:
        name: What people call it.
        gib: Memory that a program sees, less than what the box says.
        tflops: Peak 16-bit TFLOP/s of the data sheet, without sparsity (fp32 on a CPU).
        bandwidth: GB/s of its memory, from the data sheet.
        capability: CUDA compute capability; (0, 0) for the CPU.
        sustained: The share of ``tflops`` that training reaches.
        unpacking: The share of ``bandwidth`` that unpacking 4-bit weights reaches.
        calibrated: Where ``sustained`` and ``unpacking`` come from.
    """

    name: str
    gib: float
    tflops: float
    bandwidth: float
    capability: tuple[int, int]
    sustained: float
    unpacking: float
    calibrated: str

    @property
    def dtype(self) -> str:
        """The compute type: bf16 only where the hardware has it (capability 8.0), else fp16."""
        if self.capability == (0, 0):
            return "float32"
        return "bfloat16" if self.capability >= (8, 0) else "float16"


# Two published T4 runs, both with Unsloth's tuned kernels. TinyLlama-1.1B, QLoRA, packed rows of
# 4,096 tokens, 2,441 tokens a second, is nearly all matrix products and gives `sustained`.
# Llama-3.1-8B, 480 short Alpaca rows in 462 s, is nearly all unpacking (taking 220 tokens for each
# micro-batch of two rows) and gives `unpacking`.
_T4_RUNS = (
    "calibrated on two published T4 runs with tuned kernels (TinyLlama-1.1B at 2,441 tokens/s, "
    "Llama-3.1-8B 480 rows in 462 s); plain libraries can be slower"
)
# The same share of the peak, and unpacking so that QLoRA on Llama-2-7B costs 39% more time than
# LoRA on an A100, as LitGPT's tables say.
_SCALED = "scaled from a T4 and from LitGPT's A100 tables by the data sheet, not measured"

_CARDS = {
    "t4": Card("T4", 14.56, 65, 320, (7, 5), 0.30, 0.12, _T4_RUNS),
    "p100": Card("P100", 15.89, 18.7, 732, (6, 0), 0.30, 0.4, _SCALED),
    "l4": Card("L4", 22.16, 121, 300, (8, 9), 0.30, 0.4, _SCALED),
    "a10g": Card("A10G", 21.99, 70, 600, (8, 6), 0.30, 0.4, _SCALED),
    "a100-40": Card("A100 40 GB", 39.56, 312, 1555, (8, 0), 0.30, 0.4, _SCALED),
    "a100-80": Card("A100 80 GB", 79.15, 312, 2039, (8, 0), 0.30, 0.4, _SCALED),
    "h100": Card("H100 80 GB", 79.11, 989, 3350, (9, 0), 0.30, 0.4, _SCALED),
    "3gb": Card("3 GB laptop card", 2.8, 6, 128, (7, 5), 0.30, 0.12, _SCALED),
}


def names() -> list[str]:
    """The names that `card` knows.

    Example:
        >>> names()[0]
        't4'
    """
    return [*_CARDS, "cpu"]


def card(name: str) -> Card:
    """Look a card up.

    Args:
        name: ``t4``, ``p100``, ``l4``, ``a10g``, ``a100-40``, ``a100-80``, ``h100``, ``3gb`` or
            ``cpu`` (this machine's cores and memory).

    Returns:
        The card.

    Raises:
        CourseError: No such card.

    Example:
        >>> card("t4").dtype
        'float16'
    """
    key = name.lower()
    if key == "cpu":
        cores, _ = machine.cores()
        return Card(
            name=f"CPU with {cores} free cores",
            gib=machine.ram_gib(),
            tflops=CPU_CORE_TFLOPS * cores,
            bandwidth=20,
            capability=(0, 0),
            sustained=1.0,
            unpacking=CPU_UNPACKING,
            calibrated="calibrated on the pocket model's LoRA on four cores; other CPUs differ",
        )
    if key not in _CARDS:
        raise CourseError(f"No card '{name}': use one of {', '.join(names())}")
    return _CARDS[key]


# A trial of the pocket model's LoRA, 80 rows for 20 epochs in 22 s on four cores, gives the rate of
# a core. Unpacking 4-bit weights ran at about 2 GB/s.
CPU_CORE_TFLOPS = 0.03
CPU_UNPACKING = 0.1
