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

"""Noise: output of the tools that no test is about.

The lines depend on the host: on Linux on the installed libraries, on macOS on
whether Fusion was ever opened.
"""

import os
import re

_ERROR = re.compile(
    r'(?:\[AppLoader\] .*'
    r'|An up-to-date "libaio" or .* from your system is preferred\.'
    r'|Warning: program compiled against libxml \d+ using older \d+'
    r'|I/O warning : failed to load external entity ".*"'
    r'|VixDiskLib: Invalid configuration file parameter\..*)\n')
_MACOS = re.compile(
    r'(?:.*\bLocationGetRoot\b.*'
    r'|.*\b(?:Cannot determine )?message file\b.*'
    r'|\S+\| ServiceImpl_Opener: PID \d+)\n')


def without(output, error):
    """Remove the noise from the output of a tool.

    :returns: (standard output, standard error) without those lines.
    """
    for pattern in (_ERROR, _MACOS):
        error = _drop(pattern, error)
    return _drop(_MACOS, output), error


def _drop(pattern, text):
    return ''.join(line for line in text.splitlines(keepends=True)
                   if not pattern.fullmatch(line))


def is_on():
    """Return whether the fakes print all of it in this run."""
    return os.environ.get('FAKE_VMRUN_NOISE', '') not in ('', '0')
