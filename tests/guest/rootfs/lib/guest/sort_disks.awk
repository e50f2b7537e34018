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


# Puts before each line a key to sort by: the PCI addresses of the sysfs path,
# which have a fixed width, then the rest with its numbers padded.

{
    rest = $1
    key = ""
    if (match(rest, /.*\/[0-9a-f]+:[0-9a-f]+:[0-9a-f]+\.[0-7]/)) {
        key = substr(rest, 1, RLENGTH)
        rest = substr(rest, RLENGTH + 1)
    }
    while (match(rest, /[0-9]+/)) {
        number = substr(rest, RSTART, RLENGTH)
        while (length(number) < 8)
            number = "0" number
        key = key substr(rest, 1, RSTART - 1) number
        rest = substr(rest, RSTART + RLENGTH)
    }
    $1 = key rest
    print
}
