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

"""Reads the source: who imports whom, and what each file must have."""

import ast
import pathlib
import re
import subprocess
import sys
from xml.etree import ElementTree

from tests.unit import base
from tools import layers

ROOT = layers.ROOT
PACKAGE = layers.PACKAGE

# What a part may import of the others, beside itself. Arrows point down.
_BELOW = {
    'driver': {'queries', 'ops', 'server'},
    'queries': {'host_calls', 'ops', 'server', 'exception'},
    'host_calls': {'hypervisor', 'ops', 'conf'},
    'hypervisor': {'ops', 'storage', 'volumes', 'server', 'host', 'machine',
                   'tools', 'conf', 'exception', 'system'},
    'ops': {'storage', 'volumes', 'server', 'inspection', 'host', 'machine',
            'tools', 'formats', 'catalog', 'conf', 'exception', 'system'},
    'storage': {'server', 'inspection', 'host', 'tools', 'formats',
                'exception'},
    'volumes': {'server', 'host', 'machine', 'tools', 'formats', 'exception',
                'system'},
    'server': {'host', 'machine', 'tools', 'formats', 'exception', 'system'},
    'inspection': {'host', 'formats', 'exception'},
    'host': {'tools', 'formats', 'exception', 'system'},
    'tools': {'exception', 'system'},
    'machine': {'formats', 'catalog', 'exception'},
    'formats': {'catalog', 'exception'},
    # What image and flavor properties mean, as data.
    'catalog': {'exception'},
    'conf': set(),
    'exception': set(),
    # What differs between Linux and macOS.
    'system': set(),
    'osvif': {'driver'},
    'ml2': set(),
    # A product of its own, which Cinder loads.
    'cinder': {'inspection', 'host', 'formats', 'conf', 'exception',
               'system'},
    'cmd': {'aio', 'bench', 'cluster', 'doctor', 'hypervisor', 'storage',
            'server',
            'inspection', 'host', 'machine', 'tools', 'formats', 'catalog',
            'conf', 'exception', 'system'},
    'bench': {'doctor', 'storage', 'server', 'inspection', 'host', 'tools',
              'exception', 'system'},
    # Several machines as compute hosts of one control plane.
    'cluster': {'aio', 'server', 'host', 'tools', 'formats', 'catalog',
                'conf', 'exception', 'system'},
    'doctor': {'aio', 'storage', 'host', 'tools', 'formats', 'catalog',
               'conf', 'exception', 'system'},
    'aio': {'server', 'host', 'tools', 'formats', 'catalog', 'conf',
            'exception', 'system'},
}
# Parts that work where Nova is not installed.
_WITHOUT_NOVA = ('catalog', 'formats', 'machine', 'tools', 'conf',
                 'exception', 'cmd', 'host', 'server', 'inspection',
                 'storage', 'system', 'volumes', 'cinder', 'doctor', 'bench',
                 'cluster')
# For commands on compute hosts, which have Nova.
_WITH_NOVA = ('cmd/compute_host.py',)
_MAX_LINES = 450
_LICENCE = (ROOT / 'nova_vmrun' / 'exception.py').read_text().partition(
    '\n\n')[0]


def roots(names):
    return {name.partition('.')[0] for name in names}


# Names that a file of a server's disk may have, whole or in part.
_DISK_NAME = re.compile(
    r'\S+[.](vmdk|iso|flp)|(root|swap|ephemeral(%d|\d+)|config-drive).?')


def disk_names(path):
    """Returns the texts of a module that could be names of disks."""
    tree = ast.parse(path.read_text())
    return {node.value for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and
            isinstance(node.value, str) and
            _DISK_NAME.fullmatch(node.value)}


# They start processes that run on, as the control plane's own do.
_SUPERVISORS = {'cluster/node/children.py', 'cluster/first/sessions.py'}


