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

"""A volume manager with our driver, a database, and images."""

import contextlib
import os
import stat
import subprocess
import tempfile
from unittest import mock
import uuid

from cinder import context
from cinder import objects
from cinder.objects import fields
from cinder import privsep
from cinder.tests.unit import test
from cinder.tests.unit import utils
from cinder.volume import configuration
from cinder.volume import driver
from cinder.volume import manager
import fixtures
from oslo_config import cfg
from oslo_utils import units

from nova_vmrun.conf import cinder_backend
from nova_vmrun.host import files
from tests.unit import locks

CONF = cfg.CONF
HOST = 'node1'
BACKEND = 'files'
SERVER = '11111111-2222-3333-4444-555555555555'


class ImageService:
    """The part of Cinder's client of Glance that volumes need."""

    def __init__(self):
        self.temp_images = None
        self.images = {}
        self.downloads = 0

    def add(self, content, disk_format='raw', **facts):
        image_id = str(uuid.uuid4())
        self.images[image_id] = dict({
            'id': image_id, 'disk_format': disk_format,
            'container_format': 'bare', 'status': 'active', 'name': 'image',
            'size': len(content), 'min_disk': 0, 'min_ram': 0,
            'properties': {}, 'content': content}, **facts)
        return image_id

    def show(self, _context, image_id):
        found = dict(self.images[image_id])
        del found['content']
        return found

    def download(self, _context, image_id, data):
        self.downloads += 1
        data.write(self.images[image_id]['content'])

    def get_location(self, _context, image_id):
        return None, None

    def update(self, _context, image_id, metadata, data=None, **_stores):
        self.images[image_id].update(metadata, status='active')
        if data is not None:
            self.images[image_id]['content'] = data.read()

    def delete(self, _context, image_id):
        del self.images[image_id]


