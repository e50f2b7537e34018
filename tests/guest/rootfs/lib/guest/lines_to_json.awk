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


# The way back: makes one JSON object of lines KIND, tab, PATH, tab, VALUE.
# KIND is s (text), j (a JSON token) or f (the text in the file of that name).
# Lines of one container must follow each other.

BEGIN {
    FS = "\t"
    US = sprintf("%c", 31)
    for (code = 0; code < 32; code++)
        escape[sprintf("%c", code)] = sprintf("\\u%04x", code)
    escape["\""] = "\\\""
    escape["\\"] = "\\\\"
    depth = 0
    printf "{"
}

{
    count = split($2, part, US)
    token = substr($0, length($1) + length($2) + 3)
    if ($1 == "s")
        token = quote(token)
    else if ($1 == "f")
        token = quote(contents(token))
    common = 0
    while (common < depth && common < count - 1 &&
           open_part[common + 1] == part[common + 1])
        common++
    close_to(common)
    while (depth < count - 1)
        open_container(part[depth + 1], part[depth + 2])
    name(part[count])
    printf "%s", token
}

END {
    close_to(0)
    print "}"
}

function open_container(part, first_member) {
    name(part)
    depth++
    open_part[depth] = part
    is_array[depth] = substr(first_member, 1, 1) == "#"
    started[depth] = 0
    printf "%s", is_array[depth] ? "[" : "{"
}

function close_to(level) {
    while (depth > level) {
        printf "%s", is_array[depth] ? "]" : "}"
        depth--
    }
}

function name(part) {
    if (started[depth]++)
        printf ", "
    if (!is_array[depth])
        printf "%s: ", quote(part)
}

function quote(value,    out, i, char) {
    if (value !~ /[\001-\037"\\]/)
        return "\"" value "\""
    out = ""
    for (i = 1; i <= length(value); i++) {
        char = substr(value, i, 1)
        out = out (char in escape ? escape[char] : char)
    }
    return "\"" out "\""
}

function contents(file,    line, out, lines) {
    out = ""
    while ((getline line < file) > 0)
        out = out (lines++ ? "\n" : "") line
    close(file)
    return out
}
