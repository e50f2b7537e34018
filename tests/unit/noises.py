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

"""What VMware's programs print beside their answers, as users posted it."""

LINUX = (
    '[AppLoader] Use shipped Linux kernel AIO access library.\n'
    'An up-to-date "libaio" or "libaio1" package from your system is '
    'preferred.\n'
    '[AppLoader] Use shipped PC/SC Lite smart card framework.\n'
    '[AppLoader] GLib does not have GSettings support.\n'
    'Warning: program compiled against libxml 212 using older 209\n'
    'I/O warning : failed to load external entity '
    '"/etc/vmware/hostd/proxy.xml"\n'
    'VixDiskLib: Invalid configuration file parameter. Failed to read '
    'configuration file.\n')
MACOS = (
    '2016-01-15T11:55:34.345| ServiceImpl_Opener: PID 1234\n'
    '2026-01-15T11:55:34.345| vmrun| I005: LocationGetRoot: no library\n'
    'Cannot determine message file\n')
