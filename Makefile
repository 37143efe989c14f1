# robot_ai: `make demo` shows it, `make test` checks it; both make .venv first and work again and again.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
HOURS ?= 2
BIN := $(VENV)/bin
# The exact versions that CI passed with; another Python takes the newest that setup.py allows.
CONSTRAINTS := $(shell $(PYTHON) -c 'import sys; print("-c constraints.txt" if sys.version_info[:2] == (3, 11) else "")')
ROS_WHEELS := ros-jazzy-rclpy[fastrtps] ros-jazzy-std-msgs ros-jazzy-sensor-msgs ros-jazzy-diagnostic-msgs \
              ros-jazzy-std-srvs ros-jazzy-lifecycle-msgs ros-rosgraph-msgs
# Every run of ours discovers on this machine only, unless the user says otherwise.
export ROS_AUTOMATIC_DISCOVERY_RANGE ?= LOCALHOST
export PYTHONUNBUFFERED := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
STARTED := $(shell date +%s)
say = @printf '== %s (%ss)\n' "$(1)" "$$(( $$(date +%s) - $(STARTED) ))"

.PHONY: help venv system-packages demo test test-long soak reference lint clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

# With a sourced ROS the environment sees its rclpy; without one, ROS 2 comes from PyPI wheels.
$(BIN)/python:
	$(call say,making $(VENV))
	@if $(PYTHON) -c 'import rclpy' 2>/dev/null; then $(PYTHON) -m venv --system-site-packages $(VENV); \
	else $(PYTHON) -m venv $(VENV); fi

$(VENV)/.ros: $(BIN)/python Makefile
	$(call say,ROS 2: the sourced one where there is one; else wheels from PyPI - about 20 s)
	@$(BIN)/python -c 'import rclpy' 2>/dev/null || $(BIN)/pip install -q $(CONSTRAINTS) $(ROS_WHEELS)
	@touch $@

$(VENV)/.run: $(VENV)/.ros setup.py constraints.txt
	$(call say,installing robot_ai - about 30 s)
	@$(BIN)/pip install -q $(CONSTRAINTS) -e .
	@touch $@

$(VENV)/.test: $(VENV)/.run
	$(call say,installing the training and test tools: TensorFlow among them - about 2 min)
	@$(BIN)/pip install -q $(CONSTRAINTS) -e '.[training,data,test]'
	@touch $@

venv: $(VENV)/.run ## make .venv with what the robot needs

system-packages: # optional: the demo and the tests do without them and say what they skip
	@scripts= ; for p in portaudio19-dev gcc espeak-ng; do dpkg -s $$p >/dev/null 2>&1 || scripts="$$scripts $$p"; done; \
	if [ -z "$$scripts" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ]; then sudo= ; elif sudo -n true 2>/dev/null; then sudo="sudo -n"; else sudo=no; fi; \
	if [ "$$sudo" != no ] && $$sudo apt-get install -y -qq $$scripts >/dev/null 2>&1; then echo "== installed$$scripts"; \
	else echo "== going on without$$scripts (to have them: sudo apt install$$scripts)"; fi

demo: system-packages $(VENV)/.run ## install and show the robot on a bundled recording
	$(call say,demo: the assistant on the bundled bag - about 1 min)
	@$(BIN)/robot-ai replay --demo

test: system-packages $(VENV)/.test ## install and run the tests: at most 20 minutes on two cores
	$(call say,tests - about 10 min)
	@$(BIN)/python -m pytest -q -n 2 -m 'not long' --durations=15

test-long: $(VENV)/.test ## the heavy tests: soak, large fuzz, other versions
	$(call say,long tests - hours)
	@$(BIN)/python -m pytest -q -m long --timeout=0

soak: $(VENV)/.test ## the whole assistant and 20 pages for HOURS (2; overnight: 8): does it grow, slow or lose?
	$(call say,soak: $(HOURS) h)
	@$(BIN)/python test/system/soak.py --hours $(HOURS)

reference: $(VENV)/.run ## write docs/reference.md anew from the code
	@$(BIN)/python test/make_reference.py

lint: $(BIN)/python ## ruff and codespell, as pre-commit runs them
	@$(BIN)/pip install -q ruff codespell && $(BIN)/ruff check . && $(BIN)/codespell

clean: ## remove .venv and build products
	rm -rf $(VENV) build install log dist *.egg-info .pytest_cache .ruff_cache .hypothesis
