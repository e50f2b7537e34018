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


# Prints the public keys in the config drive's metadata and in
# guestinfo.metadata, both as lines of json_to_lines.awk. Only lines that look
# like a key are printed, so none can restrict or allow anything.

BEGIN { US = sprintf("%c", 31) }

{
    split($0, half, "\t")
    split(half[1], part, US)
    if (part[1] != "public_keys" && part[1] != "public-keys-data")
        next
    text = half[2]
    gsub(/^"|"$/, "", text)
    count = split(text, line, /\\[nr]/)
    for (i = 1; i <= count; i++)
        if (line[i] ~ /^(ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+\/=]+/)
            print line[i]
}
