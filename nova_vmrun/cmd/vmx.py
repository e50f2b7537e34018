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

"""``nova-vmrun vmx``: reading the configuration files of VMs.

These commands need neither Nova nor VMware, and take any .vmx.
"""

import contextlib
import os

from cliff import lister

from nova_vmrun.cmd import plain
from nova_vmrun import exception
from nova_vmrun.formats.lint import check
from nova_vmrun.formats.lint import finding
from nova_vmrun.formats import report
from nova_vmrun.formats import vmx

RENDERED_SUFFIX = '.rendered'


def _read(path):
    """Reads a file's text, and the name of its encoding."""
    with open(path, 'rb') as file:
        data = file.read()
    with _naming(path):
        return vmx.decode(data)


def _load(path):
    text, encoding = _read(path)
    with _naming(path):
        return vmx.parse(text, encoding)


@contextlib.contextmanager
def _naming(path):
    try:
        yield
    except exception.InvalidVmx as error:
        raise exception.InvalidVmx('%s cannot be read.' % path, str(error))


def _rendered_text(path):
    """Reads the copy of a file that was kept as it was rendered.

    :returns: text; None if there is no copy and the file itself is not as it
        was rendered either
    """
    try:
        return _read(path + RENDERED_SUFFIX)[0]
    except FileNotFoundError:
        text = _read(path)[0]
        return text if report.has_origins(text) else None


def _cells(rows):
    """Makes rows that a table can show."""
    return [tuple(_cell(value) for value in row) for row in rows]


def _cell(value):
    if value is None:
        return ''
    return report.printable(value) if isinstance(value, str) else value


class _FileCommand(plain.Plain, lister.Lister):

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        parser.add_argument('file', metavar='<file>', help='A .vmx')
        return parser


class Show(_FileCommand):
    """Show what a .vmx says, by subject; secrets are masked."""

    def take_action(self, parsed_args):
        settings = _load(parsed_args.file)
        return ('About', 'Key', 'Value'), _cells(report.grouped(settings))


class Explain(_FileCommand):
    """Show each key of a .vmx and where its value came from.

    The rendered copy beside the file (<file>.rendered) tells which image
    property, flavor or default set a value.
    """

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--key', metavar='<key>', action='append', default=[],
            help='Show only keys that contain this text (repeat for more)')
        return parser

    def take_action(self, parsed_args):
        settings = _load(parsed_args.file)
        rendered = _rendered_text(parsed_args.file)
        rows = report.explain(settings, rendered)
        wanted = [key.lower() for key in parsed_args.key]
        if wanted:
            rows = [row for row in rows
                    if any(text in row[0].lower() for text in wanted)]
        return ('Key', 'Value', 'Set by'), _cells(rows)


class Diff(plain.Plain, lister.Lister):
    """Show what differs between two .vmx files.

    With one file, it is compared with the rendered copy beside it
    (<file>.rendered): the difference is what has happened since.
    """

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        parser.add_argument('file', metavar='<file>', help='A .vmx')
        parser.add_argument('other', metavar='<other>', nargs='?',
                            help='A .vmx to compare it with')
        return parser

    def take_action(self, parsed_args):
        before, after = parsed_args.file, parsed_args.other
        if after is None:
            before, after = before + RENDERED_SUFFIX, before
        changes = report.diff(_load(before), _load(after))
        return (('Change', 'Key', 'Before', 'After', 'By'),
                _cells((change.kind, change.key, change.before, change.after,
                        change.by) for change in changes))


class Lint(_FileCommand):
    """Check a .vmx; the exit status is 1 if VMware would refuse it.

    Checked are the syntax, keys that come twice or are not known, values of
    the wrong kind, devices that are not whole, files that are not there, and
    settings that open the host to the guest.
    """

    def take_action(self, parsed_args):
        with open(parsed_args.file, 'rb') as file:
            data = file.read()
        folder = os.path.dirname(os.path.abspath(parsed_args.file))
        self._found = check.check_bytes(data, exists=lambda path: (
            os.path.exists(os.path.join(folder, path))))
        return (('Severity', 'Line', 'Key', 'Problem'),
                _cells((item.severity, item.line, item.key, item.problem)
                       for item in self._found))

    def run(self, parsed_args):
        status = super().run(parsed_args)
        errors = any(item.severity == finding.ERROR for item in self._found)
        return 1 if errors else status
