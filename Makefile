# Needs Python with venv, and make; nothing else.

PYTHON ?= python3
# Environments side by side, for `test-all` and `tox`; tests wait on sockets.
JOBS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

VENV := .venv
TOX_VENV := .venv-tox
DIST_VENV := .venv-dist

# A pyenv shim runs only the versions that are switched on, and tox lets no PYENV_VERSION through:
# put the Pythons themselves behind the shims. Without pyenv this adds nothing.
SPACE := $(subst ,, )
PYENV_BINS = $(wildcard $(shell pyenv root 2>/dev/null)/versions/3.1[0-4].*/bin)
TOX = PATH="$$PATH$(subst $(SPACE),,$(addprefix :,$(PYENV_BINS)))" $(TOX_VENV)/bin/python -m tox \
	run-parallel --parallel $(JOBS) --parallel-no-spinner

.DEFAULT_GOAL := help
.PHONY: help demo benchmarks test test-all tox lint types docs pages screenshots messages dist release locks clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-11s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.installed  ## Run the example site against a local WeChat (ONCE=1: one exchange, then end)
	@$(VENV)/bin/python manage.py demo $(if $(ONCE),--once)

benchmarks: $(VENV)/.installed  ## Measure an exchange against other ways to write it (ARGS=--quick: in a minute)
	@$(VENV)/bin/python -m benchmarks $(ARGS)

test: $(TOX_VENV)/.installed  ## Run the tests once, on the newest Python that's there, on all cores
	@$(TOX) -e suite

test-all: $(TOX_VENV)/.installed  ## Run them on every Python that's there, each with one Django
	@$(TOX)

tox: $(TOX_VENV)/.installed  ## Run tox environments: make tox ENVS=py3-postgres,py312-dj60 ARGS='-k masking'
	@$(TOX) --skip-missing-interpreters false -e '$(ENVS)'$(if $(ARGS), -- $(ARGS))

lint: ENVS = lint
lint: tox  ## Check style, rules and layers

types: ENVS = types
types: tox  ## Check types

docs: ENVS = docs
docs: tox  ## Build the docs into build/docs

pages: $(VENV)/.installed  ## Write what the docs take from the code and from docs/examples
	@$(VENV)/bin/python -m docs.pages

screenshots: $(TOX_VENV)/.installed  ## Take the pictures of READMEs and docs anew, in Chromium
	@DOCS_IMAGES=1 $(TOX) --skip-missing-interpreters false -e py3-browser -- -n 0 tests/browser/test_screenshots.py tests/browser/test_themes.py

messages: $(VENV)/.installed  ## Compile the translations (.po to .mo), without gettext
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check polib
	@$(VENV)/bin/python -c "$$COMPILE_MESSAGES"

dist: $(DIST_VENV)/.installed  ## Build sdist and wheel into dist/: the same bytes for everybody who builds this commit
	@$(DIST_VENV)/bin/python release/dist.py

release: dist $(DIST_VENV)/.release  ## Try a release up to its upload (TAG=v1.2.3: of that tag)
	@TAG='$(TAG)' $(DIST_VENV)/bin/python release/rehearse.py

locks: $(DIST_VENV)/.uv  ## Bring what builds a release up to date: versions and hashes in release/*.txt
	@for name in build release; do $(LOCK) release/$$name.in --output-file release/$$name.txt; done
	@$(LOCK) setup.cfg --output-file release/runtime.txt

clean:  ## Remove what the targets above made
	rm -rf $(VENV) $(TOX_VENV) $(DIST_VENV) .tox .demo build dist *.egg-info
	rm -rf .coverage htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

define COMPILE_MESSAGES
import pathlib, polib
for po in sorted(pathlib.Path().glob("*/locale/*/LC_MESSAGES/*.po")):
    polib.pofile(str(po)).save_as_mofile(str(po.with_suffix(".mo")))
    print(po.with_suffix(".mo"))
endef
export COMPILE_MESSAGES

$(VENV)/.installed: setup.cfg pyproject.toml
	@echo 'Installing the example into $(VENV)'
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[example]'
	@touch $@

$(TOX_VENV)/.installed:
	@echo 'Installing tox into $(TOX_VENV)'
	@$(PYTHON) -m venv $(TOX_VENV)
	@$(TOX_VENV)/bin/python -m pip install --quiet --disable-pip-version-check 'tox>=4.23'
	@touch $@

# The versions are given, and a file whose hash is another isn't installed.
PINNED = $(DIST_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement
LOCK = UV_CUSTOM_COMPILE_COMMAND='make locks' $(DIST_VENV)/bin/uv pip compile --quiet --upgrade --universal \
	--python-version 3.10 --generate-hashes

$(DIST_VENV)/.installed: release/build.txt
	@echo 'Installing what builds into $(DIST_VENV)'
	@$(PYTHON) -m venv $(DIST_VENV)
	@$(PINNED) release/build.txt
	@touch $@

$(DIST_VENV)/.release: release/release.txt $(DIST_VENV)/.installed
	@echo 'Installing what looks at a release into $(DIST_VENV)'
	@$(PINNED) release/release.txt
	@touch $@

$(DIST_VENV)/.uv: $(DIST_VENV)/.installed
	@$(DIST_VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@
