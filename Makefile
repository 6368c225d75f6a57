# make run, make run-full: the whole chain on the pocket world; make test, make check, make test-vllm: what a change must pass; make clean.
PYTHON ?= python3
KIELO := .venv/bin/kielo
LM_EVAL_NEEDS := pytablewriter DataProperty dominate msgfy pathvalidate mbstrdecoder tabledata tcolorpy Logbook chardet pytz typepy immutabledict
INSTALL := .venv/bin/python -m pip install --quiet --constraint constraints.txt

.PHONY: run run-full test check test-vllm clean
run: .venv/run-installed
	@echo "The quick recipe: two mixes, one DPO run. The full one (seven mixes, prompt masking, NEFTune, three DPO runs): make run-full"
	$(KIELO) run recipes/pocket-quick.yaml

run-full: .venv/run-installed
	$(KIELO) run recipes/pocket.yaml

test: .venv/test-installed
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations=25

check: .venv/test-installed
	.venv/bin/ruff check .
	.venv/bin/ruff format --check --quiet .
	.venv/bin/mypy
	.venv/bin/lint-imports

test-vllm: .venv/test-installed
	PYTHON=.venv/bin/python bash tests/kielo/generation/make_vllm_env.sh

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/run-installed: .venv/bin/python pyproject.toml constraints.txt
	$(INSTALL) --editable '.[train,eval,select]'
	@touch $@

.venv/test-installed: .venv/bin/python pyproject.toml constraints.txt
	$(INSTALL) --editable '.[train,eval,select,embed,docs,dev]'
	# Only for nltk's punkt data, which this wheel carries; its own dependencies are not needed.
	$(INSTALL) --no-deps llama-index-core
	# lm-evaluation-harness, which a test runs on an exported task, with no more than it imports then.
	$(INSTALL) --no-deps lm_eval $(LM_EVAL_NEEDS)
	@touch $@ .venv/run-installed

clean:
	rm -rf .venv .venv-vllm build *.egg-info
