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

"""What the documentation names exists, and works as it says."""

import ast
import configparser
import importlib.metadata
import pathlib
import re

from nova_vmrun.catalog import properties
from nova_vmrun import conf
from nova_vmrun.conf import cinder_backend
from nova_vmrun import driver
from nova_vmrun import host_calls
from nova_vmrun.ml2 import conf as ml2_conf
from nova_vmrun import queries
from tests.functional import shown
from tests.unit import base

ROOT = pathlib.Path(__file__).parents[2]
SOURCE = ROOT / 'doc' / 'source'
FUNCTIONAL = ROOT / 'tests' / 'functional'
PAGES = sorted(SOURCE.glob('*.rst')) + [
    ROOT / name for name in ('README.rst', 'CONTRIBUTING.rst', 'HACKING.rst')]
TEXT = '\n'.join(page.read_text(encoding='utf-8') for page in PAGES)

# Shown as examples of what is refused.
MISSPELT = {'vmrun_guestoss'}
OPTIONS = {
    'vmrun': {option.name for option in conf.ALL_OPTS},
    'ml2_vmrun': {option.name for option in ml2_conf.OPTS},
}

# The section of cinder.conf that they are in has the name of a back end.
CINDER_OPTIONS = {option.name for option in cinder_backend.OPTS}

# All entries of Nova's support matrix, in its order.
ENTRIES = '''
operation.attach-volume
operation.attach-tagged-volume
operation.detach-volume
operation.extend-volume
operation.attach-interface
operation.attach-tagged-interface
operation.detach-interface
operation.maintenance-mode
operation.evacuate
operation.rebuild
operation.rebuild-volume-backed
operation.get-guest-info
operation.get-host-uptime
operation.get-host-ip
operation.live-migrate
operation.force-live-migration-to-complete
operation.abort-in-progress-live-migration
operation.launch
operation.pause
operation.reboot
operation.rescue
operation.resize
operation.resume
operation.set-admin-password
operation.snapshot
operation.suspend
operation.swap-volume
operation.terminate
operation.trigger-crash-dump
operation.unpause
guest.disk.autoconfig
guest.disk.rate-limit
guest.setup.configdrive
guest.setup.inject.file
guest.setup.inject.networking
console.rdp
console.serial.log
console.serial.interactive
console.spice
console.vnc
storage.block
storage.block.backend.fibrechannel
storage.block.backend.iscsi
storage.block.backend.iscsi.auth.chap
storage.image
operation.uefi-boot
operation.device-tags
operation.quiesce
operation.unquiesce
operation.multiattach-volume
operation.encrypted-volume
operation.trusted-certs
operation.file-backed-memory
operation.report-cpu-traits
operation.port-with-resource-request
operation.boot-encrypted-vm
operation.cache-images
operation.boot-emulated-tpm
operation.boot-stateless-firmware
'''.split()

# Entries of it, and the method of the driver or the
# capability without which they cannot work.
METHODS = {
    'operation.attach-volume': 'attach_volume',
    'operation.detach-volume': 'detach_volume',
    'operation.extend-volume': 'extend_volume',
    'operation.swap-volume': 'swap_volume',
    'storage.block': 'attach_volume',
    'operation.attach-interface': 'attach_interface',
    'operation.detach-interface': 'detach_interface',
    'operation.maintenance-mode': 'host_maintenance_mode',
    'operation.get-guest-info': 'get_info',
    'operation.get-host-uptime': 'get_host_uptime',
    'operation.get-host-ip': 'get_host_ip_addr',
    'operation.live-migrate': 'live_migration',
    'operation.launch': 'spawn',
    'operation.terminate': 'destroy',
    'operation.pause': 'pause',
    'operation.unpause': 'unpause',
    'operation.reboot': 'reboot',
    'operation.rescue': 'rescue',
    'operation.resize': 'finish_migration',
    'operation.suspend': 'suspend',
    'operation.resume': 'resume',
    'operation.set-admin-password': 'set_admin_password',
    'operation.snapshot': 'snapshot',
    'operation.trigger-crash-dump': 'trigger_crash_dump',
    'operation.quiesce': 'quiesce',
    'operation.unquiesce': 'unquiesce',
    'console.serial.log': 'get_console_output',
    'console.serial.interactive': 'get_serial_console',
    'console.spice': 'get_spice_console',
    'console.vnc': 'get_vnc_console',
}
CAPABILITIES = {
    'operation.device-tags': 'supports_device_tagging',
    'operation.attach-tagged-volume': 'supports_tagged_attach_volume',
    'operation.attach-tagged-interface': 'supports_tagged_attach_interface',
    'operation.multiattach-volume': 'supports_multiattach',
    'operation.cache-images': 'has_imagecache',
    'operation.trusted-certs': 'supports_trusted_certs',
    'operation.file-backed-memory': 'supports_mem_backing_file',
    'operation.boot-emulated-tpm': 'supports_vtpm',
}


def found(pattern):
    return set(re.findall(pattern, TEXT))


