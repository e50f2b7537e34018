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

"""The operations of vmware-vdiskmanager, one function for each switch."""

from __future__ import annotations

import contextlib
import errno
import os
import sys

from vmwarefake import locks
from vmwarefake import messages
from vmwarefake.vdiskmanager import refusals
from vmwarefake.vdiskmanager import request as requests
from vmwarefake import vmdk
from vmwarefake.vmdk import create as creator
from vmwarefake.vmdk import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from vmwarefake import session as sessions

_EXPANDED = """
WARNING: If the virtual disk is partitioned, you must use a third-party
         utility in the virtual machine to expand the size of the
         partitions. For more information, see:
         http://www.vmware.com/support/kb/enduser/std_adp.php?p_faqid=1647
"""


@contextlib.contextmanager
def _refusals(what: str) -> abc.Iterator[None]:
    """Turn errors into the refusal ``WHAT TEXT (0xCODE).``"""
    try:
        yield
    except vmdk.DiskError as e:
        if e.code == vmdk.UNSUPPORTED and e.detail:
            sys.stderr.write('fake vmware-vdiskmanager: %s\n' % e.detail)
        raise refusals.failed(what, e.code)
    except locks.Busy:
        raise refusals.failed(what, vmdk.IN_USE)
    except OSError as e:
        codes = {errno.ENOSPC: vmdk.DISK_FULL, errno.ENOENT: 4,
                 errno.EEXIST: vmdk.EXISTS, errno.EACCES: 13,
                 errno.EPERM: 13, errno.ENOTDIR: 4}
        raise refusals.failed(what, codes.get(e.errno or 0, 7))


def _progress(session: sessions.Session, request: requests.Request,
              word: str) -> None:
    """Print the progress on one line, with carriage returns."""
    if request.quiet:
        return
    for percent in (10, 50, 100):
        session.write('\r  %s: %d%% done.' % (word, percent))
    session.write('\n')


def create(session: sessions.Session, request: requests.Request) -> None:
    """-c: make an empty disk."""
    adapter = request.adapter()
    kind = request.type
    if 'size' not in request.options:
        raise refusals.Usage()
    with _refusals('Failed to create disk:'):
        if kind == 5:
            raise vmdk.DiskError(vmdk.BAD_PARAMETER, request.disk)
        size = requests.sectors(request.options['size'], adapter)
        creator.create(request.disk, kind, size, adapter,
                       session.product.newest_hardware())
    session.line("Creating disk '%s'" % request.disk)
    if kind in creator.FLAT_TYPES:
        _progress(session, request, 'Create')
    session.line('Virtual disk creation successful.')


def convert(session: sessions.Session, request: requests.Request) -> None:
    """-r: copy to a disk of another type; a chain becomes one disk."""
    from vmwarefake.vmdk import copy
    kind = request.type
    with _refusals('Failed to convert disk:'):
        chain = disk.open_chain(request.argument)
        for link in chain:
            locks.check(link.path, shared=True)
        adapter = request.adapter(
            chain[0].descriptor.ddb.get('ddb.adapterType', 'lsilogic'))
        hardware = session.product.newest_hardware()
        if kind == 5:
            from vmwarefake.vmdk import stream
            stream.convert(chain[0], request.disk, adapter, hardware)
        else:
            copy.flatten(chain, request.disk, kind, adapter, hardware)
    session.line("Creating disk '%s'" % request.disk)
    _progress(session, request, 'Convert')
    session.line('Virtual disk conversion successful.')


def expand(session: sessions.Session, request: requests.Request) -> None:
    """-x: expand a disk that has no parent, child or snapshot."""
    with _refusals("Failed to expand the disk '%s':" % request.disk):
        link = disk.open_link(request.disk)
        link.check_extents()
        locks.check(link.path)
        size = requests.sectors(
            request.argument, link.descriptor.ddb.get('ddb.adapterType', ''))
        if link.is_child:
            raise refusals.failed('Failed to get geometry:', 16003)
        # For a disk with children the text is not known.
        if size <= link.capacity or has_dependents(link):
            raise vmdk.DiskError(vmdk.BAD_PARAMETER, link.path)
        from vmwarefake.vmdk import grow
        grow.grow(link, size)
    _progress(session, request, 'Grow')
    session.line('Disk expansion completed successfully.')
    session.write(_EXPANDED)


