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

"""Virtual environments to install packages in.

They are made offline: packages that are not under test are linked from the
environment of the tests.
"""

import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import venv

import fixtures

ROOT = pathlib.Path(__file__).resolve().parents[3]
# Ours is what the tests install. The other entries would bring in packages
# that are installed editable here.
NOT_LINKED = r'nova_vmrun\b.*|__editable__.*|.*\.(pth|egg-link)'
NOVA = r'nova|nova-[0-9].*'
TIMEOUT = 300


def missing():
    """Return what is not installed, or None."""
    if not shutil.which('git'):
        return 'git is not installed'
    for module in ('pip', 'setuptools'):
        if not importlib.util.find_spec(module):
            return '%s is not installed' % module
    if not (ROOT / '.git').exists():
        return 'pbr packs what Git knows, and this is no Git checkout'
    return None


def run(*command, **kwargs):
    """Run a program.

    :returns: its output
    :raises RuntimeError: it failed; with all that it printed
    """
    done = subprocess.run(
        [str(part) for part in command], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT, **kwargs)
    if done.returncode:
        raise RuntimeError('%s: exit code %d\n%s' % (
            command, done.returncode, done.stdout))
    return done.stdout


def copy_checkout(destination):
    """Copy what would be committed, as a Git repository of its own.

    Building writes an egg-info into the sources. In this checkout it would
    hide the entry points of the package that is installed.
    """
    names = run('git', '-C', ROOT, 'ls-files', '-z', '--cached', '--others',
                '--exclude-standard').split('\0')
    for name in filter(None, names):
        source = ROOT / name
        if source.is_file():
            target = destination / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    run('git', 'init', '--quiet', destination)
    run('git', '-C', destination, 'add', '--all')


class Environment(fixtures.Fixture):
    """A virtual environment with links to the packages of this one.

    :param leave_out: pattern of further names in site-packages that get no
        link
    """

    def __init__(self, leave_out=None):
        super().__init__()
        self._leave_out = re.compile('|'.join(
            filter(None, [NOT_LINKED, leave_out])))

    def _setUp(self):
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.prefix = self.path / 'environment'
        venv.create(self.prefix, symlinks=True, with_pip=False)
        self.python = self.prefix / 'bin' / 'python'
        self.site_packages = pathlib.Path(sysconfig.get_path(
            'purelib', vars={'base': str(self.prefix)}))
        for entry in pathlib.Path(sysconfig.get_path('purelib')).iterdir():
            if not self._leave_out.fullmatch(entry.name):
                (self.site_packages / entry.name).symlink_to(entry)

    def install(self, *arguments):
        """Run pip install, which takes nothing from elsewhere."""
        run(sys.executable, '-m', 'pip', '--python', self.python,
            '--disable-pip-version-check', 'install', '--quiet', '--no-deps',
            '--no-index', '--no-build-isolation', *arguments,
            cwd=self.path, env=self._environment())

    def run(self, *command):
        """Run a program of this environment, in an empty folder.

        :returns: its output
        """
        folder = self.path / 'work'
        folder.mkdir(exist_ok=True)
        return run(self.python.parent / command[0], *command[1:],
                   cwd=folder, env=self._environment())

    def _environment(self):
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(('PYTHON', 'PIP_', 'OS_'))}
        # pbr takes the version from Git's history, which the copy has not;
        # stevedore caches entry points below HOME.
        return dict(kept, HOME=str(self.path), PBR_VERSION='0.0.1',
                    PIP_ROOT_USER_ACTION='ignore')
