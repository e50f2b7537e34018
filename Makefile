# Set-up and the two commands a visitor needs. Everything else is in tox.ini.

PYTHON ?= python3
TOX = .venv/bin/tox

.PHONY: help test demo clean

help:
	@echo 'make demo          boot a server on a real OpenStack, then remove all'
	@echo 'make demo KEEP=1   the same, and leave it running'
	@echo 'make test          all tests that this machine can run'
	@echo 'make clean         remove what make has made'

# The guest is made while tox installs OpenStack; the demo says if it cannot be.
demo: $(TOX)
	@tools/system-packages --optional demo
	@tools/system-packages
	@$(PYTHON) tests/guest/make_guest --quiet >/dev/null 2>&1 & \
	$(TOX) -q -e demo -- $(if $(KEEP),--keep)

test: $(TOX)
	@tools/system-packages --optional test
	@tools/system-packages
	@$(TOX)

$(TOX):
	@echo 'Making .venv with tox'
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install -q 'tox>=4.11' bindep

clean:
	rm -rf .venv .tox .stestr .hypothesis build dist *.egg-info \
		nova-vmrun-demo.png