def has_dependents(link: disk.Disk) -> bool:
    """Return whether a delta or a snapshot is based on a disk."""
    if disk.children_in(link.directory, link.path):
        return True
    from vmwarefake import dictionary
    for name in os.listdir(link.directory):
        if not name.endswith('.vmsd'):
            continue
        try:
            keys = dictionary.read(os.path.join(link.directory, name))
        except (OSError, dictionary.Malformed):
            continue
        for key, value in keys.items():
            if key.lower().startswith('snapshot') and key.lower().endswith(
                    '.filename') and os.path.realpath(os.path.join(
                        link.directory, value)) == os.path.realpath(
                            link.path):
                return True
    return False


def _compact(request: requests.Request, code: int) -> None:
    """Rewrite a sparse disk, which may be a child or a parent."""
    link = disk.open_link(request.disk)
    link.check_extents()
    locks.check(link.path)
    if not link.is_sparse or (
            link.descriptor.create_type == 'streamOptimized'):
        raise vmdk.DiskError(code, link.path)
    if not link.is_child:
        # A child's zeros hide data of its parent, so keep them.
        from vmwarefake.vmdk import grow
        grow.compact(link)


def defragment(session: sessions.Session, request: requests.Request) -> None:
    """-d: put the grains in order."""
    with _refusals('Failed to defragment:'):
        try:
            disk.open_link(request.disk).check_extents()
        except vmdk.DiskError as e:
            session.line("Failed to open the disk '%s' : %s" % (
                request.disk, messages.with_code(e.code)))
            raise
        _compact(request, vmdk.BAD_PARAMETER)
    _progress(session, request, 'Defragment')
    session.line('Defragmentation completed successfully.')


def shrink(session: sessions.Session, request: requests.Request) -> None:
    """-k: drop the grains that are all zero."""
    with _refusals("Failed to shrink the disk '%s' :" % request.disk):
        _compact(request, vmdk.NOT_PARENT)
    _progress(session, request, 'Shrink')
    session.line('Shrink completed successfully.')


def rename(session: sessions.Session, request: requests.Request) -> None:
    """-n: rename the disk and its extents."""
    with _refusals("Failed to rename the disk '%s' :" % request.argument):
        link = disk.open_link(request.argument)
        link.check_extents()
        locks.check(link.path)
        from vmwarefake.vmdk import grow
        grow.rename(link, os.path.abspath(request.disk))
    session.line('Renaming completed successfully.')


def prepare(session: sessions.Session, request: requests.Request) -> None:
    """-p: only for disks that are mounted on Windows hosts."""
    raise refusals.Failed("Failed to prepare the disk mounted at '%s' for "
                          'shrinking.\n' % request.disk)


def repair(session: sessions.Session, request: requests.Request) -> None:
    """-R: check and repair a sparse disk."""
    with _refusals("Failed to open the disk '%s' :" % request.disk):
        link = disk.open_link(request.disk)
        locks.check(link.path)
        from vmwarefake.vmdk import grow
        mended = grow.repair(link)
        link.check_extents()
    if mended:
        session.line("The virtual disk, '%s', was corrupted and has been "
                     'successfully repaired.' % request.disk)
    else:
        session.line("No errors were found on the virtual disk, '%s'."
                     % request.disk)


def check_chain(session: sessions.Session, request: requests.Request) -> None:
    """-e: check that all links open and fit together."""
    with _refusals("Failed to open the disk '%s' :" % request.disk):
        disk.open_link(request.disk).check_extents()
    try:
        disk.open_chain(request.disk)
    except vmdk.DiskError as e:
        reason = messages.with_code(e.code)
        raise refusals.Failed(
            "Failed to open the disk '%s' : %s\n"
            'Disk link %s successfully opened.\n'
            'Disk chain is not consistent: %s\n'
            % (request.disk, reason, request.disk, reason))
    session.line('Disk chain is consistent.')


def make_deletable(session: sessions.Session,
                   request: requests.Request) -> None:
    """-D: record in the descriptor that the disk may be deleted."""
    with _refusals("Failed to open the disk '%s' :" % request.disk):
        link = disk.open_link(request.disk)
        link.descriptor.ddb['ddb.deletable'] = 'true'
        link.save()


def delete(session: sessions.Session, request: requests.Request) -> None:
    """-U: remove the disk and its extents."""
    with _refusals("Failed to delete the disk '%s' :" % request.disk):
        link = disk.open_link(request.disk)
        locks.check(link.path)
        for path in reversed(link.files()):
            if os.path.exists(path):
                os.unlink(path)


OPERATIONS = {'-c': create, '-d': defragment, '-k': shrink, '-n': rename,
              '-p': prepare, '-r': convert, '-x': expand, '-R': repair,
              '-e': check_chain, '-D': make_deletable, '-U': delete}
