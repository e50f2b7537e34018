#!/bin/bash
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

# DevStack plugin: nova-compute with VMware Workstation or Player. DevStack
# sources this file in each of its phases, with the phase as arguments.

NOVA_VMRUN_DIR=${NOVA_VMRUN_DIR:-$DEST/nova-vmrun}

function install_nova_vmrun {
    setup_develop "$NOVA_VMRUN_DIR"
}

# Refuse early what would fail late.
function check_nova_vmrun {
    if is_service_enabled n-cpu && [[ "$VIRT_DRIVER" != "vmrun" ]]; then
        die $LINENO "VIRT_DRIVER is $VIRT_DRIVER." \
            "Set VIRT_DRIVER=vmrun in local.conf, so that DevStack does not" \
            "install and configure another hypervisor."
    fi
    if is_service_enabled n-cpu && [[ "$NOVA_VMRUN_FAKE" != "True" ]] &&
            ! command -v vmrun >/dev/null; then
        die $LINENO "vmrun is not in PATH." \
            "Install VMware Workstation or Player, or set" \
            "NOVA_VMRUN_FAKE=True in local.conf to try without."
    fi
}

# The configuration of a compute host. DevStack copies it into nova-cpu.conf.
function configure_nova_vmrun {
    iniset "$NOVA_CONF" DEFAULT compute_driver nova_vmrun.VmrunDriver
    # VMware and the proxy listen on this host alone.
    iniset "$NOVA_CONF" vnc enabled True
    if [[ -n "$NOVA_VMRUN_VMNET_MAPPINGS" ]]; then
        iniset "$NOVA_CONF" vmrun vmnet_mappings "$NOVA_VMRUN_VMNET_MAPPINGS"
    fi
    if [[ "$NOVA_VMRUN_FAKE" == "True" ]]; then
        "${PYTHON:-python3}" "$NOVA_VMRUN_DIR/tests/fakes/install" \
            "$NOVA_VMRUN_FAKE_DIR"
        iniset "$NOVA_CONF" vmrun vmrun_path "$NOVA_VMRUN_FAKE_DIR/vmrun"
        iniset "$NOVA_CONF" vmrun vdiskmanager_path \
            "$NOVA_VMRUN_FAKE_DIR/vmware-vdiskmanager"
    fi
}

# The configuration of Neutron's API.
function configure_nova_vmrun_ml2 {
    iniset "/$Q_PLUGIN_CONF_FILE" ml2_vmrun hosts "$NOVA_VMRUN_HOSTS"
}

function cleanup_nova_vmrun {
    rm -rf "$NOVA_VMRUN_FAKE_DIR"
}

case "$1 ${2:-}" in
    "stack pre-install")
        check_nova_vmrun
        ;;
    "stack install")
        install_nova_vmrun
        ;;
    "stack post-config")
        if is_service_enabled n-cpu; then
            configure_nova_vmrun
        fi
        if is_service_enabled neutron-api q-svc; then
            configure_nova_vmrun_ml2
        fi
        ;;
    "clean "*)
        cleanup_nova_vmrun
        ;;
esac
