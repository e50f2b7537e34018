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

"""Nova's fake of Cinder, with volumes on a real iSCSI target."""

from nova.tests.fixtures import cinder
from oslo_utils import units

from tests.iscsi import target


class IscsiCinder(cinder.CinderFixture):
    """Volumes of the type iscsi, with CHAP.

    :ivar target: where they are
    """

    def __init__(self, test):
        super().__init__(test)
        self._numbers = {}
        self._changes = {}

    def setUp(self):
        super().setUp()
        self.target = self.useFixture(target.Target())

    def add(self, size=1, **fields):
        """Make a volume of some GiB; return its id."""
        volume = self.fake_vol_create(None, size, 'volume', '')
        volume.update(fields)
        return volume['id']

    def fake_vol_create(self, context, size, *args, **options):
        volume = super().fake_vol_create(context, size, *args, **options)
        self._numbers[volume['id']] = self.target.add(size * units.Gi)
        return volume

    def _find_connection_info(self, volume_id, attachment_id):
        found = self.target.connection_info(
            self._numbers[volume_id], volume_id,
            attachment_id=attachment_id, **self._changes.get(volume_id, {}))
        # Nova adds it.
        del found['serial']
        return found

    def change(self, volume_id, **data):
        """Change what later attachments are told about a volume."""
        self._changes[volume_id] = data

    def content(self, volume_id):
        """Return the path of the file with a volume's bytes."""
        return self.target.content(self._numbers[volume_id])

    def status(self, volume_id):
        return self.fake_get(None, volume_id)['status']
