# Setup and the two commands that a visitor needs. The rest is in tox.ini.

PYTHON ?= python3
TOX = .venv/bin/tox
TOOLS = 'tox>=4.11' bindep
# tox finds uv there.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help setup test pictures demo demo-guest demo-environment clean

help:
	@echo 'make demo          boot a server on a real OpenStack, then clean up'
	@echo 'make demo KEEP=1   the same, but leave it running'
	@echo 'make setup         install what is needed to work on the code'
	@echo 'make test          run every test that this machine can run'
	@echo 'make pictures      make the pictures of the documentation again'
	@echo 'make clean         remove everything that make created'

# OpenStack is installed while the guest is built. If there can be no guest,
# the demo says so.
demo: $(TOX)
	@tools/system-packages
	@$(MAKE) -s -j2 demo-guest demo-environment
	@$(TOX) -q -e demo --skip-pkg-install -- $(if $(KEEP),--keep)

demo-guest:
	@tools/system-packages --optional demo
	@$(PYTHON) tests/guest/make_guest --quiet --format qcow2 >/dev/null 2>&1 || true

demo-environment:
	@echo 'Installing OpenStack'
	@$(TOX) -qq -e demo --notest

test: $(TOX)
	@tools/system-packages --optional test
	@tools/system-packages
	@$(TOX)

# A test of the dashboard saves its pages. The terminal shows the demo.
pictures: $(TOX)
	@tools/system-packages --optional test
	@tools/system-packages
	@NOVA_VMRUN_PICTURES=$(CURDIR)/doc/source/pictures \
		$(TOX) -q -e browser -- test_dashboard
	@$(TOX) -q -e pictures

# The checks of .pre-commit-config.yaml run before each commit from then on.
setup: $(TOX)
	@echo 'Installing Nova, the other services and the test tools'
	@$(TOX) -qq -e all --notest
	@.venv/bin/python -m pip install -q pre-commit 'reno>=4.1.0'
	@.venv/bin/pre-commit install

# Without uv, pip does the same in more time.
$(TOX):
	@echo 'Making .venv with tox'
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install -q uv || true
	@if [ -x .venv/bin/uv ]; then \
		.venv/bin/uv pip install -q --python .venv/bin/python $(TOOLS); \
	else .venv/bin/python -m pip install -q $(TOOLS); fi

clean:
	rm -rf .venv .tox .stestr .hypothesis .mypy_cache build dist *.egg-info \
		nova-vmrun-demo.png
