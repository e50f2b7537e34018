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

"""The end of a server: stopped, renamed, removed.

``vmrun deleteVM`` is never used: it leaves files behind, and it follows the
chain of disks up to the base that other servers share.
"""

import contextlib
import os

from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.server import vm_process
from nova_vmrun.server import vmx_file

LOG = logging.getLogger(__name__)


class Destroy:
    """Removes servers, also half-made ones.

    :param power: a nova_vmrun.ops.power.power.Power
    :param power_states: a nova_vmrun.server.states.PowerStates
    :param layout: a nova_vmrun.server.layout.Layout
    :param records: a nova_vmrun.server.records.Records
    """

    def __init__(self, power, power_states, layout, records):
        self._power = power
        self._states = power_states
        self._layout = layout
        self._records = records
        self._vmx_files = vmx_file.VmxFiles(layout)

    def stop(self, uuid):
        """Cuts the power of a server, if it has a VM that is on.

        :raises VmrunError: the VM may be running still, or nobody can tell
            whose it is
        """
        if not self._may_touch(uuid, self._layout.folder(uuid)):
            return
        is_lost = not os.path.exists(self._layout.vmx(uuid))
        if is_lost and not (
                vm_process.is_held_by_vm(self._layout.folder(uuid)) or
                os.path.exists(self._layout.vmware_log(uuid))):
            # It was never started, or is gone.
            return
        if self._states.is_on(uuid):
            if is_lost:
                LOG.warning('The .vmx of server %s is lost and its VM runs',
                            uuid)
            with (self._vmx_files.placeholder(uuid) if is_lost
                  else contextlib.nullcontext()):
                self._power.off(uuid)
        elif self._states.is_unlisted(uuid):
            if is_lost:
                raise self._states.unlisted(uuid)
            # It is refused if vmrun cannot stop it; its files stay.
            self._power.off(uuid)

    def remove(self, uuid):
        """Removes a stopped server, and what a resize has kept of it.

        Safe to interrupt and to repeat.

        :raises RecordUnreadable: nobody can tell whose it is
        :raises OSError: a file could not be removed
        """
        for folder in self._layout.beside(uuid):
            self.remove_folder(uuid, folder)
        self.remove_folder(uuid, self._layout.folder(uuid))

    def remove_folder(self, uuid, folder):
        """Removes one of the folders of a server, which does not run there.

        :param folder: path, one that nova_vmrun.server.layout.Layout names
        :raises RecordUnreadable: nobody can tell whose it is
        :raises OSError: a file could not be removed
        """
        if not self._may_touch(uuid, folder):
            return
        doomed = self._layout.deleted(uuid)
        files.remove_tree(doomed)
        if os.path.isdir(folder):
            os.rename(folder, doomed)
            files.sync_folder(self._layout.root)
        files.remove_tree(doomed)

    def _may_touch(self, uuid, folder):
        """Tells whether a folder is ours, or nobody's."""
        if self._records.is_foreign(uuid, folder):
            LOG.warning('The folder %s belongs to another compute node and '
                        'is left alone', folder)
            return False
        return True

    def finish_interrupted(self):
        """Removes what a crash kept from being removed."""
        for folder in self._layout.half_deleted():
            LOG.info('Removing what is left of a deleted server: %s', folder)
            try:
                files.remove_tree(folder)
            except OSError as error:
                raise exception.InvalidConfiguration(
                    'The folder %s cannot be removed.' % folder,
                    'The system says: %s.' % error,
                    'Give it to the user who runs nova-compute.')
