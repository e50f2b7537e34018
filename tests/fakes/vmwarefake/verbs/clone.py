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

"""clone and deleteVM."""

from __future__ import annotations

import os
import re
import shutil

from vmwarefake import checkpoint
from vmwarefake import devices
from vmwarefake import dictionary
from vmwarefake import errors
from vmwarefake import files
from vmwarefake import firstboot
from vmwarefake import power
from vmwarefake import snapshots
from vmwarefake.verbs import snapshot as snapshot_verbs
from vmwarefake import vm as vms
from vmwarefake import vmdk
from vmwarefake.vmdk import copy
from vmwarefake.vmdk import create
from vmwarefake.vmdk import disk
from vmwarefake import vmsd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from vmwarefake import session as sessions

_NUMBERED = re.compile(r'-\d{6}\Z')


class Request:
    """The arguments of a clone command."""

    def __init__(self, words: list[str]) -> None:
        self.target = os.path.abspath(words[1])
        self.kind = words[2].lower()
        self.snapshot: str | None = None
        self.name: str | None = None
        if self.kind not in ('full', 'linked'):
            raise errors.Usage()
        rest = list(words[3:])
        while rest:
            self._take(rest)

    def _take(self, rest: list[str]) -> None:
        word = rest.pop(0)
        option, equals, value = word.partition('=')
        option = option.lower()
        if option in ('-snapshot', '-clonename'):
            if not equals:
                if not rest:
                    raise errors.Usage()
                value = rest.pop(0)
            if option == '-snapshot':
                self.snapshot = value
            else:
                self.name = value
        elif not word.startswith('-') and self.snapshot is None:
            self.snapshot = word        # the syntax of older versions


def clone(session: sessions.Session, words: list[str]) -> None:
    request = Request(words)
    source = session.vm(words[0])
    with source.locked():
        if not request.target.lower().endswith('.vmx'):
            raise errors.cannot_open(words[1], 'unknown file suffix')
        if source.encrypted:
            raise errors.vix(35)
        if os.path.exists(request.target):
            # The message is not known; the VIX text is likely.
            raise errors.vix(12)
        power.check_not_locked(source)
        listing = snapshot_verbs.read_listing(source)
        snapshot = _snapshot_for(source, listing, request)
        _identify_source(source)
        try:
            _make(source, listing, snapshot, request)
        except vmdk.DiskError as e:
            raise errors.vix(4 if e.code == vmdk.NOT_FOUND else 13002)


def _snapshot_for(source: vms.VM, listing: vmsd.Vmsd,
                  request: Request) -> vmsd.Snapshot | None:
    """Return the snapshot to clone from, None for the current state."""
    if request.snapshot is not None:
        found = listing.find(request.snapshot)
        if not found:
            raise errors.Refused("Invalid snapshot name '%s'"
                                 % request.snapshot, after='\n')
        if len(found) > 1:
            raise errors.vix(13017)
        if found[0].kind == vmsd.ON or found[0].kind == vmsd.SUSPENDED:
            raise errors.already_running()
        if request.kind == 'full' and source.is_on:
            raise errors.already_running()
        return found[0]
    if source.state != vms.OFF:
        # For a suspended VM this is not known (stricter: refused).
        raise errors.already_running()
    if request.kind == 'full':
        return None
    if listing.current and all(
            disk.open_link(d.path).is_empty()
            for d in snapshots.snapshot_disks(source)):
        raise errors.vix(13008)
    return snapshots.take(source, listing, 'Clone')


def _identify_source(source: vms.VM) -> None:
    """Write the uuids of a vmx that was never opened, as the products do."""
    if source.is_on or 'uuid.bios' in source.config:
        return
    source.config['uuid.bios'] = firstboot.format_uuid(b'VM' + os.urandom(14))
    source.config['uuid.location'] = firstboot.location_uuid(source.vmx)
    source.save_config()


def _make(source: vms.VM, listing: vmsd.Vmsd, snapshot: vmsd.Snapshot | None,
          request: Request) -> None:
    config = _config_of(source, snapshot)
    folder = os.path.dirname(request.target)
    os.makedirs(folder, exist_ok=True)
    made = []
    try:
        for drive, origin in _origins(source, config, snapshot):
            path = _disk_name(folder, origin)
            made.append(_copy_disk(source, origin, path, request.kind))
            config[drive.node + '.fileName'] = os.path.basename(path)
    except BaseException:
        for link in made:
            for path in link.files():
                files.remove(path)
        raise
    _copy_nvram(source, config, request)
    dictionary.write(request.target, _clone_config(source, config, request))
    if snapshot and request.kind == 'linked':
        _note_clone(listing, snapshot, source, request, made)


def _config_of(source: vms.VM,
               snapshot: vmsd.Snapshot | None) -> dictionary.Dictionary:
    if snapshot is None:
        return source.config.copy()
    saved = checkpoint.read(source.path(snapshot.filename))
    if 'config' not in saved:
        raise errors.vix(13001)
    return dictionary.parse(saved['config'])


def _origins(source: vms.VM, config: dictionary.Dictionary,
             snapshot: vmsd.Snapshot | None
             ) -> abc.Iterator[tuple[devices.Drive, str]]:
    """Yield (drive, path of the disk that it is copied from)."""
    named = {} if snapshot is None else {
        node: source.path(name) for name, node in snapshot.disks}
    for drive in devices.disks(config, source.directory):
        yield drive, named.get(drive.node, drive.path)


