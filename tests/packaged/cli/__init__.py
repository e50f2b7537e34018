#    Licensed under the Apache License, Version 2.0 (the "License"); you may
#    not use this file except in compliance with the License. You may obtain
#    a copy of the License at
#
#         http://www.apache.org/licenses/LICENSE-2.0
#
#    Unless required by applicable law or agreed to in writing, software
#    distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
#    WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
#    License for the specific language governing permissions and limitations
#    under the License.

"""Functional tests of openstackclient, without its start for each command.

The tests run thousands of commands, each of which imports the client for
seconds. Here the process of the tests imports it once, and a fork of it runs
the command.
"""

from importlib import metadata
import io
import logging
import os
import shlex
import sys
import tempfile
import traceback
from typing import Any, NoReturn
import unittest

from cliff import command
from openstackclient import shell
from openstackclient.tests import functional
from openstackclient.tests.functional import base
from tempest.lib import exceptions

from tests.packaged import discovery

_FOLDERS = ('compute', 'identity', 'image', 'network')


def load_tests(loader: unittest.TestLoader, tests: unittest.TestSuite,
               pattern: str | None) -> unittest.TestSuite:
    base.execute = Command()
    return discovery.discover(loader, functional, _FOLDERS)


class Command:
    """Runs a command, as the function "execute" of the tests does."""

    def __init__(self) -> None:
        self._is_imported = False

    def __call__(self, cmd: str, *, fail_ok: bool = False) -> str:
        if not self._is_imported:
            _import_commands()
            self._is_imported = True
        with tempfile.TemporaryFile() as output, \
                tempfile.TemporaryFile() as errors:
            process = os.fork()
            if not process:
                _run(shlex.split(cmd), output.fileno(), errors.fileno())
            _, status = os.waitpid(process, 0)
            code = os.waitstatus_to_exitcode(status)
            # These are the types that the tests expect.
            printed, complained = _read(output).decode(), _read(errors)
        if code and not fail_ok:
            raise exceptions.CommandFailed(code, cmd, printed, complained)
        return printed


def _import_commands() -> None:
    for point in metadata.distribution('python-openstackclient').entry_points:
        found = point.load()
        if isinstance(found, type) and issubclass(found, command.Command):
            # This reads the metadata of all packages, which is then kept.
            found(None, None).get_epilog()


def _read(file: Any) -> bytes:
    file.seek(0)
    content: bytes = file.read()
    return content


def _run(words: list[str], output: int, errors: int) -> NoReturn:
    """Become the program, and end with its exit code."""
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(errors, 2)
        sys.stdin, sys.stdout, sys.stderr = (
            io.TextIOWrapper(open(number, mode), encoding='utf-8')
            for number, mode in ((0, 'rb'), (1, 'wb'), (2, 'wb')))
        for name in [name for name in os.environ if name.startswith('OS_')]:
            del os.environ[name]
        # Those of the tests.
        logging.getLogger().handlers.clear()
        sys.argv = words
        code = shell.main(words[1:])
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
