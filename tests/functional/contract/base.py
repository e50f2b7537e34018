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

"""A driver with the fake VMware tools, as a mixin for Nova's test cases."""

import os

import fixtures

from nova_vmrun import driver
from nova_vmrun.host import resources
from tests.functional.api import base as api_base
from tests.functional import fake_vmware


def use_fakes(test, **knobs):
    """Makes a test's driver use the fake tools.

    :param test: a nova.test.TestCase
    :param knobs: of the fakes
    :returns: the FakeVmware
    """
    # The folder goes after the VMs in it.
    test.flags(instances_path=os.path.join(
        test.useFixture(fixtures.TempDir()).path, 'instances'))
    vmware = test.useFixture(fake_vmware.FakeVmware(**knobs))
    test.flags(vmrun_path=vmware.vmrun,
               vdiskmanager_path=vmware.vdiskmanager,
               vnc_port_range=api_base.free_port_range(100), group='vmrun')
    # To fill a config drive, Nova asks Neutron.
    test.flags(force_config_drive=False)
    # Nova's tests may not read /sys, which tells of processors.
    test.useFixture(fixtures.MockPatchObject(
        resources.Host, 'cpu_info', {'arch': 'x86_64'}))
    return vmware


def start_driver():
    """Returns a driver that is ready."""
    made = driver.VmrunDriver(None)
    made.init_host('host')
    return made
