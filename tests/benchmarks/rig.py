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

"""Our own classes, put together without Nova's API, on the fakes."""

import os

from nova_vmrun.bench import rig
from nova_vmrun.tools import process

_FAKES = os.path.join(os.path.dirname(os.path.dirname(__file__)), 'fakes')


class Rig(rig.Rig):
    """An image cache in a folder, and the fake tools that it runs.

    :param folder: for the instances; it exists
    """

    def __init__(self, folder: str) -> None:
        super().__init__(
            folder, process.Runner({
                'FAKE_VMRUN_STATE': os.path.join(folder, 'fake-vmware')}),
            os.path.join(_FAKES, 'fake_vdiskmanager'))
