# Set-up and the two commands a visitor needs. Everything else is in tox.ini.

PYTHON ?= python3
TOX = .venv/bin/tox

.PHONY: help test demo clean

help:
	@echo 'make demo          boot a server on a real OpenStack, then remove all'
	@echo 'make demo KEEP=1   the same, and leave it running'
	@echo 'make test          all tests that this machine can run'
	@echo 'make clean         remove what make has made'

demo: $(TOX)
	@tools/system-packages
	@$(TOX) -q -e demo -- $(if $(KEEP),--keep)

test: $(TOX)
	@tools/system-packages
	@tools/system-packages --optional test
	@$(TOX)

$(TOX):
	@echo 'Making .venv with tox'
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install -q 'tox>=4.11' bindep

clean:
	rm -rf .venv .tox .stestr .hypothesis build dist *.egg-info
