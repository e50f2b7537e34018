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

"""Rendering of a Machine as the text of its .vmx.

A Jinja2 template per family of guests determines the order, the comments and
the settings that all servers of the family share. The rendered text is parsed
and compared with the wanted settings, so that neither a tenant's text nor a
template can add a key that does not belong there.
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
    """A template is broken, or it writes keys that it must not write."""


def render(machine: machines.Machine,
           template_dirs: Iterable[str] = ()) -> str:
    """Return the text of a VM's .vmx.

    Lines that differ from server to server end in a comment with their origin.

    :param template_dirs: an operator's directories, searched first
    :raises InvalidMachine: as model.validate
    :raises InvalidText: as model.validate
    :raises InvalidTemplate: a template is missing or broken, or the text does
        not have the wanted settings
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
        # A template is a program, so it can raise anything.
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
    """Render a VM that already has a .vmx.

    :param machine: the VM as wanted
    :param existing: the current settings
    :param previous: the settings as last rendered, or None if they are lost
    :param folder: folder of the .vmx
    :param template_dirs: as for render
    :param keeps_edits: whether to keep manual changes that Nova does not
        contradict; see merge.keep_edits
    :returns: the rendered text, and the text to write to the .vmx
    :raises: as render
    :raises InvalidVmx: keys that VMware has added cannot be kept
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
            % machine.uuid, resolution='Delete the .vmx, and the driver '
            'renders a new one.')
    return rendered, text


@functools.lru_cache(maxsize=4)
def _environment(template_dirs: tuple[str, ...]) -> jinja2.Environment:
    # The environment caches compiled templates and reloads changed ones. HTML
    # escaping would be wrong here; the filters escape as VMware does.
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
    # Origins are the driver's own phrases. If a line break ever got into one,
    # it would start a new key.
    return ''.join(c if c.isprintable() else ' ' for c in text)


def _verify(name: str, text: str,
            groups: Mapping[str, tuple[settings_module.Setting, ...]]) -> None:
    """Compare a rendered text with the wanted settings."""
    meant = vmx.Vmx((setting.key, setting.value)
                    for group in groups.values() for setting in group)
    try:
        found = vmx.parse(text)
    except exception.InvalidVmx as error:
        raise InvalidTemplate(
            'The template %s writes a malformed file.' % name, str(error),
            'Correct the template.')
    lacks = pci.missing_port(found)
    if lacks:
        raise InvalidTemplate(
            'The template %s lacks root ports for PCI Express devices.' % name,
            '%s needs a root port.' % lacks,
            'Do not change pciBridge4 to pciBridge7 of base.vmx.j2.')
    wrong = [key for key in meant if found.get(key) != meant[key]]
    wrong += [key for key in found
              if key not in meant and not keys.find(key).constant]
    if wrong:
        raise InvalidTemplate(
            'The template %s omits, changes or adds keys that it must not.'
            % name, 'Keys: %s.' % ', '.join(sorted(wrong)),
            'Compare it with the template that comes with nova-vmrun.')
