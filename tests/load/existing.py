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

"""Servers that have been there for long: in Nova, and on the host."""

from concurrent import futures
import os
import shutil

from nova.compute import power_state
from nova.compute import vm_states
from nova import context as nova_context
from nova import objects
from nova.objects import instance as instance_object
from nova.objects import instance_mapping
from oslo_utils import uuidutils

# What each instance has of its own.
_OWN = {'id', 'uuid', 'created_at', 'updated_at', 'display_name', 'hostname',
        'vm_state', 'power_state'}


def make(test, template, number):
    """Makes copies of a server that is stopped; each second one runs.

    :param test: a tests.functional.api.base.TestCase
    :param template: the server
    :param number: how many
    """
    context = nova_context.get_admin_context()
    mapping = instance_mapping.InstanceMapping.get_by_instance_uuid(
        context, template['id'])
    original = objects.Instance.get_by_uuid(
        context, template['id'],
        expected_attrs=instance_object.INSTANCE_DEFAULT_FIELDS + ['flavor'])
    spec = objects.RequestSpec.get_by_instance_uuid(context, template['id'])
    free_ports = iter(test.driver._hypervisor.consoles._ports)
    next(free_ports)
    servers = []
    for index in range(number):
        uuid = uuidutils.generate_uuid()
        _copy_instance(context, mapping, original, spec, uuid, index)
        servers.append({'id': uuid})
        _copy_folder(test, template, servers[-1], next(free_ports))
    with futures.ThreadPoolExecutor(2 * os.cpu_count()) as pool:
        list(pool.map(lambda server: test.vmware.run(
            'start', test.vmx_path(server), 'nogui'), servers[::2]))
    test.driver._hypervisor.states.changed()


def _copy_instance(context, mapping, original, spec, uuid, index):
    runs = index % 2 == 0
    copy = objects.Instance(
        context, uuid=uuid, display_name='old-%d' % index,
        hostname='old-%d' % index,
        vm_state=vm_states.ACTIVE if runs else vm_states.STOPPED,
        power_state=power_state.RUNNING if runs else power_state.SHUTDOWN)
    _copy_fields(original, copy, _OWN)
    copy.create()
    spec_copy = objects.RequestSpec(context, instance_uuid=uuid)
    _copy_fields(spec, spec_copy, {'id', 'instance_uuid'})
    spec_copy.create()
    instance_mapping.InstanceMapping(
        context, instance_uuid=uuid, cell_mapping=mapping.cell_mapping,
        project_id=mapping.project_id, user_id=mapping.user_id,
        queued_for_delete=False).create()


def _copy_fields(original, copy, own):
    for name in original.obj_fields:
        if name not in own and original.obj_attr_is_set(name):
            setattr(copy, name, getattr(original, name))


def _copy_folder(test, template, server, port):
    """Copies the files; the id and the console's port are the copy's own."""
    old_port = test.vmx(template)['RemoteDisplay.vnc.port']
    shutil.copytree(test.path(template), test.path(server))
    for name in os.listdir(test.path(server)):
        path = test.path(server, name)
        if template['id'] in name:
            new = test.path(server, name.replace(template['id'],
                                                 server['id']))
            os.rename(path, new)
            path = new
        if path.endswith(('.vmx', '.json', '.rendered')):
            with open(path) as file:
                text = file.read()
            for old, own in ((template['id'], server['id']),
                             (old_port, str(port))):
                text = text.replace(old, own)
            with open(path, 'w') as file:
                file.write(text)
