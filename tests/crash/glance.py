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

"""Glance as a crashed host sees it: folders with the content of images."""

from collections import abc
import os
import subprocess
from typing import Any

import fixtures
from oslo_utils import uuidutils

from nova_vmrun.host import files
from tests.crash import disk_content
from tests.functional.api import base as api_base


class Glance(fixtures.Fixture):
    """Replaces Nova's and the driver's access to Glance.

    :param reach: called with the name of a step in the middle of a download
        and of an upload
    :ivar images: format and content of each image, by its id
    :ivar uploads: path of the folder with the images that were uploaded
    """

    def __init__(self, reach: abc.Callable[[str], None]) -> None:
        self._reach = reach
        self.images: dict[str, tuple[str, bytes]] = {}

    def _setUp(self) -> None:
        self._folder = self.useFixture(fixtures.TempDir()).path
        self.uploads = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'uploads')
        os.mkdir(self.uploads)
        for name, fake in (('nova.virt.images.fetch', self._fetch),
                           ('nova_vmrun.ops.nova.glance.show', self._show),
                           ('nova_vmrun.ops.nova.glance.upload',
                            self._upload)):
            self.useFixture(fixtures.MockPatch(name, side_effect=fake))

    def add_image(self, image_format: str = 'qcow2') -> str:
        """Add an image and return its id."""
        image_id: str = uuidutils.generate_uuid()
        path = os.path.join(self._folder, image_id)
        if image_format == 'iso':
            subprocess.run(['genisoimage', '-quiet', '-o', path,
                            os.path.dirname(__file__)], check=True)
        else:
            api_base.make_image(path, image_format)
        self.images[image_id] = image_format, files.read(path)
        return image_id

    def content(self, image_id: str) -> bytes:
        """Return what a guest reads on a disk made from an image."""
        image_format = self.images[image_id][0]
        return disk_content.read(
            os.path.join(self._folder, image_id),
            'raw' if image_format == 'iso' else image_format)

    def uploaded_content(self, image_id: str) -> bytes:
        """Return what a guest reads on a disk made from an upload."""
        return disk_content.read(os.path.join(self.uploads, image_id))

    def _show(self, context: Any, image_id: str) -> dict[str, Any]:
        image_format, content = self.images[image_id]
        return {'id': image_id, 'size': len(content), 'properties': {},
                'disk_format': image_format, 'container_format': 'bare'}

    def _fetch(self, context: Any, image_id: str, path: str,
               trusted_certs: Any = None) -> None:
        content = self.images[image_id][1]
        half = len(content) // 2
        with open(path, 'wb') as file:
            file.write(content[:half])
            file.flush()
            self._reach('downloading')
            file.write(content[half:])

    def _upload(self, context: Any, instance: Any, image_id: str, path: str,
                *described: Any) -> None:
        content = files.read(path)
        self._reach('uploading')
        with open(os.path.join(self.uploads, image_id), 'wb') as file:
            file.write(content)
