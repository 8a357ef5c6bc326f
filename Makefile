# Everything runs in .venv, made on first use from requirements.txt. `make help` lists the targets.

ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := .venv/Scripts
else
PYTHON ?= python3
BIN := .venv/bin
endif
RUN := $(BIN)/python
READY := .venv/ready

# The address of the public repository; without it the pages have no launch, edit or issue buttons.
REPOSITORY_URL ?=
export REPOSITORY_URL
export PYTHONUNBUFFERED := 1
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help venv book preview test notebooks lock bench mutation fuzz scale first-figure clean

help:
	@echo "make book       execute every chapter and build the site in _build/html"
	@echo "make preview    build the same pages from the stored outputs, in seconds"
	@echo "make test       run all tests, every chapter and the browser test among them"
	@echo "make notebooks  execute the chapters and store their outputs where they changed"
	@echo "make lock       write requirements.txt anew from pyproject.toml"
	@echo "make bench      time kinetic beside its peers"
	@echo "make mutation   see which of 400 random changes of kinetic the tests notice, in an hour"
	@echo "make fuzz       make 100,000 random calls of the public functions, in at most an hour"
	@echo "make scale      run a billion particles on workers that are killed, in at most 15 minutes"
	@echo "make first-figure  time the first result and the first figure of each chapter"
	@echo "make clean      remove what the other targets made, .venv included"

venv: $(READY)

$(READY): requirements.txt pyproject.toml tools/environment.py
	@"$(PYTHON)" tools/environment.py

book: $(READY)
	@$(RUN) tools/book.py --execute

preview: $(READY)
	@$(RUN) tools/book.py

test: $(READY)
	@$(RUN) tools/browser.py
	@echo Running all tests
	@$(RUN) -m pytest $(PYTEST_ARGS)

notebooks: $(READY)
	@$(RUN) tools/notebooks.py $(CHAPTERS)

lock: $(READY)
	@$(RUN) tools/lock.py

fuzz: $(READY)
	@$(RUN) tools/fuzz.py --record

bench: $(READY)
	@$(MAKE) -C benchmarks

scale: $(READY)
	@$(RUN) tools/scale.py $(SCALE_ARGS)

mutation: $(READY)
	@$(RUN) tools/mutation.py --record book/_records/mutation.json $(MUTATION_ARGS)

first-figure: $(READY)
	@$(RUN) tools/first_figure.py

clean:
	@"$(PYTHON)" tools/clean.py
