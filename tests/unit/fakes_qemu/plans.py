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

"""What the tests of the engine share: a .vmx and the plan made of it."""

import sys

import fixtures
import testtools

from tests.unit import fakes_qemu  # noqa: F401 - makes vmwarefake importable

from vmwarefake import dictionary
from vmwarefake.engine import base
from vmwarefake.engine.qemu import options as qemu_options
from vmwarefake.engine.qemu import plan as qemu_plan
from vmwarefake.engine.qemu import sockets as qemu_sockets

DISK = {'scsi0.present': 'TRUE', 'scsi0.virtualDev': 'pvscsi',
        'scsi0:0.present': 'TRUE', 'scsi0:0.fileName': 'disk.vmdk'}


def disk_on(controller, kind='', unit=0, name='disk.vmdk'):
    """Return the keys of one disk and its controller."""
    keys = {'%s:%d.present' % (controller, unit): 'TRUE',
            '%s:%d.fileName' % (controller, unit): name}
    if not controller.startswith('ide'):
        keys[controller + '.present'] = 'TRUE'
    if kind:
        keys[controller + '.virtualDev'] = kind
    return keys


def nic(number, model, connection='nat', **more):
    """Return the keys of one network card."""
    name = 'ethernet%d' % number
    keys = {name + '.present': 'TRUE', name + '.virtualDev': model,
            name + '.connectionType': connection,
            name + '.addressType': 'static',
            name + '.address': 'fa:16:3e:00:00:0%d' % number}
    keys.update(('%s.%s' % (name, key), value)
                for key, value in more.items())
    return keys


class PlanTest(testtools.TestCase):
    """Base of tests that look at the plan of a .vmx."""

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path

    def options(self, **environ):
        environ.setdefault('QEMU', sys.executable)
        return qemu_options.Options(
            {'FAKE_VMRUN_' + key: value for key, value in environ.items()})

    def plan(self, keys, **environ):
        config = dictionary.Dictionary(keys.items())
        machine = base.Machine(self.folder + '/test.vmx', config,
                               self.folder + '/run', None, None, None)
        sockets = qemu_sockets.Folder('/run/vm')
        return qemu_plan.Plan(machine, self.options(**environ), sockets)

    def argv(self, keys, fds=(), **environ):
        plan = self.plan(keys, **environ)
        fds = {link.netdev: fd for link, fd in zip(plan.links, fds)}
        return plan.argv(fds)

    def values(self, argv, option):
        """Return the values of an option in order, JSON decoded."""
        import json
        found = [argv[n + 1] for n, word in enumerate(argv)
                 if word == option]
        return [json.loads(value) if value.startswith('{') else value
                for value in found]

    def devices(self, keys, **environ):
        """Return {id: device} of what the guest gets."""
        found = self.values(self.argv(keys, **environ), '-device')
        return {device.get('id', device['driver']): device
                for device in found}

    def assertUnsupported(self, key, keys, **environ):
        e = self.assertRaises(base.Unsupported, self.plan, keys, **environ)
        self.assertEqual(key, e.key)
        self.assertIn(key, str(e))
