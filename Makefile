# Set-up and the two commands a visitor needs. Everything else is in tox.ini.

PYTHON ?= python3
TOX = .venv/bin/tox

.PHONY: help test demo demo-guest demo-environment clean

help:
	@echo 'make demo          boot a server on a real OpenStack, then remove all'
	@echo 'make demo KEEP=1   the same, and leave it running'
	@echo 'make test          all tests that this machine can run'
	@echo 'make clean         remove what make has made'

# OpenStack is installed while the guest is made. Where there can be no guest
# the demo says so.
demo: $(TOX)
	@tools/system-packages
	@$(MAKE) -s -j2 demo-guest demo-environment
	@$(TOX) -q -e demo --skip-pkg-install -- $(if $(KEEP),--keep)

demo-guest:
	@tools/system-packages --optional demo
	@$(PYTHON) tests/guest/make_guest --quiet >/dev/null 2>&1 || true

demo-environment:
	@echo 'Installing OpenStack'
	@$(TOX) -qq -e demo --notest

test: $(TOX)
	@tools/system-packages --optional test
	@tools/system-packages
	@$(TOX)

$(TOX):
	@echo 'Making .venv with tox'
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install -q 'tox>=4.11' bindep

clean:
	rm -rf .venv .tox .stestr .hypothesis .mypy_cache build dist *.egg-info \
		nova-vmrun-demo.png
