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

"""Editor for the user's own clouds.yaml, which gets one more cloud.

The text is edited rather than generated, which keeps the user's comments and
formatting. The edited text is then parsed and compared with what is expected.
"""

from collections.abc import Mapping
import os
import pathlib
from typing import Any

import yaml

from nova_vmrun.aio import errors
from nova_vmrun.host import files

_CLOUDS = 'clouds'
# In the order in which the SDK looks for them.
_NAMES = ('clouds.yaml', 'clouds.yml', 'clouds.json')


def find(environ: Mapping[str, str] = os.environ) -> pathlib.Path:
    """Return the user's clouds.yaml, which need not exist.

    :param environ: environment variables
    :raises AioError: it is JSON
    """
    named = environ.get('OS_CLIENT_CONFIG_FILE')
    if named:
        found = pathlib.Path(named)
    else:
        base = environ.get('XDG_CONFIG_HOME')
        if not base or not os.path.isabs(base):
            base = os.path.join(os.path.expanduser('~'), '.config')
        folder = pathlib.Path(base, 'openstack')
        found = next((folder / name for name in _NAMES
                      if (folder / name).exists()), folder / _NAMES[0])
    if found.suffix == '.json':
        raise _impossible(found, 'It is JSON.')
    # Replacing the target keeps a symbolic link intact.
    return pathlib.Path(os.path.realpath(found))


def read(path: pathlib.Path) -> str:
    """Return the text of the file, or '' if the file does not exist.

    :raises AioError: the file is not UTF-8 text
    """
    try:
        return path.read_text(encoding='utf-8')
    except FileNotFoundError:
        return ''
    except UnicodeDecodeError as error:
        raise _impossible(path, '%s.' % error) from None


def add(text: str, name: str, cloud: Mapping[str, Any],
        path: pathlib.Path) -> str:
    """Return the text with a cloud added.

    Replace a cloud of the same name.

    :param text: YAML
    :param path: of the file it is from, for errors
    :raises AioError: the text is wrong or has an unusual form
    """
    before = _parse(text, path)
    expected = dict(before, clouds={**(before.get(_CLOUDS) or {}),
                                    name: dict(cloud)})
    return _checked(_with(_without(text, name, path), name, cloud, path),
                    expected, path)


def remove(text: str, name: str, path: pathlib.Path) -> str:
    """Return the text without a cloud.

    :param text: YAML
    :param path: of the file it is from, for errors
    :raises AioError: the text is wrong or has an unusual form
    """
    before = _parse(text, path)
    clouds = dict(before.get(_CLOUDS) or {})
    if clouds.pop(name, None) is None:
        return text
    return _checked(_without(text, name, path),
                    dict(before, clouds=clouds or None), path)


def get(text: str, name: str, path: pathlib.Path) -> object:
    """Return the cloud of this name, or None."""
    return (_parse(text, path).get(_CLOUDS) or {}).get(name)


def save(path: pathlib.Path, text: str) -> pathlib.Path | None:
    """Replace the file, readable only by its owner: it holds passwords.

    :returns: the path of a backup of the old file; None if the file is new
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    backup = None
    if path.exists():
        backup = path.with_name(path.name + '.before-nova-vmrun')
        files.write_atomically(str(backup), path.read_bytes())
    files.write_atomically(str(path), text)
    return backup


def _parse(text: str, path: pathlib.Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _impossible(path, 'It is not YAML: %s.'
                          % ' '.join(str(error).split())) from None
    if found is None:
        return {}
    if not isinstance(found, dict) or not isinstance(
            found.get(_CLOUDS) or {}, dict):
        raise _impossible(path, 'It has no mapping of clouds.')
    return found


def _checked(text: str, expected: dict[str, Any], path: pathlib.Path) -> str:
    """Return the text if it parses to the expected clouds.

    :raises AioError: it does not
    """
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        found = None
    if found != expected:
        raise _impossible(path, 'Its form is unusual.')
    return text


def _impossible(path: pathlib.Path, reason: str) -> errors.AioError:
    return errors.AioError(
        '%s cannot be edited.' % path, reason,
        'Use "nova-vmrun aio env --by-file", which needs no change of it, or '
        'copy the cloud into it by hand.')


def _clouds_node(text: str, path: pathlib.Path
                 ) -> tuple[yaml.Node, yaml.Node] | None:
    """Return the nodes of the key "clouds" and of its value."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        # The removed cloud had an anchor.
        raise _impossible(path, 'Other parts refer to the cloud.') from None
    if isinstance(root, yaml.MappingNode):
        for key, value in root.value:
            if key.value == _CLOUDS:
                return key, value
    return None


def _without(text: str, name: str, path: pathlib.Path) -> str:
    """Return the text without the lines of a cloud."""
    found = _clouds_node(text, path)
    if found is None or not isinstance(found[1], yaml.MappingNode):
        return text
    clouds = found[1]
    lines = text.splitlines(keepends=True)
    for key, value in clouds.value:
        if key.value == name:
            _refuse_braces(clouds, path)
            # YAML's end mark of a block also covers the blank lines and
            # comments after it.
            first, end = key.start_mark.line, _last_line(value) + 1
            return ''.join(lines[:first] + lines[end:])
    return text


def _is_flow(node: yaml.CollectionNode) -> bool:
    """Return whether a node is written in braces or brackets."""
    return bool(node.flow_style)


def _last_line(node: yaml.Node) -> int:
    """Return the line on which the last value of a node ends."""
    if isinstance(node, yaml.MappingNode) and not _is_flow(node):
        return max((_last_line(value) for _, value in node.value),
                   default=node.start_mark.line)
    if isinstance(node, yaml.SequenceNode) and not _is_flow(node):
        return max(map(_last_line, node.value),
                   default=node.start_mark.line)
    # A block scalar ends at the beginning of the line after it.
    return int(node.end_mark.line) - (
        1 if node.end_mark.column == 0 and
        node.end_mark.line > node.start_mark.line else 0)


def _with(text: str, name: str, cloud: Mapping[str, Any],
          path: pathlib.Path) -> str:
    """Return the text with the lines of a cloud after the key "clouds"."""
    found = _clouds_node(text, path)
    if text and not text.endswith('\n'):
        text += '\n'
    if found is None:
        return text + _dump({_CLOUDS: {name: dict(cloud)}}, 0)
    key, clouds = found
    indent = 2
    if isinstance(clouds, yaml.MappingNode) and clouds.value:
        _refuse_braces(clouds, path)
        indent = clouds.value[0][0].start_mark.column
    else:
        # An empty value may be written as {}, null or ~.
        text = (text[:clouds.start_mark.index] +
                text[clouds.end_mark.index:])
    lines = text.splitlines(keepends=True)
    lines.insert(key.start_mark.line + 1, _dump({name: dict(cloud)}, indent))
    return ''.join(lines)


def _refuse_braces(clouds: yaml.MappingNode, path: pathlib.Path) -> None:
    if _is_flow(clouds):
        raise _impossible(path, 'Its clouds are in braces.')


def _dump(data: dict[str, Any], indent: int) -> str:
    text = yaml.safe_dump(data, sort_keys=False)
    return ''.join(' ' * indent + line
                   for line in text.splitlines(keepends=True))
