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

# Shared by the plan_*.awk files, which turn a description of the network into
# lines "mtu NIC BYTES", "address NIC ADDRESS/LENGTH", "route NIC
# DESTINATION/LENGTH GATEWAY", "dns - ADDRESS" and "dhcp NIC". Their first
# input is /run/nics.

BEGIN { US = sprintf("%c", 31) }

FNR == NR {
    nic_of[tolower($2)] = $1
    next
}

function text(token) {
    gsub(/^"|"$/, "", token)
    return token
}

# The length of a netmask, which may be given as a length already.
function prefix_length(mask,    part, count, i, length_) {
    if (mask ~ /^[0-9]+$/)
        return mask
    length_ = 0
    if (mask ~ /:/) {
        count = split(mask, part, ":")
        for (i = 1; i <= count; i++)
            length_ += 4 * gsub(/[fF]/, "", part[i]) + \
                (part[i] ~ /^[eE]/ ? 3 : part[i] ~ /^[cC]/ ? 2 : \
                 part[i] ~ /^8/ ? 1 : 0)
        return length_
    }
    count = split(mask, part, ".")
    for (i = 1; i <= count; i++)
        for (; part[i] >= 128; part[i] = (part[i] * 2) % 256)
            length_++
    return length_
}
