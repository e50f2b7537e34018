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

"""The page of what the predecessors had leaves nothing unanswered."""

import re

from nova import conf as nova_conf
from oslo_config import cfg
from oslo_log import log

from nova_vmrun.catalog import obeyed
from nova_vmrun.catalog import options
from nova_vmrun.catalog import properties
from nova_vmrun import conf
from nova_vmrun.ml2 import conf as ml2_conf
from tests.unit import base
from tests.unit import test_docs

NAME = 'doc/source/predecessors.rst'
PAGE = (test_docs.ROOT / NAME).read_text(encoding='utf-8')
ROW = re.compile(r'(?m)^   \* - ``(.+)``\n     - (\w+)\n     -(.*)$')

# What the documents of the five drivers name.
SPECS = {
    'nova-vix-driver': '''
compute_driver = vix.compute.driver.VixDriver
VIX library
Windows hosts
macOS hosts
nested virtualization
live migration
show_gui
default_guestos
vix_guestos
vix_nested_hypervisor
vix_iso_images
vix_floppy_image
vix_tools_iso
vix_tools
vix_boot_order
hypervisor_type=vix
''',
    'VirtualBox driver of Cloudbase': '''
remote_display
retry_count
retry_interval
vboxmanage_cmd
vrde_unique_port
vrde_module
vrde_port
vrde_require_instance_uuid_as_password
vrde_password_length
wait_soft_reboot_seconds
[rdp] enabled
encrypted_rdp
security_method
server_certificate
server_private_key
server_ca
html5_proxy_base_url
verbose
debug
use_cow_images
allow_resize_to_same_host
vnc_enabled
vncserver_listen
vncserver_proxyclient_address
novncproxy_base_url
endpoint_template
mechanism driver vbox
flat networking
VLAN networking
iSCSI with CHAP
DevStack in a VM, port forwarding
''',
    'ESX driver of OpenStack Bexar': '''
connection_type
vmwareapi_host_ip
vmwareapi_host_username
vmwareapi_host_password
network_manager
flat_network_bridge
image_service
glance_host
ZSI
thick VMDK disks only
machine.id
guest tool
''',
    'ESX driver of OpenStack Essex': '''
vmwareapi_vlan_interface
check of the physical adapter
check of the virtual switch
port groups created for you
check of the VLAN id
console_manager
console_driver
VMRC consoles
VMRC one-time passwords
vmwareapi_wsdl_loc
suds
default_log_levels
''',
    'vCenter driver of OpenStack Rocky': '''
compute_driver = vmwareapi.VMwareVCDriver
api_retry_count
ca_file
cache_prefix
cluster_name
console_delay_seconds
datastore_regex
host_ip
host_password
host_port
host_username
insecure
integration_bridge
maximum_objects
pbm_default_policy
pbm_enabled
pbm_wsdl_location
serial_port_proxy_uri
serial_port_service_uri
task_poll_interval
use_linked_clone
wsdl_location
reserved_host_memory_mb
remove_unused_base_images
remove_unused_original_minimum_age_seconds
vlan_interface
vmware_adaptertype
vmware_disktype
vmware_ostype
img_linked_clone
vmware_linked_clone
hypervisor_type=vmware
vMotion, DRS, HA
shared datastores
VMDK volumes of Cinder
iSCSI volumes
security groups by NSX
VNC ports 5900 to 6105
permissions of a vCenter account
''',
}


class PredecessorsTestCase(base.TestCase):

    def rows(self, section):
        """Returns (name, verdict, text) of a section's table."""
        head = '\n%s\n%s\n' % (section, '=' * len(section))
        text = PAGE.partition(head)[2].partition('\n===')[0]
        return ROW.findall(text)

    def test_all_that_they_name_is_answered(self):
        for section, names in SPECS.items():
            answered = [name for name, _, _ in self.rows(section)]
            self.assertEqual(names.strip().splitlines(), answered, section)

    def test_each_answer_is_one(self):
        for section in SPECS:
            for name, verdict, text in self.rows(section):
                self.assertIn(verdict, ('yes', 'other', 'no'), name)
                self.assertTrue(verdict == 'yes' or text.strip(),
                                '%s: %s has no reason' % (NAME, name))

    def test_options_that_are_named_exist(self):
        conf.register_opts(nova_conf.CONF)
        named = set(re.findall(r'``\[(\w+)\] (\w+)``', PAGE))
        named -= {('rdp', 'enabled')}
        self.assertIn(('vmrun', 'cache_prefix'), named)
        self.assertIn(('image_cache', 'remove_unused_base_images'), named)
        of_logging = cfg.ConfigOpts()
        log.register_options(of_logging)
        for group, name in named:
            places = ([*nova_conf.CONF, *of_logging] if group == 'DEFAULT'
                      else nova_conf.CONF[group])
            self.assertIn(name, places, '%s: [%s] %s' % (NAME, group, name))

    def test_each_yes_names_what_exists(self):
        """A name of theirs that is still ours is in our tables."""
        theirs = {name for section in SPECS
                  for name, verdict, text in self.rows(section)
                  if verdict == 'yes' and re.fullmatch(
                      '(vix|vmware|img)_[a-z_]+', name)}
        self.assertIn('vix_tools_iso', theirs)
        self.assertEqual(set(), theirs - self.properties())

    def properties(self):
        return {name for each in obeyed.ROWS + options.ROWS
                for name in each.image}

    def test_page_names_all_options_and_properties(self):
        options = {option.name for option in conf.ALL_OPTS + ml2_conf.OPTS}
        for name in sorted(options | properties.OWN_NAMES):
            self.assertRegex(
                PAGE, r'``(\[\w+\] )?%s``' % re.escape(name),
                '%s does not mention %s: add it to the row of the '
                'predecessor that had it, or to "What none of them had".'
                % (NAME, name))
