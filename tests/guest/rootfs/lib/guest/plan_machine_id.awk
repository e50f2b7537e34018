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

# machine.id: for each NIC MAC;ADDRESS;NETMASK;GATEWAY;BROADCAST;DNS[,DNS]
# and a "#" behind it.

{
    entries = split($0, entry, "#")
    for (i = 1; i <= entries; i++) {
        split(entry[i], part, ";")
        name = nic_of[tolower(part[1])]
        if (name == "" || part[2] == "")
            continue
        print "address", name, part[2] "/" prefix_length(part[3])
        if (part[4] != "")
            print "route", name, "0.0.0.0/0", part[4]
        servers = split(part[6], server, ",")
        for (k = 1; k <= servers; k++)
            print "dns", "-", server[k]
    }
}