class NamesTestCase(base.TestCase):

    def _assert_known(self, known, names):
        self.assertTrue(names, 'the pattern finds nothing any more')
        self.assertEqual(set(), names - set(known))

    def test_all_options_are_shown(self):
        page = (SOURCE / 'configuration.rst').read_text(encoding='utf-8')
        namespaces = {
            entry.name for entry in importlib.metadata.distribution(
                'nova-vmrun').entry_points.select(group='oslo.config.opts')}
        self.assertEqual(
            namespaces, set(re.findall(r'\.\. show-options:: (\S+)', page)))

    def test_options_exist(self):
        for group, known in OPTIONS.items():
            self._assert_known(
                known, found(r'\[%s\]\s+([a-z_]+)' % group))

    def test_properties_exist(self):
        self._assert_known(
            properties.OWN_NAMES | MISSPELT | OPTIONS['vmrun'] |
            CINDER_OPTIONS,
            found(r'\b(?<!/)((?:vmrun|vix)_[a-z_]+)\b(?!/|[.])'))

    def test_files_exist(self):
        names = found(
            r'``((?:nova_vmrun|tests|doc|releasenotes|tools)/[\w./-]+'
            r'|[\w/]+[.]py|Makefile|tox[.]ini|bindep[.]txt)``')
        self.assertTrue(names)
        for name in sorted(names):
            places = [ROOT / name, ROOT / 'nova_vmrun' / name]
            self.assertTrue(any(place.exists() for place in places), name)

    def test_tox_environments_exist(self):
        tox = configparser.ConfigParser(interpolation=None)
        tox.read(ROOT / 'tox.ini')
        known = {section.partition(':')[2] for section in tox.sections()}
        names = set()
        for several in found(r'tox -e ([\w,-]+)'):
            names.update(several.split(','))
        self._assert_known(known | {'py3'}, names)

    def test_make_targets_exist(self):
        makefile = (ROOT / 'Makefile').read_text()
        self._assert_known(re.findall(r'(?m)^([a-z]+):', makefile),
                           found(r'\bmake (demo|test|[a-z]+)``')
                           | found(r'\$ make ([a-z]+)'))

    def test_commands_exist(self):
        commands = importlib.metadata.distribution(
            'nova-vmrun').entry_points.select(group='nova_vmrun.cli')
        self._assert_known({entry.name.replace('_', ' ')
                            for entry in commands},
                           found(r'nova-vmrun (connect|orphans|ssh|'
                                 r'(?:aio|vmx|image|storage) [a-z]+)'))

    def test_contract_tests_exist(self):
        known = '\n'.join(path.read_text() for path in (
            ROOT / 'tests' / 'contract').glob('test_*.py'))
        self._assert_known(re.findall(r'def (test_\w+)', known),
                           found(r'``(test_\w+)``'))


class SupportTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        page = (ROOT / 'README.rst').read_text(encoding='utf-8')
        begin, end = (page.index('.. The entries %s here.' % word)
                      for word in ('begin', 'end'))
        self.table = dict(re.findall(
            r'(?m)^([a-z.-]+) +(yes|partly|no)\b', page[begin:end]))
        self.without_reason = re.findall(
            r'(?m)^([a-z.-]+) +(?:partly|no)$', page[begin:end])
        self.besides = dict(re.findall(
            r'(?m)^([A-Z][A-Za-z, -]+?)  +(yes|partly|no)\b',
            page[end:page.index('\nWhat to know\n')]))

    def test_entries_are_those_of_nova(self):
        self.assertEqual(ENTRIES, list(self.table))

    def test_unsupported_features_have_a_reason(self):
        self.assertEqual([], self.without_reason)

    def test_supported_features_have_functional_tests(self):
        self.assertIn('Security groups', self.besides)
        works = [entry for entry, word in {**self.table, **self.besides}
                 .items() if word != 'no']
        self.assertEqual(
            sorted(works), sorted(shown.TESTS),
            'README.rst and tests/functional/shown.py differ')
        for entry, names in shown.TESTS.items():
            self.assertTrue(names, entry)
            for name in names:
                self.assertTrue(_is_test(name), '%s: %s' % (entry, name))

    def test_methods(self):
        for entry, method in METHODS.items():
            self._check(entry, any(method in vars(each) for each in (
                driver.VmrunDriver, queries.ServerQueries,
                host_calls.HostCalls)))

    def test_capabilities(self):
        for entry, name in CAPABILITIES.items():
            self._check(entry, driver.VmrunDriver.capabilities.get(name))

    def _check(self, entry, offered):
        self.assertEqual(
            bool(offered), self.table[entry] != 'no',
            'The table of README.rst: %s' % entry)


def _may_be_skipped(function):
    """Return whether a decorator may keep a test from running."""
    return any(ast.unparse(decorator) != 'base.sample'
               for decorator in function.decorator_list)


def _is_test(name):
    """Return whether a test of tests/functional exists, without importing it.

    Its class must have the method itself, and it may not be skipped.
    """
    module, kind, method = name.rsplit('.', 2)
    path = FUNCTIONAL.joinpath(*module.split('.')).with_suffix('.py')
    tree = ast.parse(path.read_text(encoding='utf-8'))
    return any(
        isinstance(each, ast.ClassDef) and each.name == kind and any(
            isinstance(function, ast.FunctionDef) and
            function.name == method and not _may_be_skipped(function)
            for function in each.body)
        for each in tree.body)