class ImportsTestCase(base.TestCase):

    def test_arrows_point_down(self):
        wrong = []
        for part, path, names in layers.modules():
            for name in names:
                if layers.part_of(name) not in _BELOW[part] | {part, ''}:
                    wrong.append('%s imports %s' % (path, name))
        self.assertEqual([], wrong)

    def test_each_part_is_read(self):
        self.assertEqual(set(_BELOW),
                         {module.part for module in layers.modules()})

    def test_only_the_upper_parts_need_nova(self):
        self.assertEqual([], [
            str(path) for part, path, names in layers.modules()
            if part in _WITHOUT_NOVA and 'nova' in roots(names) and
            str(path.relative_to(PACKAGE)) not in _WITH_NOVA])

    def test_parts_without_nova_can_be_imported_without_it(self):
        names = [
            str(path.relative_to(ROOT)).removesuffix('.py').replace('/', '.')
            for part, path, _ in layers.modules()
            if part in ('catalog', 'formats', 'machine', 'tools',
                        'inspection', 'exception', 'system') or
            path.name in ('main.py', 'vmx.py', 'vmx_render.py') or
            path.parent.name == 'image']
        self.assertIn('nova_vmrun.cmd.vmx', names)
        subprocess.run(
            [sys.executable, '-c',
             'import importlib, sys\n'
             'sys.modules.update(nova=None, eventlet=None)\n'
             'for name in sys.argv[1:]: importlib.import_module(name)',
             *names], check=True)

    def test_nobody_needs_eventlet(self):
        self.assertEqual([], [str(path) for _, path, names in layers.modules()
                              if 'eventlet' in roots(names)])

    def test_one_room_asks_which_system_this_is(self):
        """Elsewhere a Linux-only call could hide behind a portable name."""
        self.assertEqual([], [
            str(path) for part, path, _ in layers.modules()
            if part != 'system' and asks_for_system(path)])

    def test_one_module_runs_programs(self):
        """The all-in-one control plane supervises services by itself."""
        runners = {str(path.relative_to(PACKAGE))
                   for part, path, _ in layers.modules()
                   if part != 'aio' and runs_programs(path)}
        self.assertEqual({'tools/process.py', *_SUPERVISORS}, runners)

    def test_one_module_opens_the_vmx_of_servers(self):
        """The commands open files that users name.

        The VMs of the doctor's trial are no servers.
        """
        openers = {str(path.relative_to(PACKAGE))
                   for part, path, _ in layers.modules()
                   if part not in ('formats', 'machine', 'cmd') and
                   opens_vmx(path)} - {'doctor/trial_vms.py'}
        self.assertEqual({'server/vmx_file.py'}, openers)

    def test_only_the_record_says_what_a_disk_is(self):
        """No other module names a disk's file, or tells disks by names.

        Images in the cache and copies for Glance are no disks of servers.
        """
        namers = {str(path.relative_to(PACKAGE))
                  for part, path, _ in layers.modules()
                  if part in ('driver', 'queries', 'host_calls',
                              'hypervisor', 'ops', 'server', 'machine') and
                  disk_names(path) - {'disk.vmdk', '*.vmdk'}}
        self.assertEqual({'server/disks.py'}, namers)


class PictureTestCase(base.TestCase):
    """What the architecture page shows."""

    GRAPH = {'top': {'middle', 'bottom', 'conf'}, 'middle': {'bottom'},
             'bottom': {'exception'}, 'alone': set(), 'conf': set(),
             'exception': set()}

    def test_an_arrow_that_others_lead_to_is_left_out(self):
        self.assertEqual({'top': {'middle'}, 'middle': {'bottom'},
                          'bottom': set()},
                         layers.essential({'top': {'middle', 'bottom'},
                                           'middle': {'bottom'},
                                           'bottom': set()}))

    def test_importing_parts_are_above_imported_ones(self):
        self.assertEqual(
            [['alone', 'top'], ['middle'], ['bottom']],
            layers.rows({'top': {'middle'}, 'middle': {'bottom'},
                         'bottom': set(), 'alone': set()}))

    def test_parts_and_arrows(self):
        tree = ElementTree.fromstring(layers.svg(self.GRAPH))
        space = '{http://www.w3.org/2000/svg}'
        boxes = {text.text: (int(text.get('x')), int(text.get('y')))
                 for text in tree.iter(space + 'text')}
        self.assertEqual({'top', 'middle', 'bottom', 'alone'}, set(boxes))
        starts = {int(line.get('y1')) for line in tree.iter(space + 'line')}
        self.assertEqual(2, len(starts))
        for line in tree.iter(space + 'line'):
            self.assertLess(int(line.get('y1')), int(line.get('y2')))

    def test_each_part_is_on_it(self):
        drawn = layers.svg(layers.arrows(layers.modules()))
        for part in set(_BELOW) - layers.EVERYWHERE:
            self.assertIn('>%s</text>' % part, drawn)


_OF_ONE_SYSTEM = {
    'sys.platform', 'os.fsync', 'os.fdatasync', 'os.copy_file_range',
    'os.sendfile', 'os.memfd_create', 'os.posix_fallocate',
    'os.sched_getaffinity', 'os.sched_setaffinity', 'resource.setrlimit',
    'time.CLOCK_BOOTTIME', 'socket.SO_PEERCRED', 'ctypes.CDLL'}
