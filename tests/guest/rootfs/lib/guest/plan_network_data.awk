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

# The config drive's network_data.json, as lines.

{
    split($0, half, "\t")
    split(half[1], part, US)
    entry = part[1] US part[2]
    token = text(half[2])
    field[half[1]] = token
    if (part[1] == "links" && part[3] == "id")
        links[++link_count] = entry
    if (part[1] == "networks" && part[3] == "link")
        networks[++network_count] = entry
    if (part[1] == "services" && part[3] == "address")
        services[++service_count] = token
}

END {
    for (i = 1; i <= link_count; i++)
        link(links[i])
    for (i = 1; i <= network_count; i++)
        network(networks[i])
    for (i = 1; i <= service_count; i++)
        print "dns", "-", services[i]
}

function link(entry,    name, mtu) {
    name = nic_of[tolower(field[entry US "ethernet_mac_address"])]
    nic[field[entry US "id"]] = name
    mtu = field[entry US "mtu"]
    if (name != "" && mtu ~ /^[0-9]+$/)
        print "mtu", name, mtu
}

function network(entry,    name, address, k, route) {
    name = nic[field[entry US "link"]]
    address = field[entry US "ip_address"]
    if (name == "")
        return
    if (field[entry US "type"] ~ /dhcp/) {
        print "dhcp", name
        return
    }
    if (address == "")
        return
    if (address !~ /\//)
        address = address "/" prefix_length(field[entry US "netmask"])
    print "address", name, address
    for (k = 0; ; k++) {
        route = entry US "routes" US "#" k US
        if (!((route "gateway") in field))
            break
        print "route", name, field[route "network"] "/" \
            prefix_length(field[route "netmask"]), field[route "gateway"]
    }
}
