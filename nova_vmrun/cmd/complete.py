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

"""``nova-vmrun complete``: completion in a shell."""

import argparse
from collections.abc import Iterator

from cliff import command

from nova_vmrun.cmd import completion
from nova_vmrun.cmd import plain


class Complete(plain.Plain, command.Command):
    """Print a script that completes commands and options in a shell.

    In bash, run: source <(nova-vmrun complete bash). In zsh, run: source
    <(nova-vmrun complete zsh). In fish, run: nova-vmrun complete fish |
    source. To keep it, write it to the file that its first line names.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('shell', choices=list(completion.SCRIPTS),
                            metavar='<shell>', help='bash, zsh or fish')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.app.stdout.write(completion.SCRIPTS[parsed_args.shell](
            completion.tree(list(self._commands()))))

    def _commands(self) -> Iterator[completion.Command]:
        """Yield all commands, and the program with its own options."""
        yield completion.describe('', '', self.app.parser)
        for name, entry in self.app.command_manager:
            found = entry.load()(self.app, None)
            yield completion.describe(
                name, found.get_description(),
                found.get_parser('nova-vmrun ' + name))
