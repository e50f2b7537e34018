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

"""The options [vmrun] storage_folders and storage_folder_regex.

Each folder has a name and tags, and its name is one of its tags. The folder
[DEFAULT] instances_path is one of them, by the name of DEFAULT.
"""

from collections.abc import Iterable
from collections.abc import Sequence
import dataclasses
import itertools
import os
import re

from nova_vmrun import exception
from nova_vmrun.host import paths

DEFAULT = 'default'
_WORD = re.compile('[A-Za-z0-9][A-Za-z0-9._-]{0,62}')
_FORM = 'Write NAME:/PATH or NAME,TAG:/PATH, for example fast,ssd:/ssd/vms.'


@dataclasses.dataclass(frozen=True)
class Setting:
    """A storage folder as nova.conf describes it.

    :ivar path: absolute path
    :ivar tags: what flavors and images can ask for; contains the name
    """

    name: str
    path: str
    tags: frozenset[str]


def default(instances_path: str) -> Setting:
    """Return the setting of [DEFAULT] instances_path."""
    return Setting(DEFAULT, os.path.abspath(instances_path),
                   frozenset([DEFAULT]))


def parse(texts: Iterable[str]) -> tuple[Setting, ...]:
    """Parse the values of [vmrun] storage_folders.

    :raises InvalidConfiguration: a value is malformed, or two folders have
        the same name
    """
    found = tuple(map(_parse, texts))
    for first, second in itertools.combinations(found, 2):
        if first.name == second.name:
            raise exception.InvalidConfiguration(
                'Two folders of [vmrun] storage_folders are named %s.'
                % first.name, 'They are %s and %s.'
                % (first.path, second.path),
                'Give each folder a name of its own.')
    return found


def _parse(text: str) -> Setting:
    words, colon, path = text.strip().partition(':')
    tags = [word.strip() for word in words.split(',')]
    name = tags[0]
    if not colon or not all(map(_WORD.fullmatch, tags)):
        raise _malformed(text, 'Names and tags consist of letters, digits, '
                         'dots, hyphens and underscores.')
    if name == DEFAULT:
        raise _malformed(text, 'The name "%s" stands for [DEFAULT] '
                         'instances_path.' % DEFAULT)
    if not os.path.isabs(path):
        raise _malformed(text, 'The path is not absolute.')
    if not paths.fits_descriptor(path):
        raise _malformed(text, 'The descriptor of a VMDK cannot hold quotes, '
                         'control characters, or bytes that are not UTF-8.')
    return Setting(name, os.path.normpath(path), frozenset(tags))


def _malformed(text: str, details: str) -> exception.InvalidConfiguration:
    return exception.InvalidConfiguration(
        '[vmrun] storage_folders has the value %r, which cannot be used.'
        % text, details, _FORM)


def require_apart(settings: Iterable[Setting]) -> None:
    """Raise an error if two folders are the same, or one is in another.

    :param settings: of folders whose file systems answer; a folder need not
        exist
    :raises InvalidConfiguration: two of them overlap
    """
    for first, second in itertools.combinations(settings, 2):
        one, other = (paths.canonical(each.path) for each in (first, second))
        if one == other or _is_same_file(one, other):
            details = 'They are the same folder.'
        elif paths.is_inside(one, other) or paths.is_inside(other, one):
            details = 'One is inside the other.'
        else:
            continue
        raise exception.InvalidConfiguration(
            'The storage folders %s (%s) and %s (%s) overlap.'
            % (first.name, first.path, second.name, second.path), details,
            'Choose separate folders in [vmrun] storage_folders.')


def _is_same_file(one: str, other: str) -> bool:
    """Return whether a folder is mounted at two paths."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def selected(names: Sequence[str], regex: str | None) -> frozenset[str]:
    """Return the names of the folders that new disks may go to.

    :param names: of all folders
    :param regex: has to match the beginning of the name, as in Nova's vSphere
        driver; None: all folders
    :raises InvalidConfiguration: it is malformed or matches no folder
    """
    if not regex:
        return frozenset(names)
    try:
        pattern = re.compile(regex)
    except re.error as error:
        raise exception.InvalidConfiguration(
            '[vmrun] storage_folder_regex %r is no regular expression.'
            % regex, 'Python says: %s.' % error, 'Correct it.') from error
    found = frozenset(filter(pattern.match, names))
    if not found:
        raise exception.InvalidConfiguration(
            '[vmrun] storage_folder_regex %r matches no storage folder.'
            % regex, 'The folders are: %s.' % ', '.join(names),
            'Correct it, or remove the option to use all folders.')
    return found
