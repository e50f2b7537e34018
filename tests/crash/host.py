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

"""A host whose nova-compute is killed: a driver, the fake tools, servers.

All that an operation finds, files and the fakes' memory, is copied, so that
each try begins with the same.
"""

import gc
import glob
import json
import os
import shutil
import subprocess
import time
import traceback

import fixtures
from nova import conf as nova_conf
from nova.network import model
from nova import objects
from oslo_utils import uuidutils

from nova_vmrun.formats import vmsd
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.host import product
from nova_vmrun.machine import adapters
from nova_vmrun.machine import attached
from tests.crash import enumeration
from tests.crash import operation
from tests.crash import processes
from tests.crash import steps
from tests.crash import tidiness
from tests.functional.api import base as api_base
from tests.functional.contract import base
from tests.functional import fake_ssh

CONF = nova_conf.CONF
_SECONDS = 60
# What the guest writes, and where: behind what the image holds.
_OFFSET = 1 << 20
WRITTEN = b'what the guest wrote'
# More of a disk is never used.
_CONTENT_BYTES = 4 << 20


class Host(fixtures.Fixture):
    """One compute node.

    :param test: a nova.test.TestCase

    :ivar driver: the VmrunDriver as it was before the crash
    :ivar root: [DEFAULT] instances_path
    :ivar images: dict of ids to the content that Glance has
    :ivar uploads: path of a folder with what Glance was given
    """

    BLANK = b'\0' * _CONTENT_BYTES

    def __init__(self, test):
        self._test = test
        self.images = {}
        self._compared = {}
        self._watch = None

    def _setUp(self):
        # The crashes here cut no power but that of this host.
        self.useFixture(fixtures.MockPatch('os.fsync'))
        self.vmware = base.use_fakes(self._test)
        self.addCleanup(self.end_processes)
        self.root = CONF.instances_path
        self._folder = self.useFixture(fixtures.TempDir()).path
        self.uploads = os.path.join(self._folder, 'uploads')
        os.mkdir(self.uploads)
        self._elsewhere = os.path.join(self._folder, 'elsewhere')
        os.mkdir(self._elsewhere)
        self._kept = (self.root, self.vmware.state, self.uploads,
                      self._elsewhere)
        programs = self.useFixture(fake_ssh.FakeSsh(
            {CONF.my_ip: self.root, operation.OTHER_HOST: self._elsewhere}))
        self._test.flags(ssh_path=programs.ssh, scp_path=programs.scp,
                         group='vmrun')
        for name, fake in (('nova.virt.images.fetch', self._fetch),
                           ('nova_vmrun.ops.nova.glance.show', self._show),
                           ('nova_vmrun.ops.nova.glance.upload',
                            self._upload)):
            self.useFixture(fixtures.MockPatch(name, side_effect=fake))
        # There is no database in which tags could be.
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.ops.nova.device_tags.find', return_value=None))
        metadata = self.useFixture(fixtures.MockPatch(
            'nova.api.metadata.base.InstanceMetadata')).mock
        metadata.return_value.metadata_for_config_drive.side_effect = (
            lambda: [('openstack/latest/meta_data.json', b'{}')])
        self.driver = base.start_driver(self)
        # It stays what it is.
        self.useFixture(fixtures.MockPatchObject(
            product, 'detect', return_value=self.hypervisor.product))

    @property
    def hypervisor(self):
        return self.driver._hypervisor

    @property
    def layout(self):
        return self.hypervisor.layout

    # Glance

    def new_id(self):
        return uuidutils.generate_uuid()

    def add_image(self, image_format='qcow2'):
        """Puts an image into Glance; returns its id."""
        image_id = self.new_id()
        path = os.path.join(self._folder, image_id)
        if image_format == 'iso':
            subprocess.run(['genisoimage', '-quiet', '-o', path,
                            os.path.dirname(__file__)], check=True)
        else:
            api_base.make_image(path, image_format)
        self.images[image_id] = image_format, files.read(path)
        return image_id

    def image_file(self, image_id):
        """Returns the path of an image's content, and its format."""
        image_format = self.images[image_id][0]
        return (os.path.join(self._folder, image_id),
                'raw' if image_format == 'iso' else image_format)

    def _show(self, context, image_id):
        image_format, content = self.images[image_id]
        return {'id': image_id, 'size': len(content), 'properties': {},
                'disk_format': image_format, 'container_format': 'bare'}

    def _fetch(self, context, image_id, path, trusted_certs=None):
        content = self.images[image_id][1]
        half = len(content) // 2
        with open(path, 'wb') as file:
            file.write(content[:half])
            file.flush()
            self.reach('downloading')
            file.write(content[half:])

    def _upload(self, context, instance, image_id, path, *described):
        content = files.read(path)
        self.reach('uploading')
        with open(self.uploaded(image_id), 'wb') as file:
            file.write(content)

    def uploaded(self, image_id):
        """Returns the path of what Glance was given as an image."""
        return os.path.join(self.uploads, image_id)

    def reach(self, what):
        if self._watch:
            self._watch.reach(what)

    # Servers

    def instance(self, image_id, **changes):
        """Returns a nova.objects.Instance that has no VM yet."""
        kept = {'image_disk_format': self.images[image_id][0],
                'image_base_image_ref': image_id}
        kept.update(changes.pop('system_metadata', {}))
        flavor = dict({'flavorid': 'small', 'vcpus': 1, 'memory_mb': 64,
                       'root_gb': 0, 'ephemeral_gb': 0, 'swap': 0},
                      **changes.pop('flavor', {}))
        return objects.Instance(**dict(
            {'id': 1, 'uuid': uuidutils.generate_uuid(),
             'display_name': 'web', 'image_ref': image_id,
             'flavor': objects.Flavor(extra_specs={}, **flavor),
             'trusted_certs': None, 'config_drive': '',
             'project_id': 'project', 'user_id': 'user',
             'device_metadata': None,
             'info_cache': objects.InstanceInfoCache(
                 network_info=model.NetworkInfo()),
             'vm_state': 'building', 'task_state': 'spawning',
             'system_metadata': kept}, **changes))

    def image_meta(self, image_id, **properties):
        return objects.ImageMeta.from_dict({
            'id': image_id, 'disk_format': self.images[image_id][0],
            'container_format': 'bare', 'properties': properties})

    def spawn(self, instance, power_on=True, block_device_info=None):
        self.driver.spawn(
            None, instance, self.image_meta(instance.image_ref), [], None, {},
            [], block_device_info=block_device_info, power_on=power_on)

    def add_server(self, image_id, **changes):
        """Makes a server that is off and whose guest has written."""
        instance = self.instance(image_id, **changes)
        self.spawn(instance, power_on=False)
        instance.vm_state, instance.task_state = 'active', None
        self.write(self.layout.disk(instance.uuid, 'root'))
        return instance

    def write(self, disk, what=WRITTEN):
        """Writes to a disk as its guest would."""
        source = os.path.join(self._folder, 'written')
        with open(source, 'wb') as file:
            file.write(what.ljust(512, b'\0'))
        subprocess.run(
            ['qemu-io', '-f', 'vmdk', '-c',
             'write -s %s %d 512' % (source, _OFFSET), disk],
            check=True, stdout=subprocess.DEVNULL)

    def content(self, uuid, folder=None):
        """Returns what a guest finds on its root disk."""
        folder = folder or self.layout.folder(uuid)
        keys = vmx.load(files.read(os.path.join(folder, uuid + '.vmx')))
        return self.read(os.path.join(folder,
                                      attached.find(keys, 'root').file))

    def read(self, disk, image_format='vmdk'):
        """Returns the beginning of a disk, which is all that is used."""
        target = os.path.join(self._folder, 'read')
        subprocess.run(
            ['qemu-img', 'dd', '-f', image_format, '-O', 'raw', '-U',
             'bs=1M', 'count=%d' % (_CONTENT_BYTES >> 20), 'if=' + disk,
             'of=' + target], check=True, stdout=subprocess.DEVNULL)
        return files.read(target)

    def contents(self, uuid):
        """Returns the contents of all root disks that a server has."""
        folders = [self.layout.folder(uuid), self.layout.kept(uuid)]
        return [self.content(uuid, folder) for folder in folders
                if os.path.isdir(folder)]

    def power_on_if_off(self, instance):
        """A power cut has stopped it; its user starts it again."""
        self.driver.power_on(None, instance, [])

    def mac_addresses(self, uuid):
        """Returns those of a server's adapters."""
        return sorted(adapters.slots(vmx.load(files.read(
            self.layout.vmx(uuid)))))

    def snapshots(self, uuid):
        """Returns the names of a server's snapshots."""
        path = self.layout.vmsd(uuid)
        if not os.path.exists(path):
            return []
        return [each.name for each in vmsd.parse(files.read(path))]

    def files_of(self, uuid):
        return sorted(os.listdir(self.layout.folder(uuid)))

    def beside(self, uuid):
        """Returns the folders that a resize has made."""
        return [folder for folder in self.layout.beside(uuid)
                if os.path.exists(folder)]

    def elsewhere(self):
        """Returns what is in the folder of the other host."""
        return sorted(os.listdir(self._elsewhere))

    def cached(self, image_id):
        """Returns the names of an image's files in the cache."""
        try:
            return sorted(os.listdir(os.path.join(self.layout.cache,
                                                  image_id)))
        except FileNotFoundError:
            return []

    def make_old(self, folder):
        """Makes images look as if nobody had used them for months."""
        for path in steps.walk([folder]):
            if path.endswith('.used'):
                os.utime(path, (0, 0))

    # What an earlier crash has left

    def delete_half(self, instance):
        os.rename(self.layout.folder(instance.uuid),
                  self.layout.deleted(instance.uuid))

    def begin_work(self, image_id):
        work = os.path.join(self.layout.cache, image_id, 'work-0badcafe')
        os.mkdir(work)
        files.write_atomically(os.path.join(work, 'image'), 'half')

    def begin_snapshot(self, instance):
        """Leaves a snapshot and half an image of a server."""
        self.driver.power_on(None, instance, [])
        self.vmware.run('snapshot', self.layout.vmx(instance.uuid),
                        'nova-vmrun-' + self.new_id())
        self.driver.power_off(instance)
        work = self.layout.snapshot_work(instance.uuid)
        os.mkdir(work)
        files.write_atomically(os.path.join(work, 'disk.vmdk'), 'half')

    # Its state, to go back to

    def keep(self):
        """Keeps how all is now."""
        self.end_processes()
        for folder in self._kept:
            shutil.copytree(folder, self._copy_of(folder), symlinks=True)

    def bring_back(self):
        """Makes all as it was kept."""
        self.end_processes()
        for folder in self._kept:
            shutil.rmtree(folder)
            shutil.copytree(self._copy_of(folder), folder, symlinks=True)
        self.restart()

    def _copy_of(self, folder):
        return os.path.join(self._folder, 'kept-' + os.path.basename(folder))

    # Crashes

    def run(self, operation, moment=None):
        """Runs an operation in a process of its own.

        :param operation: called with this host
        :param moment: a steps.Moment at which it is killed; None: never
        :returns: (whether it got through, list of its steps)
        """
        report = os.path.join(self._folder, 'report')
        with open(report, 'wb') as file:
            # A copy of this process is cheap as long as neither writes.
            gc.freeze()
            child = os.fork()
            if not child:
                gc.disable()
                self._run(operation, moment, file.fileno())
            _child, status = os.waitpid(child, 0)
        with open(report) as file:
            told = [json.loads(line) for line in file]
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            raise AssertionError('The operation failed: %s' % told[-1])
        return os.WIFEXITED(status), told

    def _run(self, operation, moment, report):
        try:
            self._watch = steps.Watch(
                (self.root, self._elsewhere), report, moment)
            self._watch.begin()
            operation(self)
            os._exit(0)
        except BaseException:
            os.write(report, json.dumps(traceback.format_exc()).encode())
            os._exit(1)

    def wait_for_tools(self):
        """Lets the tools that survived nova-compute come to their end."""
        processes.wait_for_tools(self._kept)

    def wait_for_tool(self, verb):
        """Waits until a vmrun runs with a verb."""
        deadline = time.monotonic() + _SECONDS
        while not any(verb in process.info['cmdline']
                      for process in processes.using(self._kept)):
            if time.monotonic() > deadline:
                raise AssertionError('No vmrun %s runs.' % verb)
            time.sleep(0.01)

    def cut_power(self, durable):
        """Ends everything; of what was not flushed half is there.

        :param durable: inodes that were flushed, or were there before
        """
        self.end_processes()
        for path, inode in self.inodes():
            if inode not in durable and not is_vmwares(path):
                os.truncate(path, os.path.getsize(path) // 2)

    def picture(self):
        """Returns an enumeration.picture of all files but lock files."""
        return {path: what for path, what in enumeration.picture(
            (self.root, self._elsewhere)).items()
            if os.path.dirname(path) != self.layout.locks}

    def inodes(self):
        """Yields (path, inode) of all files of servers and images."""
        for path in steps.walk((self.root, self._elsewhere)):
            yield path, os.lstat(path).st_ino

    def restart(self):
        """Starts nova-compute again."""
        self.hypervisor.events.end()
        self.driver = base.start_driver(self)

    def end_processes(self):
        """Kills VMs and tools."""
        processes.end(self._kept)

    def vms(self):
        """Returns the .vmx paths of all VM processes, listed or not."""
        return processes.vms(self._kept)

    # What must be true, whatever has happened

    def add_bystander(self):
        """Makes a server that no operation is about."""
        self.bystander = self.add_server(self.add_image())
        self._bystanders_disk = files.read(
            self.layout.disk(self.bystander.uuid, 'root'))

    def check_tidy(self):
        """Every VM is a server's, and nothing is half-made."""
        uuids = self.driver.list_instance_uuids()
        vms = self.vms()
        operation.require_equal(
            [], sorted(set(vms) - set(map(self.layout.vmx, uuids))),
            'VMs of no server')
        operation.require_equal(
            vms, sorted(self.layout.vmx(uuid) for uuid in uuids
                        if self.hypervisor.states.is_running(uuid, False)),
            'running VMs')
        operation.require_equal([], tidiness.half_made(self.root, uuids),
                                'incomplete files')
        operation.require_equal([], tidiness.boots(self.layout.cache),
                                'boots')
        operation.require_equal([], tidiness.broken_images(
            self.layout.cache, self._is_content), 'broken images')
        self._check_bystander()

    def _check_bystander(self):
        uuid = self.bystander.uuid
        operation.require_equal(operation.SHUTDOWN, self.driver.get_info(
            self.bystander).state, 'state of another server')
        operation.require(
            self._bystanders_disk == files.read(
                self.layout.disk(uuid, 'root')),
            'the disk of another server has another content')

    def _is_content(self, image_id, path):
        if not path.endswith('.vmdk'):
            return files.read(path) == self.images[image_id][1]
        # Files that are the same need to be compared once.
        known = hash(tuple(files.read(path) for path in sorted(glob.glob(
            os.path.join(os.path.dirname(path), '*.vmdk')))))
        if (path, known) not in self._compared:
            self._compared[path, known] = (
                self.read(path) == self.read(*self.image_file(image_id)))
        return self._compared[path, known]

    def check_nothing_left(self):
        """The other server is the only one; its port is the only one."""
        self.check_tidy()
        operation.require_equal([self.bystander.uuid],
                                tidiness.folders(self.root), 'folders')
        record = self.hypervisor.records.get(self.bystander.uuid)
        operation.require_equal(
            {record.vnc_port}, self.hypervisor.records.taken_ports(),
            'ports')
        operation.require_equal([], self.elsewhere(), 'files elsewhere')


def is_vmwares(path):
    """Tells whether a file is VMware's affair."""
    name = os.path.basename(path)
    return name.endswith(('.log', '.lck', '.vmss', '.vmem', '.vmsn', '.vmsd',
                          '.nvram')) or '-00000' in name or (
        '.lck' + os.sep in path)
