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

"""The catalog as a page of the documentation, in reStructuredText."""

from collections.abc import Iterable

from nova_vmrun.catalog import ignored
from nova_vmrun.catalog import obeyed
from nova_vmrun.catalog import options
from nova_vmrun.catalog import refused
from nova_vmrun.catalog import row

# Sphinx replaces this line with the text; see doc/source/conf.py.
MARKER = '.. The catalog is put here.\n'


def text() -> str:
    """Return all rows under their headings."""
    parts = [_heading('Obeyed', '=')]
    for section in obeyed.SECTIONS:
        parts.append(_heading(section, '-'))
        parts.extend(_entry(each, _describe_obeyed(each))
                     for each in (*obeyed.ROWS, *options.ROWS)
                     if each.section == section)
    parts.append(_heading('Refused', '='))
    parts.extend(_entry(each, _describe_refused(each))
                 for each in refused.ROWS)
    parts.append(_heading('Ignored because that does no harm', '='))
    parts.extend(_entry(each, each.about) for each in ignored.ROWS)
    return '\n'.join(parts)


def _heading(title: str, underline: str) -> str:
    return '%s\n%s\n' % (title, underline * len(title))


def _entry(each: row.Row[object], about: str) -> str:
    names = ', '.join('``%s``' % name.replace('#', 'N')
                      for name in each.image + each.flavor)
    return '%s\n  %s\n' % (names, about)


def _describe_obeyed(each: row.Obeyed[object]) -> str:
    return ' '.join(filter(None, (each.kind.describe(), each.about)))


def _describe_refused(each: row.Refused) -> str:
    sentences = [each.about]
    if each.harmless:
        sentences.append('Values that ask for nothing are accepted: %s.'
                         % _words(str(value).lower()
                                  for value in each.harmless))
    if each.scheduler:
        sentences.append("Nova's scheduler sends such a server to another "
                         'host (``%s``).' % each.scheduler)
    return ' '.join(sentences)


def _words(values: Iterable[str]) -> str:
    return ', '.join('``%s``' % value for value in values)
