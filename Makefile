# Everything the course does, by one word. Needs make and Python 3.11, 3.12 or 3.13; nothing else.
#
#   make lab      install into .venv and open the first lesson in JupyterLab
#   make test     install into .venv, then lint, types, unit tests and every notebook
#   make course   run every notebook, write build/course/*.html, build/course.json and the table of
#                 claims in data/claims; with SEEDS="0 1 2" each notebook three times
#   make solutions  write build/solutions: every lesson with its solutions, in both languages
#   make editions run learner and solution edition in both languages, each a whole course (an hour)
#   make slides   write build/slides/*.html, one deck a lesson, run first where that is needed; with
#                 Chromium also *.pdf, every slide looked at
#   make site     write build/site, the course as a searchable web site in both languages
#   make data     regenerate data/yamabiko and data/capstone, byte for byte
#   make pocket   rebuild the pocket model (hours on a CPU, minutes on a GPU)
#   make doctor   say what this machine is and what will run on it

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# One computing thread a process, and two processes: on two cores that is the fastest, and on any
# number of cores the sums are added up in the same order, so that figures do not depend on it.
WORKERS ?= 2
SEEDS   ?= $(or $(COURSE_SEED),0)
CALM    := COURSE_PROFILE=pocket COURSE_STRICT=1 HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 \
           TOKENIZERS_PARALLELISM=false COURSE_PROGRESS=$(CURDIR)/build/progress.json

# Jupyter refuses to run as root unless told; in a container there is often nobody else.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

# CI runs the solution edition in English, in which every cell of the learner edition stands, and
# these lessons of the Japanese learner edition, whose code is the same; `make editions` runs all.
JAPANESE := 00_start_here 07_spot_overfitting

.PHONY: lab test course solutions editions slides site data pocket doctor clean

lab: $(READY)
	$(BIN)/jupyter lab $(AS_ROOT) notebooks/00_start_here.ipynb

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m course_lib translations
	rm -rf build/solutions
	$(BIN)/python -m course_lib solutions
	$(CALM) $(BIN)/pytest -n $(WORKERS) --dist worksteal --durations=12 \
		--doctest-modules --nbmake --nbmake-timeout=600 tests course_lib \
		build/solutions/*.ipynb $(JAPANESE:%=notebooks/ja/%.ipynb)

course: $(READY)
	$(BIN)/python -m course_lib course --seeds $(SEEDS) --claims data/claims

solutions: $(READY)
	rm -rf build/solutions
	$(BIN)/python -m course_lib solutions

editions: solutions
	$(BIN)/python -m course_lib course --out build/editions/en notebooks/*.ipynb
	$(BIN)/python -m course_lib course --out build/editions/en-solutions build/solutions/*.ipynb
	$(BIN)/python -m course_lib course --out build/editions/ja notebooks/ja/*.ipynb
	$(BIN)/python -m course_lib course --out build/editions/ja-solutions build/solutions/ja/*.ipynb

slides: $(READY)
	$(BIN)/python -m course_lib slides

site: $(READY)
	$(BIN)/python -m course_lib site

data: $(READY)
	$(BIN)/python -m course_lib.yamabiko
	$(BIN)/python -m course_lib.capstone

pocket: $(READY)
	$(BIN)/python -m course_lib.pocket

doctor: $(READY)
	$(BIN)/python -m course_lib doctor

clean:
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis

# The stamp is newer than both files that say what to install: while that holds, nothing is
# installed, and a second run starts at once.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
		echo "The course needs Python 3.11, 3.12 or 3.13; $(PYTHON) is" \
		     "`$(PYTHON) --version 2>&1`. Try: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[lab,test]'
	@touch $@
