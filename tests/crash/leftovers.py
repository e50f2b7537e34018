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

"""What an earlier crash can have left on a host."""

import os
from typing import Any

from oslo_utils import uuidutils

from nova_vmrun.host import files
from tests.crash import host as hosts


def delete_half(host: hosts.Host, instance: Any) -> None:
    """Leave the folder of a server as an interrupted delete does."""
    os.rename(host.layout.folder(instance.uuid),
              host.layout.deleted(instance.uuid))


def begin_conversion(host: hosts.Host, image_id: str) -> None:
    """Leave a work folder of the image cache with half an image."""
    work = os.path.join(host.layout.cache, image_id, 'work-0badcafe')
    os.mkdir(work)
    files.write_atomically(os.path.join(work, 'image'), 'half')


def begin_snapshot(host: hosts.Host, instance: Any) -> None:
    """Leave a snapshot and half an image of a server."""
    host.driver.power_on(None, instance, [])
    host.vmware.run('snapshot', host.layout.vmx(instance.uuid),
                    'nova-vmrun-' + uuidutils.generate_uuid())
    host.driver.power_off(instance)
    work = host.layout.snapshot_work(instance.uuid)
    os.mkdir(work)
    files.write_atomically(os.path.join(work, 'disk.vmdk'), 'half')