def _disk_name(folder: str, origin: str) -> str:
    base = _NUMBERED.sub('', os.path.splitext(os.path.basename(origin))[0])
    number = 1
    while os.path.lexists(os.path.join(folder, '%s-cl%d.vmdk'
                                       % (base, number))):
        number += 1
    return os.path.join(folder, '%s-cl%d.vmdk' % (base, number))


def _copy_disk(source: vms.VM, origin: str, path: str, kind: str) -> disk.Disk:
    chain = disk.open_chain(origin)
    if kind == 'linked':
        return create.create_child(path, chain[0])
    adapter = chain[0].descriptor.ddb.get('ddb.adapterType', 'lsilogic')
    return copy.flatten(chain, path, copy.type_of(chain[-1]), adapter,
                        source.session.product.newest_hardware())


def _copy_nvram(source: vms.VM, config: dictionary.Dictionary,
                request: Request) -> None:
    base = os.path.splitext(request.target)[0]
    old = source.path(config.get('nvram') or source.base + '.nvram')
    if os.path.exists(old):
        shutil.copyfile(old, base + '.nvram')


def _clone_config(source: vms.VM, config: dictionary.Dictionary,
                  request: Request) -> dictionary.Dictionary:
    """Turn the configuration of the source into that of the clone."""
    base = os.path.splitext(os.path.basename(request.target))[0]
    for key in ('uuid.bios', 'uuid.location', 'vmci0.id',
                'checkpoint.vmState', 'checkpoint.vmState.readOnly',
                'cleanShutdown', 'softPowerOff'):
        config.pop(key)
    for n in devices.nics(config):
        config.pop('ethernet%d.generatedAddress' % n)
        config.pop('ethernet%d.generatedAddressOffset' % n)
    for drive in devices.drives(config, source.directory):
        if drive.is_cdrom and drive.file_name and os.path.exists(drive.path):
            config[drive.node + '.fileName'] = drive.path
    config['displayName'] = request.name or (
        'Clone of %s' % config.get('displayName', source.base))
    config['extendedConfigFile'] = base + '.vmxf'
    for key, suffix in (('nvram', '.nvram'),
                        ('vmxstats.filename', '.scoreboard')):
        if key in config:
            config[key] = base + suffix
    if request.kind == 'linked':
        config['fileSearchPath'] = '.;%s' % source.directory
    return config


def _note_clone(listing: vmsd.Vmsd, snapshot: vmsd.Snapshot,
                source: vms.VM, request: Request,
                made: list[disk.Disk]) -> None:
    """Record parent and clone in each other's .vmsd."""
    own = vmsd.Vmsd(os.path.splitext(request.target)[0] + '.vmsd')
    own.other.update({'cloneOf0': source.vmx, 'numCloneOf': '1'})
    for n, link in enumerate(made):
        own.other['sentinel%d' % n] = os.path.basename(link.path)
    own.other['numSentinels'] = str(len(made))
    own.save()
    snapshot.clones.append(request.target)
    listing.save()


#: Files that deleteVM removes besides the disks; all others stay.
_OWN = re.compile(r'(\.vmx|\.vmxf|\.vmsd|\.nvram|\.scoreboard|'
                  r'-[0-9a-f]{8}\.(vmss|vmem)|-Snapshot\d+\.(vmsn|vmem))\Z')
_LOG = re.compile(r'vmware(-\d+)?\.log\Z')
_MEMORY = re.compile(r'564d[0-9a-f]{12}-[0-9a-f]{16}\.vmem\Z')


def delete_vm(session: sessions.Session, words: list[str]) -> None:
    """Remove a VM that is not on.

    The .vmsd of a linked clone's parent keeps counting the clone, as was seen
    with some products.
    """
    machine = session.vm(words[0])
    with machine.locked():
        if machine.is_on:
            raise errors.already_running()
        power.check_not_locked(machine)
        doomed = set(_own_disks(machine))
        for name in os.listdir(machine.directory):
            path = os.path.join(machine.directory, name)
            if _is_own(machine, name):
                doomed.add(path)
            elif name.endswith('.lck') and os.path.isdir(path):
                shutil.rmtree(path)
        for path in sorted(doomed, key=_deletion_order):
            files.remove(path)
        try:
            os.rmdir(machine.directory)
        except OSError:
            pass                # other files are left in it
        machine.record.forget()


def _deletion_order(path: str) -> tuple[bool, bool, str]:
    """Order files so that a call that was interrupted can be repeated.

    The .vmsd names disks that the .vmx does not, and without the .vmx there
    is no VM.
    """
    return path.endswith('.vmx'), path.endswith('.vmsd'), path


def _is_own(machine: vms.VM, name: str) -> bool:
    if name.startswith(machine.base) and _OWN.match(
            name[len(machine.base):]):
        return True
    return bool(_LOG.match(name) or _MEMORY.match(name))


def _own_disks(machine: vms.VM) -> list[str]:
    """Return the files of the VM's disks in its folder."""
    listing = snapshot_verbs.read_listing(machine)
    leaves = [d.path for d in devices.disks(machine.config,
                                            machine.directory)]
    leaves += [machine.path(name) for snapshot in listing.snapshots
               for name, _ in snapshot.disks]
    found = []
    for leaf in leaves:
        path: str | None = leaf
        while path and os.path.dirname(path) == machine.directory:
            try:
                link = disk.open_link(path)
            except vmdk.DiskError:
                break
            found += [p for p in link.files()
                      if os.path.dirname(p) == machine.directory]
            path = link.parent_path()
    return found
