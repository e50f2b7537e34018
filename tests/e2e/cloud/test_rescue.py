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

"""Servers that boot from another disk, or from a new one."""

import base64

from tests.e2e.cloud import base
from tests.e2e.guest import console


def _encoded(text):
    return base64.b64encode(text.encode()).decode()


class RescueTest(base.CloudCase):

    def images_on_disks(self, facts):
        return [disk['data']['image'] for disk in facts['disks']]

    def test_rescue_sees_both_disks_and_leaves_the_server_as_it_was(self):
        rescue = self.plane.image(guest='rescue')
        server, facts = self.boot(user_data=_encoded('write note kept\n'))
        self.assertEqual(['guest'], self.images_on_disks(facts))

        self.cloud.compute.rescue_server(server.id, image_ref=rescue.id)
        server.wait('RESCUE')
        facts = self.wait_boot_from(server, 'rescue')
        self.assertEqual(['rescue', 'guest'], self.images_on_disks(facts))
        own, servers = facts['disks']
        self.assertEqual((True, 1), (own['root'], own['data']['boots']))
        self.assertEqual((False, 1, {'note': 'kept'}), (
            servers['root'], servers['data']['boots'],
            servers['data']['files']))
        self.assertEqual(server.id, facts['instance_id'])

        self.cloud.compute.unrescue_server(server.id)
        server.wait('ACTIVE')
        facts = server.console.wait_boots(2)
        self.assertEqual(['guest'], self.images_on_disks(facts))

    def wait_boot_from(self, server, name):
        """Wait for facts of a system that came from a disk of this name."""
        def found():
            return next((facts for facts in server.console.all_facts()
                         if facts['image'] == name), None)

        return server.console.wait('boot from %s' % name, found, base.CHANGE)


class RebuildTest(base.CloudCase):

    def test_rebuild_loses_the_file(self):
        server, facts = self.boot(user_data=_encoded('write old file\n'))
        self.assertEqual({'old': 'file'}, console.files(facts))

        self.cloud.compute.rebuild_server(
            server.id, image=self.plane.image().id,
            user_data=_encoded('write new file\n'))
        server.wait('ACTIVE')

        def found():
            return next((facts for facts in server.console.all_facts()
                         if console.files(facts) == {'new': 'file'}), None)

        facts = server.console.wait('boot from a new disk', found,
                                    base.CHANGE)
        self.assertEqual((1, server.id), (console.boots(facts),
                                          facts['instance_id']))
