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

"""Run the functional tests of OpenStack's clients, on ``aio up --volumes``.

Usage::

    python -m tests.clients.run [--state-dir DIR] [--client NAME] [REGEX...]

NAME is openstackclient or openstacksdk, whose packages bring the tests; both
is the default. Without REGEX, these are the tests of compute, network, image
and identity. Those in exclude_<NAME>.txt are left out, with the reasons given
there. They run one after the other.

--state-dir names a control plane to use. It gets users, an image, a network
and a flavor like those of devstack, and loses the flavor m1.nano. Without it,
one is made in a temporary directory and removed at the end.
"""

import argparse
import os
import pathlib
import sys
import tempfile

from tests.clients import clouds
from tests import ending
from tests.packaged import plane
from tests.packaged import suite

_HERE = pathlib.Path(__file__).parent
# All tests of a class share its set-up.
_CLASS = r'([^\.]*\.)*'
_SUITES = {
    'openstackclient': suite.Suite(
        'openstackclient', 'tests/packaged/cli',
        [_HERE / 'exclude_openstackclient.txt'], _CLASS),
    'openstacksdk': suite.Suite(
        'openstack', 'tests/packaged/sdk',
        [_HERE / 'exclude_openstacksdk.txt'], _CLASS),
}
_REGEXES = {
    'openstackclient': [
        r'\.functional\.(compute|network|image)\.',
        # This version of Keystone has no other.
        r'\.functional\.identity\.v3\.'],
    'openstacksdk': [
        r'\.functional\.(compute|network|image|identity)\.',
        r'\.functional\.cloud\.test_(compute|identity|image|inventory|meta'
        r'|network|project_cleanup)\.'],
}


def main() -> int:
    ending.clean_up_on_sigterm()
    parser = argparse.ArgumentParser(prog='tests.clients.run')
    parser.add_argument('--state-dir')
    parser.add_argument('--client', choices=sorted(_SUITES))
    parser.add_argument('regexes', nargs='*', metavar='REGEX')
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='nova-vmrun-clients-') as name:
        folder = pathlib.Path(name)
        # Many tests of servers look for volumes in their clean-up.
        with plane.control_plane(arguments.state_dir, folder,
                                 '--volumes') as layout:
            home = folder / 'home'
            home.mkdir()
            clouds.write(layout, home)
            os.environ.update(clouds.environment(home))
            names = [arguments.client] if arguments.client else _SUITES
            return max([_SUITES[name].run(arguments.regexes or _REGEXES[name])
                        for name in names])


if __name__ == '__main__':
    sys.exit(main())
