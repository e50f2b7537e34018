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

"""Servers that already exist, in Nova and on the host.

Usage::

    python -m tests.load.existing NOVA_CONF INSTANCES TEMPLATE NUMBER

makes NUMBER copies of TEMPLATE, a stopped server, and prints their ids. The
ports of their consoles follow its port. nova-compute must not be running.
"""

import os
import shutil
import sys

from nova.compute import power_state
from nova.compute import vm_states
from nova import config
from nova import context as nova_context
from nova import objects
from nova.objects import instance as instance_object
from nova.objects import instance_mapping
from oslo_utils import uuidutils

from nova_vmrun.aio import sqlite
from nova_vmrun.formats import vmx

# Columns that differ for each instance.
_OWN = {'id', 'uuid', 'created_at', 'updated_at', 'display_name', 'hostname',
        'vm_state', 'power_state'}


def runs(index):
    """Return whether a copy runs: every second one does."""
    return index % 2 == 0


def copy_server(template, number):
    """Copy a server in Nova's databases, and yield the ids of the copies."""
    admin = nova_context.get_admin_context()
    mapping = instance_mapping.InstanceMapping.get_by_instance_uuid(
        admin, template)
    spec = objects.RequestSpec.get_by_instance_uuid(admin, template)
    with nova_context.target_cell(admin, mapping.cell_mapping) as cell:
        original = objects.Instance.get_by_uuid(
            cell, template, expected_attrs=[
                *instance_object.INSTANCE_DEFAULT_FIELDS, 'flavor'])
        for index in range(number):
            uuid = uuidutils.generate_uuid()
            _copy_instance(cell, original, uuid, index)
            _copy_mapping(admin, mapping, spec, uuid)
            yield uuid


def _copy_instance(context, original, uuid, index):
    copy = objects.Instance(
        context, uuid=uuid, display_name='old-%d' % index,
        hostname='old-%d' % index,
        vm_state=vm_states.ACTIVE if runs(index) else vm_states.STOPPED,
        power_state=(power_state.RUNNING if runs(index)
                     else power_state.SHUTDOWN))
    _copy_fields(original, copy, _OWN)
    copy.create()


def _copy_mapping(context, mapping, spec, uuid):
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


def console_port(instances, uuid):
    with open(os.path.join(instances, uuid, uuid + '.vmx'), 'rb') as file:
        return int(vmx.load(file.read())['RemoteDisplay.vnc.port'])


def copy_folder(instances, template, template_port, uuid, port):
    """Copy the files of a server, with another id and console port."""
    target = os.path.join(instances, uuid)
    shutil.copytree(os.path.join(instances, template), target)
    for name in os.listdir(target):
        path = os.path.join(target, name)
        if template in name:
            new = os.path.join(target, name.replace(template, uuid))
            os.rename(path, new)
            path = new
        if path.endswith(('.vmx', '.json', '.rendered')):
            with open(path) as file:
                text = file.read()
            for old, own in ((template, uuid),
                             (str(template_port), str(port))):
                text = text.replace(old, own)
            with open(path, 'w') as file:
                file.write(text)


def main():
    nova_conf, instances, template, number = sys.argv[1:]
    config.parse_args(['existing', '--config-file', nova_conf])
    sqlite.install()
    objects.register_all()
    port = console_port(instances, template)
    for copied, uuid in enumerate(copy_server(template, int(number)), 1):
        copy_folder(instances, template, port, uuid, port + copied)
        print(uuid)


if __name__ == '__main__':
    main()
