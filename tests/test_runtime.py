"""The runtime: what is chosen on which machine, with which reason, and what overrides it."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from course_lib import doctor, machine, profiles, runtime
from course_lib.errors import CourseError
from course_lib.machine import Gpu

T4 = Gpu("Tesla T4", (7, 5), 14.56, True)
P100 = Gpu("Tesla P100-PCIE-16GB", (6, 0), 15.9, False)
A100 = Gpu("NVIDIA A100-SXM4-40GB", (8, 0), 39.4, True)
SMALL = Gpu("GeForce GTX 1650", (7, 5), 3.9, True)


@pytest.fixture(autouse=True)
def _no_choice_made(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("BINDER_", "COLAB_", "KAGGLE_", "COURSE_")):
            monkeypatch.delenv(name)
    # start() writes these; registered here, they are put back after the test.
    for name in ("CUDA_VISIBLE_DEVICES", "TOKENIZERS_PARALLELISM", "COURSE_SEED"):
        monkeypatch.setenv(name, "0" if name == "COURSE_SEED" else os.environ.get(name, ""))


@pytest.mark.parametrize(
    ("gpu", "profile", "dtype", "because"),
    [
        (None, "pocket", "float32", "no CUDA GPU"),
        (T4, "t4", "float16", "14.56 GiB"),
        (A100, "t4", "bfloat16", "A100"),
        (P100, "pocket", "float32", "no kernels"),
        (SMALL, "pocket", "float32", "3.9 GiB"),
    ],
)
def test_profile_and_dtype_follow_from_the_gpu(
    gpu: Gpu | None, profile: str, dtype: str, because: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "gpu", lambda: gpu)
    found = runtime.detect()
    assert (found.profile, found.dtype) == (profile, dtype)
    assert found.device == ("cuda" if profile == "t4" else "cpu")
    assert because in found.reasons["profile"]
    assert str(found.torch_dtype) == f"torch.{dtype}"
    assert set(found.reasons) == {"profile", "device", "dtype", "cores", "online"}


def test_the_environment_overrides_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "gpu", lambda: T4)
    monkeypatch.setenv("COURSE_PROFILE", "pocket")
    found = runtime.detect()
    assert (found.profile, found.device, found.dtype) == ("pocket", "cpu", "float32")
    assert runtime.choose(pocket=20, t4=3) == 20
    monkeypatch.setenv("COURSE_PROFILE", "t4")
    assert runtime.choose(pocket=20, t4=3) == 3


@pytest.mark.parametrize(("asked", "gpu"), [("t5", T4), ("t4", None), ("t4", P100)])
def test_a_profile_that_cannot_be_is_refused(
    asked: str, gpu: Gpu | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "gpu", lambda: gpu)
    monkeypatch.setenv("COURSE_PROFILE", asked)
    with pytest.raises(CourseError, match="COURSE_PROFILE"):
        runtime.detect()


@pytest.mark.parametrize(
    ("variables", "platform"),
    [
        ({}, "local"),
        ({"COLAB_RELEASE_TAG": "release-colab"}, "colab"),
        ({"KAGGLE_KERNEL_RUN_TYPE": "Interactive", "COLAB_RELEASE_TAG": "x"}, "kaggle"),
        ({"BINDER_SERVICE_HOST": "mybinder.org"}, "binder"),
    ],
)
def test_platform(
    variables: dict[str, str], platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert machine.platform() == platform


def test_cores_and_memory_obey_the_container(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"cpu.max": "100000 100000", "memory.max": str(3 * machine.GIB)}
    monkeypatch.setattr(machine, "_cgroup", lambda name: limits.get(name, ""))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert machine.cores()[0] == 1
    assert machine.ram_gib() <= 3
    monkeypatch.setattr(machine, "_cgroup", lambda name: "max 100000" if "cpu" in name else "max")
    assert machine.cores()[0] == len(os.sched_getaffinity(0))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert machine.cores()[0] == 1


def test_offline_by_wish_knocks_on_no_door(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("asked"))
    assert machine.online.__wrapped__() == (False, "HF_HUB_OFFLINE is set")


def test_every_problem_says_what_to_do(tmp_path: Path) -> None:
    found = profiles.problems("pocket", P100, ram_gib=1.9, online=False, pocket_model=tmp_path)
    text = " ".join(found)
    assert len(found) == 3
    for cure in ("one notebook at a time", "GPU T4 x2", "make pocket"):
        assert cure in text
    assert "Internet" in profiles.problems(
        "t4", T4, ram_gib=12, online=False, pocket_model=tmp_path
    )[0]  # fmt: skip


def test_start_makes_every_generator_repeat(capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    def draws() -> tuple[float, float, float]:
        return random.random(), float(np.random.rand()), float(torch.rand(1))

    threads = torch.get_num_threads()
    try:
        runtime.start(7)
        first = draws()
        assert runtime.seed() == 7
        runtime.start(7)
        assert draws() == first
        runtime.start(8)
        assert draws() != first
    finally:
        torch.set_num_threads(threads)
    assert "pocket profile on cpu (float32)" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["seven", "-1", str(2**32)])
def test_a_seed_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_SEED", text)
    with pytest.raises(CourseError, match="COURSE_SEED"):
        runtime.seed()


def test_data_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert runtime.data_path("pocket", "config.json") == tmp_path / "pocket" / "config.json"
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(CourseError, match="nowhere: no such folder"):
        runtime.data_path()


def test_output_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_ROOT", tmp_path)
    assert runtime.output_path("05-lora") == tmp_path / "build" / "runs" / "05-lora"
    assert (tmp_path / "build" / "runs" / "05-lora").is_dir()
    for name in ("", "../elsewhere", "/tmp"):
        with pytest.raises(CourseError, match="relative name"):
            runtime.output_path(name)


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, course_lib, course_lib.__main__; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("gpu", [None, T4, P100, A100])
def test_doctor_says_it_in_words_and_in_json(
    gpu: Gpu | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine, "gpu", lambda: gpu)
    monkeypatch.setattr(machine, "online", lambda: (True, "asked"))
    code = doctor.main(["--json"])
    found = json.loads(capsys.readouterr().out)
    assert {"platform", "device", "dtype", "profile", "reasons", "problems"} <= set(found)
    assert code == (1 if found["problems"] else 0)
    assert doctor.main([]) == code
    words = capsys.readouterr().out
    assert "What will run here" in words
    assert (gpu.name if gpu else "no CUDA GPU") in words
    assert ("no bfloat16" in words) == (gpu == T4)
