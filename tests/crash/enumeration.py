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

"""Checks that no step of an operation was missed.

The changed files are compared with the files that the steps name, and the
programs that were started with the list of calls that the fakes keep.
"""

import os

from tests.crash import steps


def picture(roots):
    """Return the inode, size and time of each file, which changes alter."""
    found = {}
    for path in steps.walk(roots):
        status = os.lstat(path)
        found[path] = status.st_ino, status.st_size, status.st_mtime_ns
    return found


def unexplained(before, after, told, is_vmwares):
    """Return the paths of files that no step has changed.

    :param before: a picture
    :param after: a picture
    :param told: the lines of a steps.Watch
    :param is_vmwares: returns whether VMware changes a file by itself
    """
    named = {os.path.basename(word) for each in told
             for word in each.get('words', ())}
    # A folder may have been renamed or written to by a program.
    trees = {os.path.basename(word) for each in told
             if each.get('what') in ('os.rename', 'started')
             for word in each['words']}
    by_vmware = {path for each in told for path in each.get('by_vmware', ())}
    return sorted(
        path for path in set(before) | set(after)
        if before.get(path) != after.get(path) and
        not is_vmwares(path) and
        os.path.basename(path) not in named and
        not trees.intersection(path.split(os.sep)) and
        path not in by_vmware)


def programs(told):
    """Return how many fakes were started according to the steps."""
    return sum(each.get('what') == 'started' and
               os.path.basename(each['words'][0]) in steps.FAKES
               for each in told)
