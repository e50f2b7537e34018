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

"""The ``nova-vmrun`` command.

Commands are found through the ``nova_vmrun.cli`` entry points and import what
they need only when they run, so that reading a file does not load Nova.
"""

import importlib.metadata
import sys

from cliff import app
from cliff import command
from cliff import commandmanager

NAMESPACE = 'nova_vmrun.cli'


class Commands(commandmanager.CommandManager):
    """Find only our own commands.

    cliff would read the entry points of every installed package, and import
    every command, before running one.
    """

    def load_commands(self, namespace: str) -> None:
        self.group_list.append(namespace)
        own = importlib.metadata.distribution('nova-vmrun').entry_points
        for entry in own.select(group=namespace):
            self.commands[entry.name.replace('_', ' ')] = entry

    def add_command(self, name: str,
                    command_class: type[command.Command]) -> None:
        """Add a command of cliff's, unless we have one of that name."""
        if name not in self.commands:
            super().add_command(name, command_class)


class VmrunApp(app.App):
    """The ``nova-vmrun`` program: quiet, with one-line errors."""

    NAME = 'nova-vmrun'
    # Warnings and errors only; -v adds the messages of libraries.
    DEFAULT_VERBOSE_LEVEL = 0

    def __init__(self) -> None:
        super().__init__(
            description='Tools for Nova on VMware Workstation, Player and '
                        'Fusion.',
            version=importlib.metadata.version('nova-vmrun'),
            command_manager=Commands(NAMESPACE),
            deferred_help=True)

    def run(self, argv: list[str]) -> int:
        # Without arguments, cliff would open an interactive shell.
        return super().run(argv or ['--help'])


def main(argv: list[str] | None = None) -> int:
    """Run a command.

    :param argv: arguments without the program name
    :returns: exit status
    """
    return VmrunApp().run(sys.argv[1:] if argv is None else argv)


if __name__ == '__main__':
    sys.exit(main())
