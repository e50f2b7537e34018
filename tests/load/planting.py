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

"""Copies of a server, in Nova, in Placement and on the host."""

import pathlib
import subprocess
import sys
from typing import TYPE_CHECKING

from openstack import exceptions

if TYPE_CHECKING:
    from openstack import connection

_MICROVERSION = '1.28'


def plant(cloud: 'connection.Connection', nova_conf: pathlib.Path,
          instances: pathlib.Path, template: str, number: int) -> list[str]:
    """Make copies of a stopped server; nova-compute must not be running.

    :param cloud: as an administrator
    :param nova_conf: of the control plane
    :param instances: the folder of the template's host
    :param template: its id
    :returns: the ids of the copies; existing.runs says which should run
    """
    made = subprocess.run(
        [sys.executable, '-m', 'tests.load.existing', nova_conf, instances,
         template, str(number)],
        check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    _allocate(cloud, template, made)
    return made


def _allocate(cloud: 'connection.Connection', template: str,
              made: list[str]) -> None:
    """Copy the allocations of the template in Placement."""
    body = cloud.placement.get('/allocations/' + template,
                               microversion=_MICROVERSION).json()
    body['consumer_generation'] = None
    for uuid in made:
        exceptions.raise_from_response(cloud.placement.put(
            '/allocations/' + uuid, json=body, microversion=_MICROVERSION))
