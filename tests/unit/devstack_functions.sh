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

# DevStack's functions that the plugin calls, reduced to what they do here. A
# call is a line in $CALLS.

set -e

DEST=$WORK/opt
DATA_DIR=$WORK/data
NOVA_CONF=$WORK/nova.conf
Q_PLUGIN_CONF_FILE=${WORK#/}/ml2_conf.ini
Q_ML2_PLUGIN_MECHANISM_DRIVERS=${Q_ML2_PLUGIN_MECHANISM_DRIVERS:-ovn}

function define_plugin {
    echo "define_plugin $1" >>"$CALLS"
}

function setup_develop {
    echo "setup_develop $1" >>"$CALLS"
}

function iniset {
    echo "$2/$3 = $4" >>"$1"
}

function is_service_enabled {
    local service
    for service in "$@"; do
        [[ ,$ENABLED_SERVICES, == *,$service,* ]] && return 0
    done
    return 1
}

function trueorfalse {
    case "${!2:-$1}" in
        1|[Tt]rue|[Yy]es) echo True ;;
        *) echo False ;;
    esac
}

function die {
    shift
    echo "$*" >&2
    exit 1
}

source "$PLUGIN/settings"
echo "mechanism drivers: $Q_ML2_PLUGIN_MECHANISM_DRIVERS" >>"$CALLS"
source "$PLUGIN/plugin.sh" "$@"
