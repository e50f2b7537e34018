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

"""Whether each module has unit tests of its name, or a reason not to."""

import os

from tests.unit import base

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
PACKAGE = os.path.join(ROOT, 'nova_vmrun')
TESTS = os.path.join(ROOT, 'tests')

_NEEDS_CINDER = 'imports Cinder, whose tests are a suite of their own'
_SERVICE = 'only an end-to-end test can start a service of OpenStack'

# Why a module has none, and the module that tests it.
REASONS = {
    'exception.py': ('only classes', 'unit/ops/nova/test_errors.py'),
    'aio/database/server.py': ('SQL for servers',
                               'functional/database/test_server.py'),
    'aio/starting.py': ('a part of aio up', 'unit/aio/test_up.py'),
    'host_calls.py': ('a part of the driver', 'unit/test_driver_host.py'),
    'ops/access.py': ('only a data class', 'unit/ops/test_definition.py'),
    'ops/assembly.py': ('a part of the hypervisor', 'unit/test_hypervisor.py'),
    'ops/evacuation/lone_disks.py': (
        'a part of the examination',
        'unit/ops/evacuation/test_examination.py'),
    'ops/kept_adapters.py': ('a part of the reconciler',
                             'unit/ops/test_reconcile.py'),
    'ops/parts.py': ('only data classes', 'unit/ops/hosts.py'),
    'ops/volume_disks.py': ('the common part of two modules',
                            'unit/ops/test_volume_updates.py'),
    'storage/untrusted_records.py': ('what second records read',
                                     'unit/storage/test_second_records.py'),
    'storage/damaged_bases.py': ('a part of the image cache',
                                 'unit/storage/test_image_cache_damage.py'),
    'doctor/server_facts.py': ('only data classes',
                               'unit/doctor/test_reasons.py'),
    'doctor/facts.py': ('only data classes',
                        'unit/doctor/test_examination.py'),
    'conf/consoles.py': ('a table of options', 'unit/test_conf.py'),
    'conf/programs.py': ('a table of options', 'unit/test_conf.py'),
    'conf/servers.py': ('a table of options', 'unit/test_conf.py'),
    'conf/storage.py': ('a table of options', 'unit/test_conf.py'),
    'conf/volumes.py': ('a table of options', 'unit/test_conf.py'),
    'system/interface.py': ('only a protocol', 'unit/system/test_sides.py'),
    'system/linux.py': ('the same tests for both',
                        'unit/system/test_sides.py'),
    'system/macos.py': ('the same tests for both',
                        'unit/system/test_sides.py'),
    'aio/installed.py': ('a loop', 'unit/aio/test_dashboard.py'),
    'aio/errors.py': ('only a class', 'unit/aio/test_programs.py'),
    'aio/report.py': ('prints what others say', 'unit/aio/test_up.py'),
    'aio/seed.py': ('talks to Keystone, Glance and Neutron',
                    'e2e/test_aio.py'),
    'cmd/database_options.py': ('a table of options', 'unit/cmd/test_aio.py'),
    'cmd/listen_options.py': ('options of aio up', 'unit/cmd/test_aio.py'),
    'aio/status.py': ('asks services of OpenStack', 'e2e/test_aio.py'),
    'aio/console_proxy.py': (_SERVICE, 'browser/test_screen.py'),
    'aio/demo/session.py': ('what the steps of the demo share',
                            'unit/aio/demo/test_steps.py'),
    'aio/services/cinder.py': (_SERVICE, 'unit/aio/test_services.py'),
    'aio/services/compute.py': (_SERVICE, 'functional/split/test_split.py'),
    'aio/services/rabbitmq.py': (_SERVICE, 'functional/split/test_split.py'),
    'aio/services/glance.py': (_SERVICE, 'e2e/test_aio.py'),
    'aio/services/horizon.py': (_SERVICE, 'browser/test_dashboard.py'),
    'aio/services/keystone.py': (_SERVICE, 'e2e/test_aio.py'),
    'aio/services/neutron.py': (_SERVICE, 'unit/aio/test_services.py'),
    'aio/services/nova.py': (_SERVICE, 'unit/aio/test_services.py'),
    'aio/cinder_patches.py': (_NEEDS_CINDER, 'cinder/test_patches.py'),
    'aio/gateway/files.py': ('only paths', 'unit/aio/gateway/test_setup.py'),
    'aio/services/gateway.py': (_SERVICE, 'cluster/test_nodes.py'),
    'cluster/first/node.py': ('only a data class',
                              'unit/cluster/first/test_registry.py'),
    'cluster/node/files.py': ('only paths', 'unit/cluster/node/test_wire.py'),
    'cinder/driver.py': (_NEEDS_CINDER, 'cinder/test_driver.py'),
    'cinder/errors.py': (_NEEDS_CINDER, 'cinder/test_errors.py'),
    'cinder/manageable.py': (_NEEDS_CINDER, 'cinder/test_manageable.py'),
}


def _modules():
    for folder, _, names in os.walk(PACKAGE):
        for name in names:
            if name.endswith('.py') and name != '__init__.py':
                yield os.path.relpath(os.path.join(folder, name), PACKAGE)


def _test_of(module):
    folder, name = os.path.split(module)
    return os.path.join(TESTS, 'unit', folder, 'test_' + name)


class ModulesTestCase(base.TestCase):

    def test_each_module_has_unit_tests_or_a_reason(self):
        self.assertEqual(set(REASONS), {
            module for module in _modules()
            if not os.path.exists(_test_of(module))})

    def test_reasons_name_other_tests(self):
        for module, (_, test) in REASONS.items():
            self.assertTrue(os.path.exists(os.path.join(TESTS, test)),
                            '%s: no %s' % (module, test))
