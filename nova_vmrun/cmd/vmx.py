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

"""``nova-vmrun vmx``: show and check the configuration files of VMs.

These commands need neither Nova nor VMware and work on any .vmx.
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
import contextlib
import os
from typing import Any

from cliff import lister

from nova_vmrun.cmd import plain
from nova_vmrun import exception
from nova_vmrun.formats.lint import check
from nova_vmrun.formats.lint import finding
from nova_vmrun.formats import report
from nova_vmrun.formats import vmx

RENDERED_SUFFIX = '.rendered'
_Table = tuple[Sequence[str], Iterable[Any]]


def _read(path: str) -> tuple[str, str]:
    """Return the text of a file and the name of its encoding."""
    with open(path, 'rb') as file:
        data = file.read()
    with _naming(path):
        return vmx.decode(data)


def _load(path: str) -> vmx.Vmx:
    text, encoding = _read(path)
    with _naming(path):
        return vmx.parse(text, encoding)


@contextlib.contextmanager
def _naming(path: str) -> Iterator[None]:
    try:
        yield
    except exception.InvalidVmx as error:
        raise exception.InvalidVmx('Cannot read %s.' % path, str(error))


def _rendered_text(path: str) -> str | None:
    """Return the text of a file as it was rendered.

    :returns: None if there is no rendered copy and the file itself does not
        say what set its values
    """
    try:
        return _read(path + RENDERED_SUFFIX)[0]
    except FileNotFoundError:
        text = _read(path)[0]
        return text if report.has_origins(text) else None


def _cells(rows: Iterable[Iterable[Any]]) -> list[tuple[Any, ...]]:
    """Convert rows for display in a table."""
    return [tuple(_cell(value) for value in row) for row in rows]


def _cell(value: Any) -> Any:
    if value is None:
        return ''
    return report.printable(value) if isinstance(value, str) else value


class _FileCommand(plain.Plain, lister.Lister):

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('file', metavar='<file>', help='A .vmx file')
        return parser


class Show(_FileCommand):
    """Show the settings of a .vmx grouped by subject, with secrets masked."""

    def take_action(self, parsed_args: argparse.Namespace) -> _Table:
        settings = _load(parsed_args.file)
        return ('About', 'Key', 'Value'), _cells(report.grouped(settings))


class Explain(_FileCommand):
    """Show each key of a .vmx and where its value comes from.

    The image property, flavor or default that set a value is read from the
    rendered copy beside the file (<file>.rendered).
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--key', metavar='<key>', action='append', default=[],
            help='Only show keys that contain this text (repeat for more)')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> _Table:
        settings = _load(parsed_args.file)
        rendered = _rendered_text(parsed_args.file)
        rows = report.explain(settings, rendered)
        wanted = [key.lower() for key in parsed_args.key]
        if wanted:
            rows = [row for row in rows
                    if any(text in row[0].lower() for text in wanted)]
        return ('Key', 'Value', 'Set by'), _cells(rows)


class Diff(plain.Plain, lister.Lister):
    """Show the differences between two .vmx files.

    A single file is compared with the rendered copy beside it
    (<file>.rendered), to show what has changed since it was rendered.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('file', metavar='<file>', help='A .vmx file')
        parser.add_argument('other', metavar='<other>', nargs='?',
                            help='The .vmx file to compare it with')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> _Table:
        before, after = parsed_args.file, parsed_args.other
        if after is None:
            before, after = before + RENDERED_SUFFIX, before
        changes = report.diff(_load(before), _load(after))
        return (('Change', 'Key', 'Before', 'After', 'By'),
                _cells((change.kind, change.key, change.before, change.after,
                        change.by) for change in changes))


class Lint(_FileCommand):
    """Check a .vmx; the exit status is 1 if VMware would refuse it.

    Checks for syntax errors, duplicate and unknown keys, values of the wrong
    type, incomplete devices, missing files, and settings that give the guest
    access to the host.
    """

    def take_action(self, parsed_args: argparse.Namespace) -> _Table:
        with open(parsed_args.file, 'rb') as file:
            data = file.read()
        folder = os.path.dirname(os.path.abspath(parsed_args.file))
        self._found = check.check_bytes(data, exists=lambda path: (
            os.path.exists(os.path.join(folder, path))))
        return (('Severity', 'Line', 'Key', 'Problem'),
                _cells((item.severity, item.line, item.key, item.problem)
                       for item in self._found))

    def run(self, parsed_args: argparse.Namespace) -> int:
        status = super().run(parsed_args)
        errors = any(item.severity == finding.ERROR for item in self._found)
        return 1 if errors else status
