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

"""The life of the image cache, as Nova lives it."""

import os
import shutil
import subprocess
from unittest import mock

from nova import context
from nova.virt import images as nova_images

from nova_vmrun.host import space
from tests.functional.api import base
from tests.functional import glance_uploads


class TestCase(base.TestCase):

    def cached(self):
        """Return the ids of the images in the cache."""
        return sorted(os.listdir(os.path.join(self.instances_path, '_base')))

    def counted_fetches(self):
        patch = mock.patch.object(
            nova_images, 'fetch', side_effect=nova_images.fetch,
            autospec=True)
        self.addCleanup(patch.stop)
        return patch.start()


class SharedTestCase(TestCase):

    def _setup_services(self):
        # However few processors the machine has.
        self.flags(cpu_allocation_ratio=16.0)
        super()._setup_services()

    def test_ten_servers_at_once_download_once(self):
        image_id, flavor_id = self.add_image(), self.add_flavor(disk=0)
        fetch = self.counted_fetches()
        servers = [self.request_boot(image_id, flavor_id)
                   for _number in range(10)]
        for server in servers:
            self._wait_for_state_change(server, 'ACTIVE')
            self.assertRunning(server)
        self.assertEqual(1, fetch.call_count)
        self.assertEqual([image_id], self.cached())


class AgeingTestCase(TestCase):

    def age(self):
        self.compute.manager._run_image_cache_manager_pass(
            context.get_admin_context())

    def test_an_image_goes_after_its_last_server(self):
        self.flags(remove_unused_original_minimum_age_seconds=0,
                   remove_unused_resized_minimum_age_seconds=0,
                   group='image_cache')
        image_id = self.add_image()
        server = self.boot(image_id)
        self._stop_server(server)
        self.age()
        self.assertEqual([image_id], self.cached())
        self._start_server(server)
        self.assertRunning(server)
        self._delete_server(server)
        self.age()
        self.assertEqual([], self.cached())

    def test_novas_ages_are_those_of_a_day(self):
        image_id = self.add_image()
        self._delete_server(self.boot(image_id))
        self.age()
        self.assertEqual([image_id], self.cached())


class PrecacheTestCase(TestCase):

    def test_an_aggregate_is_told_to_cache_an_image(self):
        aggregate = self.admin_api.post_aggregate(
            {'aggregate': {'name': 'one'}})
        self.admin_api.add_host_to_aggregate(aggregate['id'],
                                             self.compute.host)
        image_id = self.add_image()
        self.admin_api.api_post(
            '/os-aggregates/%s/images' % aggregate['id'],
            {'cache': [{'id': image_id}]}, check_response_status=[202])
        delta = os.path.join(self.instances_path, '_base', image_id,
                             'disk-own-delta.vmdk')
        self.wait_for(lambda: os.path.exists(delta), 'an image in the cache')
        fetch = self.counted_fetches()
        self.assertRunning(self.boot(image_id))
        self.assertEqual(0, fetch.call_count)


class CertificatesTestCase(TestCase):

    def test_what_was_fetched_without_is_checked_once_and_kept(self):
        image_id = self.add_image()
        fetch = self.counted_fetches()
        for flavor, certificates, times in (
                (0, [], 1), (1, ['one'], 2), (1, ['one'], 2), (2, ['one'], 2),
                (1, ['two'], 3)):
            server = self.boot(image_id, self.add_flavor(disk=flavor),
                               trusted_image_certificates=certificates or None)
            self.assertRunning(server)
            self.assertEqual(times, fetch.call_count)
        self.assertEqual(
            ['two'], fetch.call_args.kwargs['trusted_certs'].ids)
        self.assertEqual(
            3, len([name for name in os.listdir(os.path.join(
                self.instances_path, '_base', image_id))
                if name.endswith('.vmdk') and '-delta' not in name]))


class ShelvedTestCase(TestCase):

    def test_the_image_of_a_shelved_server_is_not_kept(self):
        self.useFixture(glance_uploads.GlanceUploads())
        self.flags(shelved_offload_time=0)
        image_id = self.add_image()
        server = self.boot(image_id, self.add_flavor(disk=0))
        server = self._shelve_server(server,
                                     expected_state='SHELVED_OFFLOADED')
        server = self._unshelve_server(server)
        self.assertRunning(server)
        self.assertEqual([image_id], self.cached())
        with open(self.path(server, 'root.vmdk'), 'rb') as file:
            self.assertNotIn(b'parentFileNameHint', file.read(1 << 16))


class FullTestCase(TestCase):

    # A cast would bring the errors of a refused rescue back to the API.
    CAST_AS_CALL = False

    def test_an_image_that_has_no_space_is_not_fetched(self):
        image_id = self.add_image()
        fetch = self.counted_fetches()
        usage = shutil.disk_usage(self.folder)
        with mock.patch('shutil.disk_usage', return_value=usage._replace(
                free=5)):
            server = self.boot(image_id, expected_state='ERROR')
        self.assertIn('not enough space to fetch image %s' % image_id,
                      self.fault(server))
        self.assertEqual(0, fetch.call_count)
        self.assertEqual([], self.cached())

    def bomb(self):
        """Return an image that is much larger when it is unpacked."""
        path = os.path.join(self.folder, 'bomb')
        with open(path + '.raw', 'wb') as file:
            file.write(b'7' * (64 << 20))
        subprocess.run(['qemu-img', 'convert', '-c', '-f', 'raw', '-O',
                        'qcow2', path + '.raw', path], check=True)
        os.remove(path + '.raw')
        with open(path, 'rb') as file:
            return self.add_image(content=file.read())

    def short_of_space(self):
        """Leave room for the image, and not for the disk in it."""
        usage = shutil.disk_usage(self.folder)
        patch = mock.patch('shutil.disk_usage', return_value=usage._replace(
            free=space.RESERVE + (8 << 20)))
        self.addCleanup(patch.stop)
        patch.start()

    def check_told(self, server, image_id):
        self.assertIn('Cannot convert the disk of image %s' % image_id,
                      self.fault(server))
        self.assertNotIn(self.folder, self.fault(server))

    def test_a_disk_that_has_no_room_is_not_unpacked(self):
        image_id = self.bomb()
        self.short_of_space()
        server = self.boot(image_id, self.add_flavor(disk=0),
                           expected_state='ERROR')
        self.check_told(server, image_id)
        self.assertEqual([], self.cached())

    def test_nor_is_it_for_a_rescue(self):
        image_id = self.bomb()
        own = self.add_image()
        server = self.boot(own)
        self.short_of_space()
        self.admin_api.post_server_action(
            server['id'], {'rescue': {'rescue_image_ref': image_id}})
        self._wait_for_state_change(server, 'ERROR')
        self.check_told(server, image_id)
        self.assertEqual([own], self.cached())
