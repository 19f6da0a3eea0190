"""Figures: what is drawn is what was given, and the back row can read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from course_lib import plotting
from course_lib.diagnostics import diagnose
from course_lib.errors import CourseError
from course_lib.evaluation import Difference, share_interval
from course_lib.evaluation.calibration import calibration

LOSSES = (2.5, 1.6, 1.1, 0.9, 0.8, 0.75, 0.78, 0.83, 0.89, 0.93, 0.97, 1.01)
HISTORY = [
    entry
    for epoch, loss in enumerate(LOSSES, start=1)
    for entry in (
        {"step": 10 * epoch, "loss": 2.6 * 0.8**epoch},
        {"step": 10 * epoch, "eval_loss": loss},
    )
]
WORDING = pd.DataFrame({"read": [20, 40, 60], "distinct": [20, 35, 45]})
SOURCES = pd.DataFrame(
    {"left out": [0, 30], "kept": [814, 50], "rejected": [404, 0]}, index=["export", "site"]
)
TRADE = pd.DataFrame(
    {
        "series": ["full", "full", "full", "LoRA", "LoRA"],
        "setting": [1e-4, 1e-4, 3e-4, 1e-3, 3e-3],
        "learned": [0.1, 0.2, 1.0, 0.0, 0.7],
        "forgotten": [0.0, 0.1, 0.6, 0.2, 1.0],
    }
)
BANDS = pd.DataFrame(
    {"mean": [3.2, 0.3, 4.1], "low": [3.1, 0.2, 2.0], "high": [3.3, 0.4, 8.0]},
    index=[2.5e-4, 8e-3, 7.5e-2],
)
NAME_HITS = {"one": np.array([[True, False]] * 4), "two": np.array([[True, True]] * 4)}
JOB = pd.DataFrame(
    {
        "step": [1, 2, 3, 4],
        "train_loss": [2.0, 1.0, 0.6, 0.3],
        "train_mean_token_accuracy": [0.4, 0.6, 0.8, 0.9],
        "full_valid_loss": [np.nan, 0.9, np.nan, 1.1],
    }
)
BEFORE = share_interval([True] * 4 + [False] * 12)
AFTER = share_interval([True] * 15 + [False])


def figures() -> Iterator[tuple[str, Callable[[], Figure]]]:
    yield (
        "curves",
        lambda: plotting.learning_curves(
            HISTORY, diagnose(HISTORY), events={70: "killed and resumed"}
        ),
    )
    yield (
        "answers",
        lambda: plotting.loss_and_answers(
            HISTORY, pd.DataFrame({"step": [20, 60, 120], "right": [0.1, 0.6, 0.7]})
        ),
    )
    yield (
        "names",
        lambda: plotting.shares_by_name(NAME_HITS, {"one": ["Ann", "Bo"], "two": ["Cem", "Dee"]}),
    )
    yield (
        "days",
        lambda: plotting.monitored_days(
            {"text": [0.1, 0.1, 0.5], "failed checks": [0.2, 0.1, 0.2]},
            {"text": 0.2, "failed checks": 0.3},
            change=3,
        ),
    )
    yield ("job", lambda: plotting.job_curves(JOB, [2, 4]))
    yield (
        "reliability",
        lambda: plotting.reliability(
            {"whole answer": calibration([0.1, 0.5, 0.9, 0.95], [False, True, True, True])}
        ),
    )
    yield (
        "rewards",
        lambda: plotting.rewards_over_steps(
            pd.DataFrame({"step": [1, 2, 3], "paid": [0.2, 0.5, 0.9], "true": [0.2, 0.2, 0.0]}),
            {"paid": "generous reward: paid", "true": "strict check: only watching"},
        ),
    )
    yield (
        "pass at k",
        lambda: plotting.pass_curves(
            {"base": {1: BEFORE, 8: AFTER}, "tuned": {1: AFTER, 8: AFTER}},
            guessing={1: 0.3, 8: 0.9},
        ),
    )
    yield (
        "detection",
        lambda: plotting.detection_rates(
            {"+20 points": {8: 0.2, 64: 0.9}, "+2": {8: 0.0, 64: 0.1}}
        ),
    )
    yield (
        "runs",
        lambda: plotting.runs_compared(
            {"more data": HISTORY[:12], "no cure": HISTORY}, baseline="no cure"
        ),
    )
    yield (
        "scaling",
        lambda: plotting.scaling_bands(
            pd.DataFrame({"line": "full", "devices": [8, 64], "low": [5, 34], "high": [8, 64]})
        ),
    )
    yield (
        "memory",
        lambda: plotting.memory_bars(
            {"full": {"weights": 5.0, "optimizer": 11.0}, "LoRA": {"weights": 3.0, "adapter": 0.1}},
            ceiling_gib=14.56,
            measured_gib={"full": 15.0, "LoRA": 3.4},
        ),
    )
    yield (
        "sizes",
        lambda: plotting.memory_over_sizes(
            pd.DataFrame(
                {
                    "parameters": [5e8, 8e9, 5e8, 8e9],
                    "method": ["LoRA", "LoRA", "QLoRA", "QLoRA"],
                    "peak_gib": [2.0, 19.0, 1.5, 8.0],
                }
            ),
            ceilings_gib={"T4": 14.56},
        ),
    )
    yield (
        "scores",
        lambda: plotting.before_after(
            {"facts": {"before": BEFORE, "after": AFTER}, "skills": {"before": AFTER}}, chance=0.2
        ),
    )
    yield (
        "costs",
        lambda: plotting.cost_over_questions(
            {"read a page": (0, 95), "train first": (400_000, 18)}, most=10_000, mark=5_195
        ),
    )
    yield (
        "speed",
        lambda: plotting.speed_and_quality(
            pd.DataFrame(
                {
                    "method": ["full", "LoRA", "QLoRA"],
                    "seconds_per_step": [0.2, 0.15, 0.3],
                    "quality": [1.0, 0.94, 0.9],
                }
            )
        ),
    )
    yield (
        "cures",
        lambda: plotting.ranked_cures(
            {"none": 1.01, "early stopping": 0.75, "more data": 0.42, "larger rank": 1.2},
            baseline="none",
            xlabel="held-out loss (nats a token)",
            lower_is_better=True,
        ),
    )
    yield (
        "spectrum",
        lambda: plotting.update_spectrum(
            {"full": [0.4, 0.7, 0.9, 1.0], "random": [0.25, 0.5, 0.75, 1.0]}, rank=2
        ),
    )
    yield ("levels", lambda: plotting.levels_over_weights([-0.4, 0.0, 0.1, 0.9], [-1.0, 0.0, 1.0]))
    yield (
        "damage",
        lambda: plotting.error_and_damage(
            pd.DataFrame(
                {
                    "kind": ["q_proj", "down_proj"] * 4,
                    "error": [0.09, 0.1] * 4,
                    "damage": [1e-6, 1e-2, 1e-5, 1e-3] * 2,
                }
            )
        ),
    )
    yield (
        "languages",
        lambda: plotting.language_costs(
            pd.DataFrame({"English": [0.3, 0.3], "Japanese": [3.0, 0.6]}, index=["BPE", "both"])
        ),
    )
    yield (
        "vocabularies",
        lambda: plotting.vocabulary_sizes(
            pd.DataFrame({"English": [0.7, 0.3], "Japanese": [3.0, 3.0]}, index=[300, 4000])
        ),
    )
    yield (
        "knobs",
        lambda: plotting.knobs_side_by_side(
            {"learning rate": BANDS, "rank": BANDS.set_axis([4, 16, 64])}, {"rank": 16}
        ),
    )
    yield (
        "bands",
        lambda: plotting.band_curves(
            {"LoRA": BANDS, "full": BANDS / 2}, xlabel="rate", ylabel="loss", log_y=True, title="A"
        ),
    )
    yield ("wording", lambda: plotting.wording_curves({"export": WORDING, "pairs": WORDING}))
    yield ("sources", lambda: plotting.source_rows(SOURCES))
    yield (
        "skill map",
        lambda: plotting.skill_map(
            pd.DataFrame({"base": [1.0, 0.9], "LoRA": [0.4, 0.0]}, index=["sums", "plurals"])
        ),
    )
    yield (
        "fates",
        lambda: plotting.fate_bars(
            {"base": ["right"] * 4, "LoRA + replay": ["right", "right", "covered", "gone"]}
        ),
    )
    yield ("learned and forgotten", lambda: plotting.learned_and_forgotten(TRADE))
    yield (
        "shares",
        lambda: plotting.share_curves(
            TRADE.rename(columns={"learned": "share"}), xlabel="replay (%)", title="Replay"
        ),
    )
    yield (
        "ledger",
        lambda: plotting.cleaning_ledger(
            {
                "duplicates": {"seen": 50, "changed": 0, "rejected": 12},
                "html": {"seen": 50, "changed": 30, "rejected": 1},
                "empty": {"seen": 50, "changed": 0, "rejected": 0},
            }
        ),
    )
    yield (
        "judged",
        lambda: plotting.judged_precision(
            pd.DataFrame(
                {
                    "rule": ["html", "refusal", "nobody looked"],
                    "found": [22, 35, 4],
                    "judged": [20, 20, 0],
                    "precision": [1.0, 0.8, float("nan")],
                    "low": [0.84, 0.58, 0.0],
                    "high": [1.0, 0.92, 1.0],
                }
            )
        ),
    )
    yield (
        "key",
        lambda: plotting.precision_recall(
            pd.DataFrame(
                {
                    "defect": ["html", "refusal", "contradiction"],
                    "precision": [1.0, 0.8, float("nan")],
                    "recall": [1.0, 0.9, 0.0],
                }
            )
        ),
    )


FIGURES = dict(figures())


def words(figure: Figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.filterwarnings("error::UserWarning")
def test_every_figure_reads_from_the_back_row(name: str) -> None:
    figure = FIGURES[name]()
    assert isinstance(figure, Figure)
    # Closing a figure takes its canvas away; a notebook brings its own, and so do we.
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    small = [text.get_text() for text in words(figure) if float(text.get_fontsize()) < 14]
    assert not small
    drawn = figure.get_tightbbox(canvas.get_renderer())
    width, height = figure.get_size_inches()
    assert drawn.x0 >= 0
    assert drawn.y0 >= 0
    assert drawn.x1 <= width
    assert drawn.y1 <= height
    # A second axis, where there is one, shares the first one's title and steps.
    axes = figure.axes[0]
    assert axes.get_title(loc="left")
    assert axes.get_xlabel() or axes.get_ylabel()


@pytest.mark.parametrize("name", FIGURES)
def test_a_notebook_shows_each_figure_once(name: str) -> None:
    FIGURES[name]()
    assert plt.get_fignums() == []


def test_the_verdict_s_steps_are_marked() -> None:
    verdict = diagnose(HISTORY)
    figure = plotting.learning_curves(HISTORY, verdict)
    said = " ".join(text.get_text() for text in words(figure))
    assert "Learning curves: overfitting" in said
    assert f"since step {verdict.since_step}" in said
    assert f"best step: {verdict.best_step}" in said


def test_the_best_of_loss_and_of_answers_is_starred() -> None:
    answers = pd.DataFrame({"step": [20, 60, 120], "right": [0.1, 0.6, 0.7]})
    figure = plotting.loss_and_answers(HISTORY, answers)
    stars = [
        np.asarray(line.get_xydata())
        for axes in figure.axes
        for line in axes.lines
        if line.get_marker() == "*"
    ]
    assert [tuple(star[0]) for star in stars] == [(60, 0.75), (120, 70)]


def test_the_baseline_comes_first_and_runs_keep_their_names() -> None:
    figure = plotting.runs_compared({"a": HISTORY, "none": HISTORY[:6]}, baseline="none")
    assert [line.get_label() for line in figure.axes[0].lines] == ["none", "a"]


def test_parts_of_a_run_are_compared_by_training_loss() -> None:
    figure = plotting.runs_compared({"whole": HISTORY}, baseline="whole", loss="training")
    axes = figure.axes[0]
    logged = [entry["loss"] for entry in HISTORY if "loss" in entry]
    assert list(np.asarray(axes.lines[0].get_ydata())) == pytest.approx(logged)
    assert axes.get_ylabel() == "training loss (nats a token)"


def test_small_memory_is_told_in_mib() -> None:
    figure = plotting.memory_bars({"full": {"weights": 0.02}}, measured_gib={"full": 0.03})
    said = [text.get_text() for text in words(figure)]
    assert "20.5 MiB\nmeasured 30.7" in said
    assert "memory (MiB)" in said


def test_the_eighth_part_does_not_look_like_the_first() -> None:
    figure = plotting.memory_bars({"full": {f"part {n}": 1.0 for n in range(8)}})
    bars = figure.axes[0].patches
    looks = {(bar.get_facecolor(), bar.get_hatch()) for bar in bars}
    assert len(bars) == len(looks) == 8


def test_cures_stand_in_order() -> None:
    figure = plotting.ranked_cures(
        {"none": 1.0, "b": 0.5, "a": 0.8}, baseline="none", xlabel="loss", lower_is_better=True
    )
    FigureCanvasAgg(figure).draw()
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["none", "a", "b"]


def test_gains_stand_in_order_around_zero() -> None:
    gains: dict[str, float | Difference] = {"raw": 0.0}
    gains |= {"a": Difference(0.1, 0.05, 0.15), "b": Difference(-0.1, -0.2, 0.0)}
    figure = plotting.ranked_cures(gains, baseline="raw", xlabel="gain")
    FigureCanvasAgg(figure).draw()
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["b", "raw", "a"]


def test_a_number_left_of_the_line_keeps_clear_of_the_names() -> None:
    gains: dict[str, float | Difference] = {"raw": 0.0}
    gains |= {"a": Difference(0.248, 0.197, 0.301), "b": Difference(-0.00562, -0.05, 0.041)}
    figure = plotting.ranked_cures(gains, baseline="raw", xlabel="gain")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    axes = figure.axes[0]
    number = next(text for text in axes.texts if text.get_text() == "-0.00562")
    assert number.get_window_extent(canvas.get_renderer()).x0 >= axes.bbox.x0


def test_a_group_of_fewer_bars_stands_over_its_label() -> None:
    figure = plotting.before_after({"both": {"a": BEFORE, "b": AFTER}, "one": {"b": AFTER}})
    bars = [bar for bar in figure.axes[0].patches if isinstance(bar, Rectangle)]
    middles = [bar.get_x() + bar.get_width() / 2 for bar in bars]
    assert middles == pytest.approx([-0.2, 0.2, 1.0])


def test_rules_that_did_nothing_are_named() -> None:
    figure = plotting.cleaning_ledger(
        {"html": {"changed": 3, "rejected": 0}, "empty": {"changed": 0, "rejected": 0}}
    )
    assert "found nothing: empty" in [text.get_text() for text in words(figure)]


def test_rules_that_nobody_judged_are_left_out() -> None:
    figure = FIGURES["judged"]()
    FigureCanvasAgg(figure).draw()
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["html (20 of 22)", "refusal (20 of 35)"]


def test_bad_input_is_told() -> None:
    nobody = pd.DataFrame(
        {"rule": ["html"], "found": [1], "judged": [0], "precision": [0], "low": [0], "high": [1]}
    )
    with pytest.raises(CourseError, match="no finding was judged"):
        plotting.judged_precision(nobody)
    with pytest.raises(CourseError, match="no methods"):
        plotting.memory_bars({})
    with pytest.raises(CourseError, match="no knobs"):
        plotting.knobs_side_by_side({}, {})
    with pytest.raises(CourseError, match="no lines"):
        plotting.band_curves({}, xlabel="rate", ylabel="loss", title="A")
    with pytest.raises(CourseError, match="no scores"):
        plotting.before_after({})
    for draw_cost in (plotting.language_costs, plotting.vocabulary_sizes):
        with pytest.raises(CourseError, match="to draw"):
            draw_cost(pd.DataFrame())
    with pytest.raises(CourseError, match="no rule changed"):
        plotting.cleaning_ledger({"html": {"changed": 0, "rejected": 0}})
    with pytest.raises(CourseError, match="baseline 'none' is not among"):
        plotting.ranked_cures({"a": 1.0}, baseline="none", xlabel="loss")
    empty = pd.DataFrame({"method": []})
    with pytest.raises(CourseError, match="nothing to draw"):
        plotting.wording_curves({"export": WORDING[:0]})
    for draw in (
        plotting.speed_and_quality,
        plotting.precision_recall,
        plotting.source_rows,
        plotting.judged_precision,
    ):
        with pytest.raises(CourseError, match="no column"):
            draw(empty)
    with pytest.raises(CourseError, match="no column parameters, peak_gib"):
        plotting.memory_over_sizes(empty, ceilings_gib={})
    with pytest.raises(CourseError, match="no column right, step"):
        plotting.loss_and_answers(HISTORY, empty)
    with pytest.raises(CourseError, match="no held-out loss"):
        plotting.loss_and_answers(HISTORY[:1], pd.DataFrame({"step": [1], "right": [0.5]}))
    with pytest.raises(CourseError, match="baseline 'none' is not among the runs"):
        plotting.runs_compared({"a": HISTORY}, baseline="none")
    with pytest.raises(CourseError, match="no such file"):
        plotting.learning_curves("nowhere.json")


def test_a_knob_s_stripe_shows_its_values_its_band_and_its_start() -> None:
    figure = plotting.knobs_side_by_side(
        {"learning rate": BANDS, "rank": BANDS.set_axis([4, 16, 64])}, {"rank": 16}
    )
    axes = figure.axes[0]
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    assert ticks == ["2.5e-4", "8e-3", "7.5e-2", "4", "16", "64"]
    rate, rank, star = (np.asarray(line.get_xydata(), dtype=float) for line in axes.lines)
    assert rate[:, 1].tolist() == [3.2, 0.3, 4.1]
    assert star[0].tolist() == rank[1].tolist()
    assert len(axes.collections) == 2


def test_a_band_reaches_from_low_to_high() -> None:
    figure = plotting.band_curves(
        {"LoRA": BANDS}, xlabel="rate", ylabel="loss", log_x=False, title="A"
    )
    axes = figure.axes[0]
    corners = np.asarray(axes.collections[0].get_paths()[0].vertices, dtype=float)[:, 1]
    assert (corners.min(), corners.max()) == (0.2, 8.0)
    assert axes.get_xscale() == "linear"


def test_an_update_s_shares_are_drawn_against_its_directions() -> None:
    figure = plotting.update_spectrum({"full": [0.5, 0.75, 1.0]}, rank=2)
    line, mark = figure.axes[0].get_lines()
    assert np.asarray(line.get_xydata()).tolist() == [[1, 50], [2, 75], [3, 100]]
    assert set(np.asarray(mark.get_xdata())) == {2}
    with pytest.raises(CourseError, match="at least one direction"):
        plotting.update_spectrum({"full": []}, rank=2)


def test_every_level_has_its_line() -> None:
    figure = plotting.levels_over_weights([0.1, 0.2], [-1.0, 0.0, 1.0])
    lines = figure.axes[0].get_lines()
    assert [np.asarray(line.get_xdata())[0] for line in lines] == [-1.0, 0.0, 1.0]
    with pytest.raises(CourseError, match="needs weights and levels"):
        plotting.levels_over_weights([], [0.0])


def test_every_layer_is_a_point() -> None:
    layers = pd.DataFrame({"kind": ["q", "q", "v"], "error": 0.09, "damage": [1e-5, 1e-4, 1e-2]})
    figure = plotting.error_and_damage(layers)
    points = [np.asarray(line.get_xydata()).tolist() for line in figure.axes[0].get_lines()]
    assert points == [[[9, 1e-5], [9, 1e-4]], [[9, 1e-2]]]
    with pytest.raises(CourseError, match="no column damage"):
        plotting.error_and_damage(layers[["kind", "error"]])
    with pytest.raises(CourseError, match="logarithmic"):
        plotting.error_and_damage(layers.assign(damage=0.0))


def test_rewards_are_drawn_as_given() -> None:
    log = pd.DataFrame({"step": [1, 2, 3, 4], "reward": [0.0, 0.4, 0.2, 0.6]})
    figure = plotting.rewards_over_steps(log, {"reward": "reward"}, window=2)
    line = np.asarray(figure.axes[0].get_lines()[0].get_xydata())
    assert line.round(6).tolist() == [[1, 0], [2, 20], [3, 30], [4, 40]]
    with pytest.raises(CourseError, match="no column 'verified'; it has"):
        plotting.rewards_over_steps(log, {"verified": "x"})


def test_pass_curves_keep_their_intervals() -> None:
    figure = plotting.pass_curves({"base": {1: BEFORE, 8: AFTER}})
    heights = np.asarray(figure.axes[0].get_lines()[0].get_ydata())
    assert heights.tolist() == [100 * BEFORE.share, 100 * AFTER.share]
    with pytest.raises(CourseError, match="nothing to draw"):
        plotting.pass_curves({})


def test_the_plane_has_a_large_mark_a_setting_and_a_small_one_a_run() -> None:
    axes = plotting.learned_and_forgotten(TRADE).axes[0]
    runs, means = (np.asarray(line.get_xydata()) for line in axes.lines if line.get_marker() == "o")
    assert len(runs) == 3
    assert means[:, 0] == pytest.approx([15, 100])
    assert means[:, 1] == pytest.approx([5, 60])


def test_what_is_too_narrow_for_its_number_goes_without() -> None:
    figure = plotting.fate_bars({"LoRA": ["right"] * 97 + ["covered", "gone", "gone"]})
    numbers = [text.get_text() for text in figure.axes[0].texts]
    assert numbers == ["97"]


def test_forgetting_without_rows_is_told() -> None:
    with pytest.raises(CourseError, match="no skills"):
        plotting.skill_map(pd.DataFrame())
    with pytest.raises(CourseError, match="no models"):
        plotting.fate_bars({})
    with pytest.raises(CourseError, match="no column setting"):
        plotting.learned_and_forgotten(TRADE.drop(columns="setting"))
    with pytest.raises(CourseError, match="no column share"):
        plotting.share_curves(TRADE, xlabel="x", title="t")


def test_every_name_is_a_point_and_the_extremes_are_named() -> None:
    axes = FIGURES["names"]().axes[0]
    points = [np.asarray(group.get_offsets())[:, 1].tolist() for group in axes.collections[::2]]
    assert points == [[100, 0], [100, 100]]
    assert [text.get_text() for text in axes.texts] == ["Bo", "Ann", "Cem"]


def test_days_above_the_threshold_are_ringed() -> None:
    axes = FIGURES["days"]().axes[0]
    rings = [np.asarray(group.get_offsets()).tolist() for group in axes.collections]
    assert rings == [[[3, 2.5]], []]


@pytest.mark.filterwarnings("error")
def test_an_alarm_of_a_check_that_never_failed_before_is_drawn() -> None:
    figure = plotting.monitored_days({"failed checks": [0.0, 0.1]}, {"failed checks": 0.0})
    drawn = np.asarray(figure.axes[0].lines[0].get_ydata(), dtype=float)
    assert drawn.tolist() == [1, 2], "at the threshold of 0, and above it"


def test_a_job_s_checkpoints_are_marked_and_its_lowest_loss_starred() -> None:
    loss, accuracy = plotting.job_curves(JOB, [2, 4]).axes
    assert accuracy.get_ylabel() == "token accuracy (%)"
    points = [np.asarray(line.get_xydata()).tolist() for line in loss.get_lines()]
    named = dict(zip((line.get_label() for line in loss.get_lines()), points, strict=True))
    assert named["training"] == [[1, 2.0], [2, 1.0], [3, 0.6], [4, 0.3]]
    assert named["all held-out rows"] == [[2, 0.9], [4, 1.1]]
    assert named["lowest: step 2"] == [[2, 0.9]]
    assert [x for (x, _), *_ in points[-2:]] == [2, 4]
    with pytest.raises(CourseError, match="no loss yet"):
        plotting.job_curves(pd.DataFrame({"step": [1]}))
