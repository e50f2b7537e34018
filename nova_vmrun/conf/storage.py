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

"""[vmrun] options: the folders that the disks of servers go to."""

from oslo_config import cfg

OPTS = [
    cfg.MultiStrOpt(
        'storage_folders',
        default=[],
        help="""
Folders for the disks of servers, beside ``[DEFAULT] instances_path``.

The disks of a new server go to the folder with most free space, or to the one
that its flavor or image asks for by a tag. Each folder has an image cache of
its own. What else belongs to a server stays in ``[DEFAULT] instances_path``,
whose name as a storage folder is ``default``.

Each folder is known by a file in it. If that is not there, because a drive is
unplugged or a server is down, the power state of servers with disks there is
unknown, and operations on them are refused. The folder may be mounted
elsewhere later: change its path here and restart nova-compute. Do not remove
a folder from this option while servers have disks in it.

Possible values:

* ``NAME:/PATH`` or ``NAME,TAG,TAG:/PATH``, for example
  ``fast,ssd:/ssd/vms``. The option can be repeated. A flavor can ask for a
  folder by its name, too. The folder must exist, belong to the user who runs
  nova-compute, and be on a file system with permissions and large files.

Related options:

* ``storage_folder_regex``
* ``default_storage_tag``
* ``[DEFAULT] instances_path``
"""),
    cfg.StrOpt(
        'storage_folder_regex',
        deprecated_name='datastore_regex',
        deprecated_group='vmware',
        help="""
Regular expression for the names of storage folders that new disks may go to.

Disks that exist stay where they are. Placement counts only the space in these
folders. Without ``storage_folders``, the option has no effect.

Possible values:

* A regular expression that matches the beginning of a name, for example
  ``nas.*``. ``default`` is the name of ``[DEFAULT] instances_path``. If it
  matches no folder, nova-compute does not start.
* Unset (the default): all folders.

Related options:

* ``storage_folders``
"""),
    cfg.StrOpt(
        'default_storage_tag',
        help="""
Tag of the storage folders for servers that do not ask for one.

The flavor's extra spec ``vmrun:storage_tag``, its alias
``vmware:storage_policy`` and the image property ``vmrun_storage_tag`` take
precedence. It corresponds to ``[vmware] pbm_default_policy``.

Possible values:

* A tag or the name of a storage folder. If no folder has it, nova-compute does
  not start.
* Unset (the default): any folder.

Related options:

* ``storage_folders``
"""),
]
