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

"""Values from JSON that somebody else wrote: of the right type, and short."""

import json
from typing import Any

# Longer than any text that the machines of a cloud exchange.
_LONGEST = 4096


class Invalid(Exception):
    """A value is missing, or not what it should be; the text says which."""


def parse(text: str | bytes) -> dict[str, Any]:
    """Return the object that a JSON text is.

    :raises Invalid: it is not one
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid('It is not JSON.') from None
    if not isinstance(values, dict):
        raise Invalid('It is not an object of JSON.')
    return values


def string(values: dict[str, Any], name: str) -> str:
    """Return a text of one or more lines.

    :raises Invalid: it is missing, too long, or has control characters
    """
    value = values.get(name)
    if (not isinstance(value, str) or len(value) > _LONGEST
            or not value.replace('\n', ' ').isprintable()):
        raise Invalid('"%s" is missing or cannot be used.' % name)
    return value


def line(values: dict[str, Any], name: str) -> str:
    """Return a text of one line.

    :raises Invalid: it is missing, too long, or more than a line
    """
    value = string(values, name)
    if '\n' in value:
        raise Invalid('"%s" has several lines.' % name)
    return value


def number(values: dict[str, Any], name: str, first: int = 0,
           last: int = 1 << 40) -> int:
    """Return a number in a range.

    :raises Invalid: it is missing, no whole number, or out of range
    """
    value = values.get(name)
    if (not isinstance(value, int) or isinstance(value, bool)
            or not first <= value <= last):
        raise Invalid('"%s" is missing or not a number from %d to %d.'
                      % (name, first, last))
    return value


def port(values: dict[str, Any], name: str) -> int:
    """Return a TCP port.

    :raises Invalid: it is not one
    """
    return number(values, name, 1, 65535)


def strings(values: dict[str, Any], name: str) -> list[str]:
    """Return a short list of lines.

    :raises Invalid: it is not one, or has something else in it
    """
    found = values.get(name)
    if not isinstance(found, list) or not 0 < len(found) <= 100:
        raise Invalid('"%s" is missing or not a short list.' % name)
    return [line({name: value}, name) for value in found]


def boolean(values: dict[str, Any], name: str) -> bool:
    """Return a boolean.

    :raises Invalid: it is not one
    """
    value = values.get(name)
    if not isinstance(value, bool):
        raise Invalid('"%s" is missing or neither true nor false.' % name)
    return value
