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

"""Run tempest, the tests of OpenStack's APIs, against ``aio up --volumes``.

Usage::

    python -m tests.tempest.run [--logins] [--state-dir DIR] [REGEX...]

Without REGEX, these are tempest.api.network, and the tests that need Cinder in
tempest.api.volume and tempest.api.compute. Those in exclude.txt are left out,
with the reasons given there. They run one after the other.

With --logins, servers boot the guest of tests/guest in QEMU, which needs root,
and tempest logs in to them. Without REGEX, these are all modules of
tempest.api.compute and tempest.scenario with tests that do so, as their source
says. Those in exclude_logins.txt are left out as well, and without --logins
those in exclude_without_logins.txt.

--state-dir names a control plane to use, which is left as it is. Without it,
one is made in a temporary directory and removed at the end.
"""

import argparse
import importlib.util
import os
import pathlib
import re
import sys
import tempfile

from tests import ending
from tests.packaged import plane
from tests.packaged import suite
from tests.tempest import configuration

_HERE = pathlib.Path(__file__).parent
# What needs Cinder, by the names of the classes and tests.
VOLUMES = (r'tempest\.api\.volume\.',
           r'tempest\.api\.compute\..*[Vv]olume')
# What Neutron has, by itself.
NETWORKS = (r'tempest\.api\.network\.',)
# Where tests log in to servers, and what the modules with such tests contain.
_WITH_LOGINS = ('api/compute', 'scenario')
_LOGIN = re.compile(r'RemoteClient\(|get_remote_client|create_timestamp|'
                    r'check_vm_connectivity|run_validation|SSHABLE')


def main() -> int:
    ending.clean_up_on_sigterm()
    parser = argparse.ArgumentParser(prog='tests.tempest.run')
    parser.add_argument('--logins', action='store_true')
    parser.add_argument('--state-dir')
    parser.add_argument('regexes', nargs='*', metavar='REGEX')
    arguments = parser.parse_args()
    regexes = arguments.regexes or (
        _modules_with_logins() if arguments.logins
        else [*VOLUMES, *NETWORKS])
    with tempfile.TemporaryDirectory(prefix='nova-vmrun-tempest-') as name:
        folder = pathlib.Path(name)
        with plane.control_plane(arguments.state_dir, folder, '--volumes',
                                 boots=arguments.logins) as layout:
            path = configuration.write(layout, folder, arguments.logins)
            os.environ['TEMPEST_CONFIG_DIR'] = str(path.parent)
            os.environ['TEMPEST_CONFIG'] = path.name
            return _suite(arguments.logins).run(regexes)


def _modules_with_logins() -> list[str]:
    """Return regular expressions that find the tests of these modules."""
    spec = importlib.util.find_spec('tempest')
    if spec is None or spec.origin is None:
        sys.exit('tempest is not installed. Run the tests with tox.')
    package = pathlib.Path(spec.origin).parent
    return with_logins(package)


def with_logins(package: pathlib.Path) -> list[str]:
    """Return regular expressions that find the tests that log in.

    :param package: folder of tempest
    """
    return [
        r'^%s\.' % re.escape('.'.join(
            path.relative_to(package.parent).with_suffix('').parts))
        for folder in _WITH_LOGINS
        for path in sorted((package / folder).rglob('test_*.py'))
        if _LOGIN.search(path.read_text())]


def _suite(logins: bool) -> suite.Suite:
    other = 'exclude_logins.txt' if logins else 'exclude_without_logins.txt'
    return suite.Suite(
        'tempest', 'test_discover', [_HERE / 'exclude.txt', _HERE / other],
        # All tests of a class share its set-up.
        r'([^\.]*\.)*')


if __name__ == '__main__':
    sys.exit(main())
