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

"""The devices that rows of nova_vmrun.catalog.options describe."""

from typing import Any

from nova_vmrun.catalog import options as catalog
from nova_vmrun.catalog import row as rows
from nova_vmrun.catalog import table
from nova_vmrun import exception
from nova_vmrun.machine.choices import request as requests


def choose(request: requests.Request, chosen_now: frozenset[str]) -> tuple[
        dict[str, requests.Choice[Any]], tuple[str, ...]]:
    """Choose a value for each row.

    :param chosen_now: what a user chooses now; see table.find_disobeyed
    :returns: names of fields to choices, and the names of properties that are
        ignored because the server was built with them earlier
    :raises InvalidProperty: a value that is chosen now cannot be used
    """
    chosen, ignored = {}, []
    for row in catalog.ROWS:
        chosen[row.field] = _default(request, row)
        unread = request.unread(row)
        if unread is None:
            continue
        place, name, text = unread
        try:
            value = row.read(name, text, request.hw_version, request.is_arm)
            found = requests.Property(place, name, text, value)
            if row.limit is not None:
                _check_limit(request, found, row.limit)
        except exception.InvalidProperty:
            if chosen_now & ({place, table.FLAVOR} if row.limit else {place}):
                raise
            ignored.append(name)
            continue
        if not (request.is_arm and row.on_arm == catalog.OnArm.FIXED):
            chosen[row.field] = found.choose(value, written=text.strip())
    return chosen, tuple(ignored)


def _default(request: requests.Request,
             row: catalog.Option) -> requests.Choice[Any]:
    guest = request.guest
    if row.field in guest.options:
        return requests.Choice(guest.options[row.field],
                               'guest %s' % guest.id)
    if row.field in request.profile.options:
        return request.default(request.profile.options[row.field])
    return requests.Choice(row.default, requests.DEFAULT)


def _check_limit(request: requests.Request, found: requests.Property[int],
                 limit: rows.Obeyed[int]) -> None:
    of_flavor = request.flavor(limit)
    maximum = of_flavor.value if of_flavor else 0
    if found.value > maximum:
        raise exception.InvalidProperty(
            found.name, found.text, 'The flavor allows %d.' % maximum,
            "Set the flavor's %s." % limit.flavor[0])
