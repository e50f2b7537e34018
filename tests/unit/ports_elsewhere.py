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

"""Which ports keep a server from taking a local network to another host.

Neutron refuses to bind such a port (nova_vmrun/ml2), and nova-compute refuses
to move such a server before that. Both must follow one rule.
"""

# What differs from a bound port of another server on host "other".
COUNT = (
    {},
    {'binding:vif_type': 'ovs'},
    # Of two ports that are bound at the same time, each has its host.
    {'binding:vif_type': 'unbound'},
    # Any user can name another project's server as the device of a port.
    {'device_id': 'server-id', 'project_id': 'other'},
)
DO_NOT_COUNT = (
    {'binding:host_id': 'laptop'},
    {'binding:host_id': '', 'binding:vif_type': 'unbound'},
    {'binding:host_id': None, 'binding:vif_type': 'unbound'},
    {'binding:vif_type': 'binding_failed'},
    # They move along.
    {'device_id': 'server-id'},
    {'device_owner': 'network:dhcp'},
)


def port(number, **changes):
    """Returns a port of another server, as Neutron has it.

    :param changes: see above
    """
    found = {'id': 'port-%d' % number, 'network_id': 'network-id',
             'binding:host_id': 'other', 'binding:vif_type': 'vmrun',
             'device_id': 'server-%d' % number, 'project_id': 'project',
             'device_owner': 'compute:nova', **changes}
    return {**found, 'tenant_id': found['project_id']}
