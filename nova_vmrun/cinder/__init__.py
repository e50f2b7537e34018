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

"""Cinder driver: volumes that are raw files on the host of the servers.

Set ``volume_driver = nova_vmrun.cinder.FilesDriver`` in the section of a back
end in cinder.conf.
"""


def __getattr__(name: str) -> object:
    """Import the driver when it is asked for.

    Only the driver needs Cinder, which cannot be imported beside Nova: both
    register options of the same names.
    """
    if name != 'FilesDriver':
        raise AttributeError('%s has no %s' % (__name__, name))
    from nova_vmrun.cinder import driver
    return driver.FilesDriver
