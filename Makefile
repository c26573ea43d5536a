# Two commands do everything: `make` reproduces, `make test` tests. PYTHON and CORES can be set: make CORES=2 PYTHON=python3.11
PYTHON ?= python3
CORES ?= all
VENV := .venv
BIN := $(VENV)/bin
SNAKEMAKE := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakemake --cores $(CORES)
RUN := PYTHONPATH=scripts $(BIN)/python -m
# In an unpacked package (make package), what its results were made with
CONFIG ?= $(sort $(wildcard config/packaged/*))
CONFIGFILE = $(if $(CONFIG),--configfile $(CONFIG)) $(if $(DIRECTORY),--directory "$(DIRECTORY)")
RESULTS = $(or $(DIRECTORY),.)/results
.DEFAULT_GOAL := reproduce
# One paper of a configuration: make CONFIG=config/own.yaml TARGET=own; the paths in it start from DIRECTORY=..., as results/ does
# What a configuration takes, before a run: make cost CONFIG=config/imagenet.yaml [TARGET=lpi] RATE=2000 (gradients a second of a GPU)
# Whether every result is whole and current: make verify CONFIG=config/smoke.yaml DIRECTORY=results/smoke; REMOVE=1 deletes those that are not
# Code and results as one archive: make package [CONFIG=... DIRECTORY=...]; DIRTY=1 packs also what is not committed
# Is a package whole, and does it give one claim's verdict again from its weights? make verify-package FILE=...; CHECK=1: only the first
# A run beside the reference: make compare [DIRECTORY=... REFERENCE=...]; CELLS=1 shows every number that is not equal
# Whether something of your own keeps what everything registered promises: make check NAME=mine; KIND=method where several have the name
.PHONY: reproduce env docs cost verify check wheel tour test lint smoke cluster-test benchmark package verify-package compare clean

reproduce: $(VENV)/.installed
	@$(SNAKEMAKE) $(CONFIGFILE) -- $(TARGET)
	@cd "$(RESULTS)" && if [ ! -e report.html ] || [ "$$(cat .report 2>/dev/null)" != "$(TARGET)" ] || \
		[ -n "$$(find figures tables claims.html -newer report.html -type f 2>/dev/null | head -1)" ]; then \
		cd "$(CURDIR)" && $(SNAKEMAKE) --report results/report.html $(CONFIGFILE) -- $(TARGET) && \
		echo "$(TARGET)" > "$(RESULTS)/.report"; fi
	@cd "$(RESULTS)" && echo && \
		echo "tables:  $$PWD/tables/$(or $(TARGET),<paper>)/*.csv   ($$(find tables/$(TARGET) -name '*.csv' | wc -l) files)" && \
		echo "figures: $$PWD/figures/$(or $(TARGET),<paper>)/*.pdf, *.png   ($$(find figures/$(TARGET) -name '*.pdf' | wc -l) figures)" && \
		echo "report:  $$PWD/report.html" && \
		if [ -z "$(TARGET)" ] && [ -e claims.html ]; then echo "claims:  $$PWD/claims.html"; echo; cat claims/counts.txt; \
		elif [ -e "claims/$(TARGET).csv" ]; then echo "claims:  $$PWD/claims/$(TARGET).csv"; fi

env: $(VENV)/.installed

$(VENV)/.installed: requirements.txt requirements-lock.txt
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

docs: $(VENV)/.installed
	@$(SNAKEMAKE) --force -- docs/methods.md docs/full-scale.md
	@PYTHONPATH=scripts $(BIN)/python -m pathattr.pages

cost: $(VENV)/.installed
	@PYTHONPATH=scripts $(BIN)/python -m pathattr.cost $(CONFIG) $(if $(TARGET),--target $(TARGET)) $(if $(RATE),--rate $(RATE))

verify: $(VENV)/.installed
	@PYTHONPATH=scripts $(BIN)/python -m pathattr.verify $(CONFIG) $(if $(DIRECTORY),--directory $(DIRECTORY)) $(if $(REMOVE),--remove)

check: $(VENV)/.installed
	@PYTHONPATH=scripts $(BIN)/python -m pathattr.check $(NAME) $(if $(KIND),--kind $(KIND))

wheel: $(VENV)/.installed-dev
	$(BIN)/python -m build --wheel --no-isolation --outdir dist

tour: $(VENV)/.installed
	@PYTHONPATH=scripts $(BIN)/python -m pathattr.tour docs/tour.ipynb

test: $(VENV)/.installed-dev
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check .
	$(SNAKEMAKE) --lint

smoke: $(VENV)/.installed
	@$(SNAKEMAKE) --configfile config/smoke.yaml --directory results/smoke
	@$(SNAKEMAKE) --configfile config/smoke.yaml --directory results/smoke --report $(CURDIR)/results/smoke/report.html

cluster-test: $(VENV)/.installed-dev
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tests/cluster/run.py

benchmark: $(VENV)/.installed
	@$(SNAKEMAKE) --forcerun benchmark -- results/benchmark.csv
	@$(BIN)/python -c "import pandas; print(pandas.read_csv('results/benchmark.csv').round(3).to_string(index=False))"

package: $(VENV)/.installed
	@$(RUN) pathattr.package --look $(if $(DIRTY),--dirty)
	@$(if $(CONFIG)$(DIRECTORY),,$(MAKE) --no-print-directory reproduce)
	@$(RUN) pathattr.package $(CONFIG) $(if $(DIRECTORY),--directory $(DIRECTORY)) $(if $(DIRTY),--dirty)

verify-package: $(VENV)/.installed
	@$(RUN) pathattr.verify_package $(FILE) --cores $(CORES) $(if $(CHECK),--no-remake)

compare: $(VENV)/.installed
	@$(RUN) pathattr.compare $(if $(DIRECTORY),--directory $(DIRECTORY)) $(if $(REFERENCE),--reference $(REFERENCE)) $(if $(CELLS),--cells)

clean:
	rm -rf $(VENV) .snakemake results/*
