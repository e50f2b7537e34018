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


# Prints a line for each scalar of a JSON text: its path, a tab, and its token
# as it stands in the text. Path components are separated by the unit
# separator (037); an array's are "#" and the index.

BEGIN {
    US = sprintf("%c", 31)
    TOKEN = "^(\"([^\"\\\\]|\\\\.)*\"|[][{}:,]|[^][{}:,\" \t\r\n]+)"
}

{ text = text $0 "\n" }

END {
    next_token()
    value("")
}

function next_token() {
    sub(/^[ \t\r\n]+/, "", text)
    if (match(text, TOKEN)) {
        token = substr(text, 1, RLENGTH)
        text = substr(text, RLENGTH + 1)
    } else {
        token = ""
    }
}

function below(path, name) {
    return path == "" ? name : path US name
}

function value(path) {
    if (token == "{")
        object(path)
    else if (token == "[")
        array(path)
    else {
        print path "\t" token
        next_token()
    }
}

function object(path,    name) {
    next_token()
    while (token != "}" && token != "") {
        name = substr(token, 2, length(token) - 2)
        next_token()
        next_token()
        value(below(path, name))
        if (token == ",")
            next_token()
    }
    next_token()
}

function array(path,    index_) {
    next_token()
    index_ = 0
    while (token != "]" && token != "") {
        value(below(path, "#" index_++))
        if (token == ",")
            next_token()
    }
    next_token()
}
