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

    python -m tests.tempest.run [--state-dir DIR] [REGEX...]

Without REGEX, these are tempest.api.network, and the tests that need Cinder in
tempest.api.volume and tempest.api.compute. Those in exclude.txt are left out,
with the reasons given there. They run one after the other.

--state-dir names a control plane to use, which is left as it is. Without it,
one is made in a temporary directory and removed at the end.
"""

import argparse
from collections.abc import Iterator
import contextlib
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import ports
from tests.tempest import configuration

_HERE = pathlib.Path(__file__).parent
EXCLUDED = _HERE / 'exclude.txt'
RESULTS = _HERE.parents[1] / '.stestr' / 'tempest'
# What needs Cinder, by the names of the classes and tests.
VOLUMES = (r'tempest\.api\.volume\.',
           r'tempest\.api\.compute\..*[Vv]olume')
# What Neutron has, by itself.
NETWORKS = (r'tempest\.api\.network\.',)


def main() -> int:
    parser = argparse.ArgumentParser(prog='tests.tempest.run')
    parser.add_argument('--state-dir')
    parser.add_argument('regexes', nargs='*', metavar='REGEX')
    arguments = parser.parse_args()
    regexes = arguments.regexes or [*VOLUMES, *NETWORKS]
    with tempfile.TemporaryDirectory(prefix='nova-vmrun-tempest-') as name:
        folder = pathlib.Path(name)
        with _control_plane(arguments.state_dir, folder) as layout:
            path = configuration.write(layout, folder)
            os.environ['TEMPEST_CONFIG_DIR'] = str(path.parent)
            os.environ['TEMPEST_CONFIG'] = path.name
            return _run(regexes)


@contextlib.contextmanager
def _control_plane(state_dir: str | None, folder: pathlib.Path
                   ) -> Iterator[aio_layout.Layout]:
    layout = aio_layout.Layout(state_dir or folder / 'state')
    if state_dir:
        yield layout
        return
    # Guests that boot nothing suffice, and are there at once.
    os.environ['FAKE_VMRUN_ENGINE'] = 'plain'
    try:
        _aio(layout, 'up', '--volumes', '--fake',
             '--port-base', str(ports.free_base()))
        yield layout
    finally:
        _aio(layout, 'wipe', '--yes')


def _aio(layout: aio_layout.Layout, *words: str) -> None:
    subprocess.run([sys.executable, '-m', 'nova_vmrun.cmd.main', 'aio',
                    *words, '--state-dir', str(layout.root)], check=True)


def _run(regexes: list[str]) -> int:
    """Run the tests; return stestr's exit status, or 1 for a stale list."""
    selected = _names(regexes)
    excluded = exclusions()
    unknown = set(excluded) - _names([])
    if unknown:
        print('exclude.txt names tests that tempest does not have:')
        print('\n'.join(sorted(unknown)))
        return 1
    left_out = sorted(selected & set(excluded))
    status = _stestr('run', '--serial', '--exclude-list', str(EXCLUDED),
                     *regexes).returncode
    print('Selected: %d. Left out by exclude.txt: %d.'
          % (len(selected), len(left_out)))
    for name in left_out:
        print('  %s: %s' % (name, excluded[name]))
    return status


def exclusions() -> dict[str, str]:
    """Return the reason for each test that is left out, by its name."""
    found = {}
    for line in EXCLUDED.read_text().splitlines():
        name, _, reason = line.partition('#')
        if name.strip():
            found[name.strip()] = reason.strip()
    return found


def _names(regexes: list[str]) -> set[str]:
    listed = _stestr('list', *regexes, stdout=subprocess.PIPE)
    listed.check_returncode()
    return {line.partition('[')[0] for line in listed.stdout.splitlines()
            if line.startswith('tempest.')}


def _stestr(command: str, *words: str, stdout: int | None = None
            ) -> subprocess.CompletedProcess[str]:
    spec = importlib.util.find_spec('tempest')
    if spec is None or spec.origin is None:
        sys.exit('tempest is not installed. Run "tox -e tempest".')
    package = pathlib.Path(spec.origin).parent
    stestr = ['stestr', '--test-path', str(package / 'test_discover'),
              '--top-dir', str(package.parent), '--repo-url', str(RESULTS),
              # All tests of a class share its set-up.
              '--group-regex', r'([^\.]*\.)*']
    if not RESULTS.exists():
        RESULTS.mkdir(parents=True)
        subprocess.run([*stestr, 'init'], check=True)
    return subprocess.run([*stestr, command, *words], stdout=stdout,
                          text=True)


if __name__ == '__main__':
    sys.exit(main())
