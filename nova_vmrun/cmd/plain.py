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

"""What all our commands have in common."""

import argparse
import os
from typing import TYPE_CHECKING

from cliff import columns

from nova_vmrun import exception
from nova_vmrun.formats import report


if TYPE_CHECKING:
    from cliff import app
    from cliff import command

    _Command = command.Command
else:
    # A mixin: each of our commands has one of cliff's classes after it.
    _Command = object


class Plain(_Command):
    """A command with plain help and plain errors.

    cliff's help names the package that a command comes from. To find it, cliff
    searches the files of all installed packages, which takes longer than most
    commands.
    """

    def get_epilog(self) -> str:
        return ''

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Run the command.

        :raises InvalidInput: a file cannot be used; the text is one sentence
        """
        try:
            return super().run(parsed_args)
        except BrokenPipeError:
            # The reader of the output has closed it, as "head" does.
            raise
        except OSError as error:
            if error.filename is None:
                raise
            raise exception.InvalidInput(_sentence(error)) from error


class Lines(columns.FormattableColumn[list[str]]):
    """Texts below each other, or a list in JSON and YAML."""

    def human_readable(self) -> str:
        return '\n'.join(self._value)


def add_os_cloud(parser: argparse.ArgumentParser,
                 otherwise: str = '') -> None:
    """Add --os-cloud.

    :param otherwise: what the command uses without any of these
    """
    parser.add_argument(
        '--os-cloud', metavar='<name>',
        help='Name of a cloud in clouds.yaml (default: from OS_CLOUD or the '
             'other OS_* variables%s)' % otherwise)


def pair(text: str) -> tuple[str, str]:
    """Parse KEY=VALUE, as the type of an argument."""
    key, equals, value = text.partition('=')
    if not key or not equals:
        raise argparse.ArgumentTypeError('%r is not KEY=VALUE' % text)
    return key, value


def is_sure(app: 'app.App', question: str) -> bool:
    """Ask a question and return whether the answer is "yes"."""
    app.stdout.write('%s Type "yes": ' % question)
    app.stdout.flush()
    answer = app.stdin.readline()
    if not answer:
        # Nobody is there to end the line.
        app.stdout.write('\n')
    return answer.strip().lower() == 'yes'


def _sentence(error: OSError) -> str:
    name = report.printable(os.fsdecode(error.filename))
    if isinstance(error, FileNotFoundError):
        return 'File %s does not exist.' % name
    if isinstance(error, IsADirectoryError):
        return '%s is a directory, not a file.' % name
    if isinstance(error, PermissionError):
        return 'No permission to read %s.' % name
    return 'Cannot use %s: %s.' % (
        name, (error.strerror or 'unknown reason').lower())
