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

"""Checks of the files of a host after a crash."""

import glob
import json
import os
import re

from oslo_utils import uuidutils

from nova_vmrun.storage import cache_entry
from tests.crash import steps

_PASSING = re.compile(r'[.]part$|/work-|/snapshot(/|$)|[.]deleted(/|$)')
# The names of incomplete files begin with a dot.
_DISK = re.compile('[^.].*[.](vmdk|iso|flp)')
_SNAPSHOT = re.compile('-[0-9]{6}(?=[.]vmdk)')
_VOLUMES = '_volumes'
_BESIDE = ('_base', 'locks', _VOLUMES, 'storage.json')


def is_vmwares(path: str) -> bool:
    """Return whether VMware itself decides when a file is flushed."""
    name = os.path.basename(path)
    return name.endswith(('.log', '.lck', '.vmss', '.vmem', '.vmsn', '.vmsd',
                          '.nvram')) or '-00000' in name or (
        '.lck' + os.sep in path)


def half_made(root, uuids):
    """Return the paths of files that nobody will complete.

    :param uuids: of servers with a record. A folder without one is removed
        with its server, and so is what connectors keep for it.
    """
    folders = [os.path.join(parent, name)
               for parent in (root, os.path.join(root, _VOLUMES))
               if os.path.isdir(parent) for name in os.listdir(parent)
               if name in uuids or not (
                   name == _VOLUMES or uuidutils.is_uuid_like(name))]
    found = [os.path.relpath(path, root) for path in steps.walk(folders)]
    return [path for path in found if _PASSING.search(path)]


def unlisted_disks(root):
    """Return the paths of disks that the list beside them does not name.

    Snapshots that VMware has made of a listed disk need no name.
    """
    found = []
    for folder in glob.glob(os.path.join(root, '*', '')):
        listed = _listed(folder)
        if listed is None:
            continue
        found += [os.path.relpath(os.path.join(folder, name), root)
                  for name in os.listdir(folder)
                  if _DISK.fullmatch(name) and
                  not _is_listed(name, listed)]
    return found


def _is_listed(name, listed):
    """Return whether a list names a disk, or that of which it is a snapshot.

    A snapshot is beside the .vmx even if the disk is in a storage folder.
    """
    disk = _SNAPSHOT.sub('', name)
    return name in listed or (
        disk != name and disk in map(os.path.basename, listed))


def _listed(folder):
    """Return the names on a folder's list of disks, None without a list.

    Include the copies of disks that are being moved.
    """
    moving = []
    if os.path.exists(os.path.join(folder, 'moving.json')):
        with open(os.path.join(folder, 'moving.json')) as file:
            content = json.load(file)
        moving = content['old_names'] + content['new_names']
    for name, key in (('nova.json', 'disks'), ('disks.json', None)):
        try:
            with open(os.path.join(folder, name)) as file:
                content = json.load(file)
        except FileNotFoundError:
            continue
        return moving + [disk['path'] for disk in (
            content[key] if key else content)]
    return None


def connected(layout):
    """Return the names of what is kept for volumes of servers."""
    try:
        return sorted(set(os.listdir(layout.all_volumes)) - {'initiator'})
    except FileNotFoundError:
        return []


def boots(cache):
    """Return the folders of builds in progress."""
    try:
        return os.listdir(os.path.join(cache, 'boots'))
    except FileNotFoundError:
        return []


def folders(root):
    """Return the names of the folders of servers."""
    return sorted(name for name in os.listdir(root) if name not in _BESIDE)


def broken_images(cache, content_of):
    """Return what is wrong with the images that are kept.

    :param content_of: called with the id of an image and the path of its
        disk, returns whether the disk holds the image
    """
    trouble = []
    for image_id in os.listdir(cache):
        if not uuidutils.is_uuid_like(image_id):
            continue
        entry = cache_entry.Entry(os.path.join(cache, image_id))
        names = entry.disks() + entry.plain_files()
        trouble += ['%s: %s' % (name, entry.find_damage(name))
                    for name in names if entry.find_damage(name)]
        trouble += ['%s has another content' % name for name in names
                    if not content_of(image_id, entry.path(name))]
        trouble += ['%s is empty' % image_id] if not names else []
    return trouble
