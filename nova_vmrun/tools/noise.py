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

"""What VMware's programs print that says nothing about what they did.

Their loader, libxml2, VixDiskLib and Fusion's services write such lines to
standard error, and on macOS to standard output as well, before and between
the lines that count. They come from the host, whatever the command was, so
they are dropped before anybody looks for an answer or an error.
"""

import dataclasses
import re
from typing import Any

from nova_vmrun.tools import process

# Whole lines. Each is from the output of a real product; a line that begins
# like an answer (an error, or a path in the list of VMs) is never dropped.
_KNOWN = (
    # Linux: VMware's loader, where the host has no libaio.so.1 and the like.
    r'\[AppLoader\] .*',
    r'An up-to-date "libaio" or "libaio1" package from your system is '
    r'preferred\.',
    # Linux: libxml2, which VMware brings in another version.
    r'Warning: program compiled against libxml \d+ using older \d+',
    r'I/O warning ?: failed to load external entity .*proxy\.xml.*',
    # Linux: the dynamic linker, where the host's libraries hide VMware's.
    r'\S+: \S+: no version information available \(required by .*\)',
    # vmware-vdiskmanager without a configuration of VixDiskLib.
    r'VixDiskLib: Invalid configuration file parameter\..*',
    # macOS.
    r'(\S+\| *)?(\S+\| *)?ServiceImpl_Opener: PID \d+',
    r'(?!/).*\bLocationGetRoot\b.*',
    r'(?!/).*\bCannot determine message file\b.*',
)
_NOISE = re.compile(
    r'^(?!Error: |Unable to connect|Failed to )[ \t]*(?:%s)[ \t]*(?:\n|\Z)'
    % '|'.join(_KNOWN), re.MULTILINE)


def strip(text: str) -> str:
    """Returns what a program of VMware's printed, without known noise."""
    return _NOISE.sub('', text)


def run(runner: process.Runner, *argv: Any, **options: Any) -> process.Result:
    """Runs a program of VMware's and drops the noise from what it printed.

    :param runner: what starts it
    :param argv: program and arguments
    :param options: of Runner.run
    :raises ToolNotFound: it could not be started
    :raises ToolTimeout: it was ended at its timeout
    """
    result = runner.run(*argv, **options)
    return dataclasses.replace(result, stdout=strip(result.stdout),
                               stderr=strip(result.stderr))
