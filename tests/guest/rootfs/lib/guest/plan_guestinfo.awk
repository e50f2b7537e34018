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

# guestinfo.metadata, as lines: the "network" of it in version 2 of
# cloud-init's format, inline.

{
    split($0, half, "\t")
    count = split(half[1], part, US)
    if (part[1] != "network")
        next
    if (part[2] == "config") {
        for (i = 2; i < count; i++)
            part[i] = part[i + 1]
        count--
    }
    if (part[2] != "ethernets")
        next
    token = text(half[2])
    id = part[3]
    if (!(id in known)) {
        known[id] = ++ids
        id_at[ids] = id
    }
    if (part[4] == "match" && part[5] == "macaddress")
        nic[id] = nic_of[tolower(token)]
    else if (part[4] == "addresses")
        lines[id] = lines[id] "address NIC " token "\n"
    else if (part[4] == "gateway4")
        lines[id] = lines[id] "route NIC 0.0.0.0/0 " token "\n"
    else if (part[4] == "gateway6")
        lines[id] = lines[id] "route NIC ::/0 " token "\n"
    else if (part[4] == "mtu")
        lines[id] = lines[id] "mtu NIC " token "\n"
    else if (part[4] == "nameservers" && part[5] == "addresses")
        lines[id] = lines[id] "dns - " token "\n"
    else if (part[4] == "dhcp4" && token == "true")
        lines[id] = lines[id] "dhcp NIC\n"
    else if (part[4] == "routes") {
        route[id, part[5], part[6]] = token
        if ((id, part[5], "to") in route && (id, part[5], "via") in route) {
            to = route[id, part[5], "to"]
            via = route[id, part[5], "via"]
            if (to == "default")
                to = via ~ /:/ ? "::/0" : "0.0.0.0/0"
            lines[id] = lines[id] "route NIC " to " " via "\n"
            delete route[id, part[5], "to"]
        }
    }
}

END {
    for (i = 1; i <= ids; i++) {
        if (nic[id_at[i]] == "")
            continue
        gsub(/NIC/, nic[id_at[i]], lines[id_at[i]])
        printf "%s", lines[id_at[i]]
    }
}
