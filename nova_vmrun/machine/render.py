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

"""From a Machine to the text of its .vmx.

A Jinja2 template per family of guests gives the text its order, its comments
and what every server of the family has in common. What was rendered is parsed
again and compared with what was meant, so neither a text that a tenant wrote
nor a template can put a key into the file that does not belong there.
"""

from collections.abc import Iterable
from collections.abc import Mapping
import functools
import os

import jinja2

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.formats.vmx import keys
from nova_vmrun.formats.vmx import pci
from nova_vmrun.machine import merge
from nova_vmrun.machine import model as machines
from nova_vmrun.machine import settings as settings_module

SUFFIX = '.vmx.j2'
_OWN_TEMPLATES = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'templates')


class InvalidTemplate(exception.HostError):
    """A template is broken, or writes what it must not write."""


def render(machine: machines.Machine,
           template_dirs: Iterable[str] = ()) -> str:
    """Renders the .vmx of a VM.

    :param machine: a Machine
    :param template_dirs: directories of an operator, searched first
    :returns: the text, grouped and commented; each line of a server's own
        ends in a comment that says what set it
    :raises InvalidMachine: as machine.validate
    :raises InvalidText: as machine.validate
    :raises InvalidTemplate: a template is missing or broken, or the text is
        not what was meant
    """
    machines.validate(machine)
    groups = settings_module.build(machine)
    name = machine.family + SUFFIX
    try:
        template = _environment(tuple(template_dirs)).get_template(name)
        text = template.render(machine=machine, **groups)
    except exception.VmrunError:
        raise
    except Exception as error:
        # A template is a program: it can fail in any way.
        raise InvalidTemplate(
            'The template %s cannot be rendered.' % name,
            '%s: %s' % (type(error).__name__, error),
            'Correct it, or remove it from [vmrun] template_dirs.')
    _verify(name, text, groups)
    return text


def rerender(machine: machines.Machine, existing: vmx.Vmx,
             previous: vmx.Vmx | None = None, folder: str = '',
             template_dirs: Iterable[str] = (),
             keeps_edits: bool = False) -> tuple[str, str]:
    """Renders a VM again that has a .vmx.

    :param machine: a Machine, as it is to be
    :param existing: the Vmx that VMware has left
    :param previous: the Vmx of the text that was rendered last, or None if it
        is lost
    :param folder: the .vmx's
    :param template_dirs: as for render
    :param keeps_edits: whether what somebody changed by hand stays, where
        Nova wants nothing new; as merge.keep_edits does
    :returns: the text as rendered, and the text that the .vmx must have
    :raises: what render raises
    """
    machine = merge.keep_places(machine, existing, folder, previous)
    rendered = render(machine, template_dirs)
    ours = vmx.parse(rendered)
    merged = merge.merge(ours, existing, previous)
    text = merge.append_kept(rendered, merged)
    if keeps_edits and previous is not None:
        edited = merge.keep_edits(merged, ours, existing, previous)
        if edited != merged:
            merged, text = edited, vmx.dump(edited, controls=edited)
    if vmx.parse(text) != merged:
        raise exception.InvalidVmx(
            'The keys that VMware has added to server %s cannot be kept.'
            % machine.uuid, resolution='Remove the .vmx, so that it is '
            'rendered anew.')
    return rendered, text


@functools.lru_cache(maxsize=4)
def _environment(template_dirs: tuple[str, ...]) -> jinja2.Environment:
    # It is kept since it keeps compiled templates; changed ones are reloaded.
    # HTML escaping would be wrong here; the filters escape as VMware does.
    result = jinja2.Environment(  # nosec B701
        loader=jinja2.FileSystemLoader((*template_dirs, _OWN_TEMPLATES)),
        undefined=jinja2.StrictUndefined, autoescape=False,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    result.filters['vmxq'] = _quoted
    result.filters['vmxlines'] = _lines
    return result


def _quoted(value: object) -> str:
    if isinstance(value, bool):
        value = 'TRUE' if value else 'FALSE'
    return vmx.quote(str(value))


def _lines(settings: Iterable[settings_module.Setting]) -> str:
    lines = []
    for setting in settings:
        entry = vmx.entry(setting.key, setting.value,
                          allow_controls=setting.key == 'annotation')
        lines.append('%s  # %s' % (entry, _comment(setting.origin)))
    return '\n'.join(lines)


def _comment(text: str) -> str:
    # An origin is a phrase of ours; were it not, a line break in it would
    # start a key.
    return ''.join(c if c.isprintable() else ' ' for c in text)


def _verify(name: str, text: str,
            groups: Mapping[str, tuple[settings_module.Setting, ...]]) -> None:
    """Compares a rendered text with what was meant."""
    meant = vmx.Vmx((setting.key, setting.value)
                    for group in groups.values() for setting in group)
    try:
        found = vmx.parse(text)
    except exception.InvalidVmx as error:
        raise InvalidTemplate('The template %s gives a malformed file.' % name,
                              str(error), 'Correct the template.')
    lacks = pci.missing_port(found)
    if lacks:
        raise InvalidTemplate(
            'The template %s has no place for PCI Express devices.' % name,
            '%s needs a root port.' % lacks,
            'Leave pciBridge4 to pciBridge7 of base.vmx.j2 as they are.')
    wrong = [key for key in meant if found.get(key) != meant[key]]
    wrong += [key for key in found
              if key not in meant and not keys.find(key).constant]
    if wrong:
        raise InvalidTemplate(
            'The template %s leaves out, alters or adds what it must not.'
            % name, 'Keys: %s.' % ', '.join(sorted(wrong)),
            'Compare it with the template that comes with nova-vmrun.')
