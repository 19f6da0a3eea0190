"""pyproject.toml, constraints.txt and environment.yml agree, and hosted images are left alone."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from course_lib.publishing import hosted

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CORE = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRAS = [
    Requirement(line) for lines in PROJECT["optional-dependencies"].values() for line in lines
]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): number for name, number in pairs}


@pytest.mark.parametrize("wanted", CORE + EXTRAS, ids=str)
def test_every_requirement_is_pinned_inside_its_range(wanted: Requirement) -> None:
    # The weekly run against the newest releases lifts the pins.
    if not pins():
        pytest.skip("this run has no pins")
    pinned = pins()[canonicalize_name(wanted.name)]
    assert wanted.specifier.contains(pinned)


def test_pins_are_plain_names_and_versions() -> None:
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert line.startswith("#") or re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line), line
    assert not {"pip", "setuptools", "wheel"} & set(pins())


def test_environment_installs_the_same_thing() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, by_pip = environment["dependencies"]
    assert by_pip == {"pip": ["-c constraints.txt", "-e .[lab,test]"]}
    python = next(line for line in conda if line.startswith("python="))
    assert python.removeprefix("python=") in ("3.11", "3.12", "3.13")
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(python[7:])
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "-c constraints.txt -e '.[lab,test]'" in makefile


# What the images carried in 2025: as old as any that a learner meets.
IMAGE = {
    "torch": "2.6.0", "numpy": "1.26.4", "pandas": "2.2.2", "matplotlib": "3.10.0",
    "ipywidgets": "7.7.1", "ipython": "7.34.0", "psutil": "5.9.5", "rich": "13.9.4",
}  # fmt: skip


@pytest.mark.parametrize("name", IMAGE)
def test_a_hosted_image_satisfies_the_ranges(name: str) -> None:
    wanted = next(requirement for requirement in CORE if requirement.name == name)
    assert wanted.specifier.contains(IMAGE[name])


def test_a_hosted_install_freezes_torch_and_numpy() -> None:
    frozen = hosted.frozen_versions().splitlines()
    assert f"torch=={version('torch')}" in frozen
    assert f"numpy=={version('numpy')}" in frozen


def test_the_python_that_runs_is_one_that_the_course_supports() -> None:
    minimum = next(iter(Requirement(f"python{PROJECT['requires-python']}").specifier)).version
    assert Version(minimum) == Version("3.11")


def test_every_library_that_the_package_imports_is_required() -> None:
    required = {canonicalize_name(requirement.name) for requirement in CORE + EXTRAS}
    imported = set()
    for path in (ROOT / "course_lib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module)
    roots = {name.split(".")[0] for name in imported} - set(sys.stdlib_module_names)
    roots = {{"sklearn": "scikit-learn"}.get(name, name) for name in roots}
    assert {canonicalize_name(name) for name in roots} - required == {"course-lib"}


def test_every_file_of_tests_has_a_name_of_its_own() -> None:
    # Two of one name are not collected: pytest says so, at the end, and goes on without them.
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) == len(set(names))