# It sets the limits that the room allows.
_SETS_LIMITS = PACKAGE / 'tools' / 'preparation.py'


def asks_for_system(path: pathlib.Path) -> set[str]:
    """Returns what a file names that only one system has, or /proc."""
    allowed = {'resource.setrlimit'} if path == _SETS_LIMITS else set()
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            found.add(ast.unparse(node))
        elif isinstance(node, ast.Constant) and isinstance(
                node.value, str) and node.value.startswith('/proc/'):
            found.add('/proc')
    return found & (_OF_ONE_SYSTEM | {'/proc'}) - allowed


class AsksForSystemTestCase(base.TestCase):
    """The reader of the source can tell."""

    def test_each_way(self):
        path = pathlib.Path(self.useFixture(
            base.fixtures.TempDir()).path) / 'module.py'
        for text, expected in (
                ('if sys.platform == "linux": pass', {'sys.platform'}),
                ('open("/proc/%d/stat" % pid)', {'/proc'}),
                ('os.memfd_create("a")', {'os.memfd_create'}),
                ('os.path.exists("/process")', set())):
            path.write_text(text)
            self.assertEqual(expected, asks_for_system(path), text)


def opens_vmx(path):
    """Return whether a file parses, writes or opens a server's .vmx."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name in ('vmx.load', 'vmx.parse', 'vmx.dump') or (
                name.partition('.')[0] in ('files', 'open') and
                '.vmx(' in ''.join(map(ast.unparse, node.args))):
            return True
    return False


class OpensVmxTestCase(base.TestCase):
    """The reader of the source can tell."""

    def test_each_way(self):
        path = pathlib.Path(self.useFixture(
            base.fixtures.TempDir()).path) / 'module.py'
        for text, expected in (
                ('vmx.load(data)', True),
                ('vmx.dump(keys, controls=keys)', True),
                ('files.read(self._layout.vmx(uuid))', True),
                ('open(layout.vmx(uuid))', True),
                ('files.read(self._layout.vmsd(uuid))', False),
                ('os.path.exists(self._layout.vmx(uuid))', False)):
            path.write_text(text)
            self.assertEqual(expected, opens_vmx(path), text)


def runs_programs(path):
    """Return whether a file can start a process by itself.

    Naming the exception that Nova's own code raises starts nothing.
    """
    text = path.read_text()
    tree = ast.parse(text)
    used = {node.attr for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and
            isinstance(node.value, ast.Name) and
            node.value.id == 'processutils'}
    started = {node.attr for node in ast.walk(tree)
               if isinstance(node, ast.Attribute) and
               isinstance(node.value, ast.Name) and node.value.id == 'os'}
    return bool('subprocess' in roots(layers.imports(path)) or
                used - {'ProcessExecutionError'} or
                started & {'system', 'popen', 'fork', 'posix_spawn', 'execv',
                           'execve', 'execvp', 'spawnv'})


class RunsProgramsTestCase(base.TestCase):
    """The reader of the source can tell."""

    def test_each_way(self):
        path = pathlib.Path(self.useFixture(
            base.fixtures.TempDir()).path) / 'module.py'
        for text, expected in (
                ('import subprocess', True),
                ('from subprocess import run', True),
                ('from oslo_concurrency import processutils\n'
                 'processutils.execute("a")', True),
                ('from oslo_concurrency import processutils\n'
                 'processutils.ProcessExecutionError', False),
                ('import os\nos.system("a")', True),
                ('import os\nos.path', False)):
            path.write_text(text)
            self.assertEqual(expected, runs_programs(path), text)


class FilesTestCase(base.TestCase):

    def sources(self):
        for top in ('nova_vmrun', 'tests', 'tools'):
            yield from sorted((ROOT / top).rglob('*.py'))

    def test_no_file_is_long(self):
        self.assertEqual([], [
            str(path) for path in self.sources()
            if len(path.read_text().splitlines()) > _MAX_LINES])

    def test_each_module_has_a_licence_header(self):
        self.assertIn('Apache License', _LICENCE)
        self.assertEqual([], [
            str(path) for path in self.sources()
            if path.stat().st_size and
            not path.read_text().startswith(_LICENCE)])

    def test_each_program_has_a_licence_header(self):
        programs = [path for path in (ROOT / 'tests').rglob('*')
                    if path.is_file() and not path.suffix and
                    path.read_bytes()[:2] == b'#!']
        self.assertIn(ROOT / 'tests' / 'fakes' / 'fake_vmrun', programs)
        self.assertEqual([], [str(path) for path in programs
                              if _LICENCE not in path.read_text()])