class TestCase(test.TestCase):
    """A test with a started volume manager."""

    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path
        self.folder = os.path.join(self.root, 'volumes')
        self.context = context.RequestContext(
            'user', 'project', is_admin=True)
        self.glance = ImageService()
        self.patch('cinder.image.glance.get_default_image_service',
                   return_value=self.glance)
        self.patch('cinder.image.glance.get_remote_image_service',
                   side_effect=lambda _context, image_id: (
                       self.glance, image_id))
        self.override_config('image_conversion_dir', self.root)
        # As in the all-in-one control plane: nothing needs root.
        self.patch('cinder.utils.get_root_helper', return_value='env')
        privsep.sys_admin_pctxt.set_client_mode(False)
        self.addCleanup(privsep.sys_admin_pctxt.set_client_mode, True)
        configuration.Configuration(
            manager.volume_backend_opts + driver.volume_opts,
            config_group=BACKEND)
        CONF.register_opts(cinder_backend.OPTS, group=BACKEND)
        self.set(vmrun_volume_folder=self.folder,
                 volume_driver='nova_vmrun.cinder.FilesDriver',
                 volume_backend_name=BACKEND)
        self.manager = self.started()

    def set(self, **options):
        for name, value in options.items():
            self.override_config(name, value, group=BACKEND)

    def started(self):
        """Start a volume manager, as cinder-volume does."""
        made = manager.VolumeManager(host='%s@%s' % (HOST, BACKEND),
                                     service_name=BACKEND)
        with mock.patch.object(made, 'publish_service_capabilities'):
            made.init_host(service_id=1)
        self.addCleanup(made.driver._folder.close)
        return made

    @property
    def driver(self):
        return self.manager.driver

    # What the API service does

    def volume(self, size=1, **facts):
        """Put a new volume into the database."""
        return utils.create_volume(
            self.context, size=size, status='creating',
            host='%s@%s#%s' % (HOST, BACKEND, BACKEND),
            volume_type_id=self.vt['id'], **facts)

    def created(self, size=1, content=None, image=None, source=None,
                snapshot=None):
        """Create a volume, and write to it."""
        facts = {}
        if source is not None:
            facts['source_volid'] = source.id
        if snapshot is not None:
            facts['snapshot_id'] = snapshot.id
        volume = self.volume(size, **facts)
        spec = {'volume_id': volume.id, 'image_id': image,
                'source_volid': source and source.id,
                'snapshot_id': snapshot and snapshot.id}
        self.manager.create_volume(
            self.context, volume,
            objects.RequestSpec.from_primitives(dict(
                spec, volume_properties={}, volume_type=None,
                resource_backend=volume.host)),
            {}, allow_reschedule=False)
        volume.refresh()
        if content is not None:
            self.write(volume, content)
        return volume

    def snapshot(self, volume):
        made = utils.create_snapshot(
            self.context, volume.id, status='creating',
            volume_type_id=self.vt['id'])
        made.volume_size = volume.size
        made.save()
        self.manager.create_snapshot(self.context, made)
        made.refresh()
        return made

    def attached(self, volume):
        """Note in the database that a server has a volume."""
        utils.attach_volume(self.context, volume.id, SERVER, HOST, '/dev/sdb')
        volume.refresh()
        self.assertEqual(fields.VolumeAttachStatus.ATTACHED,
                         volume.attach_status)

    # Files

    def extent(self, disk):
        return os.path.join(self.folder, disk.name + '-flat.vmdk')

    def descriptor(self, disk):
        return os.path.join(self.folder, disk.name + '.vmdk')

    def write(self, disk, content, offset=0):
        with open(self.extent(disk), 'r+b') as file:
            file.seek(offset)
            file.write(content)

    @contextlib.contextmanager
    def written_meanwhile(self, disk):
        """Let a server write to a volume while it is copied."""
        real = files.copy

        def copy(source, target):
            real(source, target)
            self.write(disk, b'newer')

        with mock.patch.object(files, 'copy', copy):
            yield

    def read(self, disk, size, offset=0):
        with open(self.extent(disk), 'rb') as file:
            file.seek(offset)
            return file.read(size)

    def assert_files(self, *names):
        self.assertEqual(sorted(names), sorted(os.listdir(self.folder)))

    def assert_volume(self, volume, size=1):
        """Check the files of a volume, and what VMware reads there."""
        extent = os.lstat(self.extent(volume))
        self.assertEqual(size * units.Gi, extent.st_size)
        for status in (extent, os.lstat(self.descriptor(volume))):
            self.assertEqual(0o600, stat.S_IMODE(status.st_mode))
        found = subprocess.run(
            ['qemu-img', 'info', '-f', 'vmdk', self.descriptor(volume)],
            capture_output=True, text=True, check=True)
        self.assertIn('(%d bytes)' % (size * units.Gi), found.stdout)

    def lock(self, volume):
        """Lock a volume as the VM of a server does that has it."""
        return locks.lock(self.descriptor(volume))


class Counted:
    """What this process does in a block.

    :ivar programs: words of the programs that it starts
    :ivar read: bytes that it reads
    """

    def __init__(self):
        self.programs = []
        self.read = None

    def __enter__(self):
        real = subprocess.Popen

        def popen(*args, **kwargs):
            self.programs.append(args[0])
            return real(*args, **kwargs)

        self._patch = mock.patch.object(subprocess, 'Popen', popen)
        self._patch.start()
        self._before = _bytes_read()
        return self

    def __exit__(self, *_error):
        self.read = _bytes_read() - self._before
        self._patch.stop()


def _bytes_read():
    with open('/proc/self/io') as file:
        return int(file.readline().split()[1])


def disk_image(size=3 * units.Mi):
    """Return the bytes of a disk with a boot sector and data at its end."""
    return (b'\xeb\x63\x90\x10\x8e\xd0\xbc\0\xb0' + bytes(501) +
            b'\x55\xaa').ljust(size - 512, b'\0') + os.urandom(512)


def converted(content, disk_format, *options):
    """Return a disk in another format.

    :param disk_format: as qemu-img names it
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = folder + '/source', folder + '/target'
        with open(source, 'wb') as file:
            file.write(content)
        subprocess.run(['qemu-img', 'convert', '-f', 'raw', '-O', disk_format,
                        *options, source, target], check=True)
        with open(target, 'rb') as file:
            return file.read()
