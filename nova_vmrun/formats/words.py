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

"""Words that depend on a number."""

from collections.abc import Sequence


def counted(number: int, noun: str, plural: str = '') -> str:
    """Return a number of things in words, such as "1 server" or "2 servers".

    :param noun: what one of them is called
    :param plural: what several are called, if that is not the noun with "s"
    """
    return '%d %s' % (number, noun if number == 1 else plural or noun + 's')


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return names in words, such as "a, b and 3 more".

    :param most: how many are named
    """
    more = len(names) - most
    return ', '.join(names[:most]) + (' and %d more' % more if more > 0
                                      else '')
