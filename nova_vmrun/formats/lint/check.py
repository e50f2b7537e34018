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

"""All checks of a .vmx from any source."""

from collections.abc import Callable
import dataclasses

from nova_vmrun.formats.lint import devices
from nova_vmrun.formats.lint import files
from nova_vmrun.formats.lint import finding
from nova_vmrun.formats.lint import security
from nova_vmrun.formats.lint import values
from nova_vmrun.formats import vmx

_TYPOGRAPHIC = tuple(
    '\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u2033\xab\xbb')


def check(text: str, exists: Callable[[str], bool] | None = None,
          encoding: str = 'utf-8') -> list[finding.Finding]:
    """Check a .vmx.

    :param exists: returns whether a path, as the file has it, exists; None: do
        not look for files
    :param encoding: encoding of the file, as vmx.decode returns it
    :returns: findings in the order of the lines; missing keys come last
    """
    settings, lines, found = _read(text, encoding)
    if settings or not found:
        for checker in (values, devices, security):
            found.extend(checker.check(settings))
        found.extend(files.check(settings, exists))
    located = [dataclasses.replace(
        item, line=item.line or lines.get(item.key.lower()))
        for item in found]
    return sorted(located, key=lambda item: item.line or len(text) + 1)


def check_bytes(
        data: bytes,
        exists: Callable[[str], bool] | None = None) -> list[finding.Finding]:
    """Check the bytes of a file, even if they cannot be decoded.

    :param exists: as for check
    """
    fault = vmx.undecodable(data)
    if fault is None:
        text, encoding = vmx.decode(data)
        return check(text, exists, encoding)
    line, problem = fault
    return [finding.Finding(finding.ERROR, '', '%s VMware would refuse the '
                            'whole file.' % problem, line)]


def _read(
        text: str,
        encoding: str) -> tuple[vmx.Vmx, dict[str, int],
                                list[finding.Finding]]:
    """Parse the valid lines, and report the others as findings."""
    settings = vmx.Vmx()
    lines: dict[str, int] = {}
    found: list[finding.Finding] = []
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
        elif not line.is_quoted and line.value.startswith(_TYPOGRAPHIC):
            found.append(finding.Finding(
                finding.ERROR, line.key, 'has typographic quotation marks, '
                'probably copied from a web page; VMware only accepts ".',
                line.number))
        else:
            settings[line.key] = line.value
            lines[line.key.lower()] = line.number
    return settings, lines, found
