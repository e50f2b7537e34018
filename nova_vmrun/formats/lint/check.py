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

"""All checks of a .vmx, of any origin."""

import dataclasses
import re

from nova_vmrun.formats.lint import devices
from nova_vmrun.formats.lint import finding
from nova_vmrun.formats.lint import security
from nova_vmrun.formats.lint import values
from nova_vmrun.formats import vmx

_FILES = re.compile(
    '((scsi|sata|nvme|ide)[0-9]+:[0-9]+|floppy[0-9]+)[.]filename')


def check(text, exists=None, encoding='utf-8'):
    """Checks a .vmx.

    :param text: of the file
    :param exists: tells whether a path (as the file has it) is there; None:
        files are not looked for
    :param encoding: of the file, as vmx.decode tells it
    :returns: a list of Finding in the order of the lines, what is missing
        last
    """
    settings, lines, found = _read(text, encoding)
    if settings or not found:
        for checker in (values, devices, security):
            found.extend(checker.check(settings))
        found.extend(_check_files(settings, exists))
    located = [dataclasses.replace(
        item, line=item.line or lines.get(item.key.lower()))
        for item in found]
    return sorted(located, key=lambda item: item.line or len(text) + 1)


def _read(text, encoding):
    """Reads what can be read; what cannot becomes findings."""
    settings, lines, found = vmx.Vmx(), {}, []
    for line in vmx.scan(text, encoding):
        if line.problem:
            found.append(finding.Finding(
                finding.ERROR, '', 'The line is malformed: %s; VMware would '
                'refuse the whole file.' % line.problem, line.number))
        elif line.key is None:
            continue
        elif line.key in settings:
            found.append(finding.Finding(
                finding.ERROR, line.key, 'is defined a second time; VMware '
                'would refuse the whole file.', line.number))
        else:
            settings[line.key] = line.value
            lines[line.key.lower()] = line.number
    return settings, lines, found


def _check_files(settings, exists):
    for key, path in settings.items():
        match = _FILES.fullmatch(key.lower())
        if not match or exists is None:
            continue
        device = match.group(1)
        if (not settings.get_bool(device + '.present') or not path or
                settings.get_bool(device + '.autodetect') or
                settings.get(device + '.deviceType', '') == 'cdrom-raw' or
                settings.get(device + '.fileType', '') == 'device'):
            continue
        if not exists(path):
            yield finding.error(key, 'is %s, which is not there.' % path)
