# Everything the course does, by one word. Needs make and Python 3.11, 3.12 or 3.13; nothing else.
#
#   make lab      install into .venv and open the first lesson in JupyterLab
#   make test     install into .venv, then lint, types, unit tests and every notebook
#   make course   run every notebook, write build/course/*.html, build/course.json and the table of
#                 claims in data/claims; with SEEDS="0 1 2" each notebook three times
#   make slides   write build/slides/*.html, one deck a lesson, run first where that is needed; with
#                 Chromium also *.pdf, every slide looked at
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

.PHONY: lab test course slides data pocket doctor clean

lab: $(READY)
	$(BIN)/jupyter lab $(AS_ROOT) notebooks/00_start_here.ipynb

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(CALM) $(BIN)/pytest -n $(WORKERS) --dist worksteal --durations=12 \
		--doctest-modules --nbmake --nbmake-timeout=600 tests course_lib notebooks

course: $(READY)
	$(BIN)/python -m course_lib course --seeds $(SEEDS) --claims data/claims

slides: $(READY)
	$(BIN)/python -m course_lib slides

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
