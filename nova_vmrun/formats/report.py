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

"""Explanations of a .vmx: its contents, their origins, and differences."""

import dataclasses

from nova_vmrun.formats import guestos
from nova_vmrun.formats import vmx
from nova_vmrun.formats.vmx import keys

MASKED = '***'
BY_VMWARE = 'written by VMware'
BY_TEMPLATE = 'template'
UNKNOWN = 'unknown'


@dataclasses.dataclass(frozen=True)
class Change:
    """A difference between two files.

    :ivar kind: added, removed or changed
    :ivar before: value, None if it was added
    :ivar after: value, None if it was removed
    :ivar by: BY_VMWARE, or UNKNOWN if VMware does not write such a key
    """

    kind: str
    key: str
    before: str | None
    after: str | None
    by: str


def printable(text: str) -> str:
    """Return a text without characters that control a terminal.

    A guest can write control characters into its own .vmx.
    """
    return ''.join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def masked(key: str, value: str) -> str:
    """Return a value that may be displayed: secrets become MASKED."""
    if value and keys.find(key).secret:
        return MASKED
    return value


def grouped(settings: vmx.Vmx) -> list[tuple[str, str, str]]:
    """Return settings by group.

    :returns: (heading, key, value); secrets are masked, and each group keeps
        the order of the file
    """
    order = list(keys.GROUPS)
    rows = [(keys.find(key).group, key, masked(key, value))
            for key, value in settings.items()]
    rows.sort(key=lambda row: order.index(row[0]))
    return [(keys.GROUPS[group], key, value) for group, key, value in rows]


def has_origins(text: str) -> bool:
    """Return whether the driver rendered a text, with its comments."""
    return any(line.key and line.comment for line in vmx.scan(text))


def origins(text: str) -> dict[str, tuple[str, str]]:
    """Return the origins of the values in a rendered text.

    :param text: what nova_vmrun.machine.render returned
    :returns: keys in lower case to (value, origin)
    """
    found = {}
    family = BY_TEMPLATE
    for line in vmx.scan(text):
        if line.key is None:
            continue
        if line.key.lower() == 'guestos':
            guest = guestos.find(line.value)
            family = '%s %s' % (BY_TEMPLATE, guest.family) if guest else family
        found[line.key.lower()] = (line.value, line.comment or '')
    return {key: (value, comment or family)
            for key, (value, comment) in found.items()}


def explain(settings: vmx.Vmx,
            rendered: str | None = None) -> list[tuple[str, str, str]]:
    """Return the origin of each value in a file.

    :param rendered: text of the file as it was rendered; None if it does not
        exist, so that only the table of keys is used
    :returns: (key, value, origin); secrets are masked
    """
    known = origins(rendered) if rendered is not None else None
    return [(key, masked(key, value), _explain(key, value, known))
            for key, value in settings.items()]


def _explain(key: str, value: str,
             known: dict[str, tuple[str, str]] | None) -> str:
    described = keys.find(key)
    if known is None:
        if described.vmware:
            return BY_VMWARE
        if described.ours or described.constant:
            return 'nova-vmrun (no details without the rendered copy)'
        return UNKNOWN
    if key.lower() not in known:
        return BY_VMWARE if described.vmware else (
            'added since it was rendered')
    before, origin = known[key.lower()]
    if before != value:
        return 'changed since it was rendered (%s: %s)' % (
            origin, masked(key, before))
    return origin


def diff(before: vmx.Vmx, after: vmx.Vmx) -> list[Change]:
    """Return the differences between two files.

    :returns: removed and changed keys first, in the order of the files;
        secrets are masked
    """
    changes = [
        _change(key, value, after.get(key)) for key, value in before.items()
        if after.get(key) != value]
    changes += [_change(key, None, value) for key, value in after.items()
                if key not in before]
    return changes


def _change(key: str, before: str | None, after: str | None) -> Change:
    kind = 'changed'
    if before is None:
        kind = 'added'
    elif after is None:
        kind = 'removed'
    by = BY_VMWARE if keys.find(key).vmware else UNKNOWN
    return Change(kind, key, None if before is None else masked(key, before),
                  None if after is None else masked(key, after), by)
