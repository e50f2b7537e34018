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

"""Nova's fake of Cinder, with volumes in files on this host."""

import os

import fixtures
from nova import exception
from nova.tests.fixtures import cinder
from oslo_utils import units

from tests.unit.volumes import files


class LocalCinder(cinder.CinderFixture):
    """Volumes of the type local, each a real file of 1 GiB or more.

    :ivar folder: where the files are
    """

    def __init__(self, test, folder):
        super().__init__(test)
        self.folder = os.path.realpath(folder)
        self._infos = {}

    def setUp(self):
        super().setUp()
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        self.useFixture(fixtures.MockPatch(
            'nova.volume.cinder.API.delete',
            side_effect=self.fake_delete, autospec=False))
        # A test may replace the method.
        self.useFixture(fixtures.MockPatch(
            'nova.volume.cinder.API.reimage_volume',
            side_effect=lambda *args, **options:
                self.fake_reimage_volume(*args, **options), autospec=False))

    def add(self, size=1, **fields):
        """Make a volume of some GiB; return its id."""
        volume = self.fake_vol_create(None, size, 'volume', '')
        volume.update(fields)
        return volume['id']

    def fake_vol_create(self, context, size, *args, **options):
        volume = super().fake_vol_create(context, size, *args, **options)
        self._infos[volume['id']] = files.make(
            self.folder, volume['id'], size * units.Gi)
        return volume

    def fake_delete(self, context, volume_id):
        if volume_id not in self._infos:
            raise exception.VolumeNotFound(volume_id=volume_id)
        path = self.path(volume_id)
        for name in (path, self.descriptor(volume_id)):
            os.remove(name)
        del self._infos[volume_id], self.volumes[volume_id]

    def _find_connection_info(self, volume_id, attachment_id):
        info = self._infos[volume_id]
        data = dict(info['data'], attachment_id=attachment_id)
        return {'driver_volume_type': info['driver_volume_type'],
                'data': data}

    def change(self, volume_id, kind=None, **data):
        """Change what later attachments are told about a volume."""
        info = self._infos[volume_id]
        info['driver_volume_type'] = kind or info['driver_volume_type']
        info['data'].update(data)

    def path(self, volume_id):
        """Return the path of the raw bytes of a volume."""
        return os.path.join(self.folder, 'volume-%s-flat.vmdk' % volume_id)

    def descriptor(self, volume_id):
        return os.path.join(self.folder, 'volume-%s.vmdk' % volume_id)

    def status(self, volume_id):
        return self.fake_get(None, volume_id)['status']
