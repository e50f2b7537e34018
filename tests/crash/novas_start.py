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

"""What Nova's compute manager does with a server when it starts.

This runs the manager's own code with the real driver and without the rest of
Nova.
"""

from unittest import mock

from nova.compute import manager
from nova import objects

_HOST = 'host'


def init_instance(driver, instance, migration=None):
    """Run ComputeManager._init_instance for a server.

    :param driver: a VmrunDriver that has just been started
    :param instance: nova.objects.Instance, as the database has it
    :param migration: nova.objects.Migration of a server that is resized
    """
    nova = mock.MagicMock(spec=manager.ComputeManager)
    nova.driver, nova.host = driver, _HOST
    for name in ('_get_power_state', '_retry_reboot'):
        getattr(nova, name).side_effect = getattr(
            manager.ComputeManager, name).__get__(nova)
    nova._set_instance_obj_error_state.side_effect = _set_error
    nova._delete_instance.side_effect = lambda context, instance, bdms: (
        driver.destroy(context, instance, []))
    nova.reboot_instance.side_effect = (
        lambda context, instance, block_device_info, reboot_type:
        driver.reboot(context, instance, [], reboot_type))
    nova.stop_instance.side_effect = lambda context, instance, _clean: (
        driver.power_off(instance))
    nova.start_instance.side_effect = lambda context, instance: (
        driver.power_on(context, instance, []))
    nova.unpause_instance.side_effect = lambda context, instance: (
        driver.unpause(instance))
    instance.host = _HOST
    with mock.patch.multiple(
            objects.Instance, save=mock.DEFAULT, obj_load_attr=mock.DEFAULT,
            get_network_info=mock.Mock(return_value=[])), \
            mock.patch.object(objects.BlockDeviceMappingList,
                              'get_by_instance_uuid'), \
            mock.patch.object(objects.Migration, 'get_by_id_and_instance',
                              return_value=migration):
        manager.ComputeManager._init_instance(nova, None, instance)


def _set_error(instance, clean_task_state=False):
    instance.vm_state = 'error'
    if clean_task_state:
        instance.task_state = None
