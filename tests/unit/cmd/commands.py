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

"""Runs a command of nova-vmrun in this process."""

import io
import types


def run(command, *argv):
    """Runs a command.

    :param command: its class
    :returns: exit status, standard output and standard error
    """
    app = types.SimpleNamespace(stdout=io.StringIO(), stderr=io.StringIO(),
                                options=None)
    instance = command(app, None)
    arguments = instance.get_parser('image').parse_args(argv)
    status = instance.run(arguments)
    return status, app.stdout.getvalue(), app.stderr.getvalue()
