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

"""Remove unrelated messages from the output of VMware's programs.

Their loader, libxml2, VixDiskLib and Fusion's services write such messages to
standard error, and on macOS to standard output as well, before and between
the lines that matter. They depend on the host, not on the command, so they are
removed before anything looks for an answer or an error.
"""

import dataclasses
import re
from typing import Any

from nova_vmrun.tools import process

# Whole lines, each from the output of a real product. A line that begins like
# an answer (an error, or a path in the list of VMs) is never removed.
_NOISY_LINES = (
    # Linux: VMware's loader, where the host has no libaio.so.1 and the like.
    r'\[AppLoader\] .*',
    r'An up-to-date "libaio" or "libaio1" package from your system is '
    r'preferred\.',
    # Linux: libxml2, of which VMware ships another version.
    r'Warning: program compiled against libxml \d+ using older \d+',
    r'I/O warning ?: failed to load external entity .*proxy\.xml.*',
    # Linux: the dynamic linker, if the host's libraries shadow VMware's.
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
    % '|'.join(_NOISY_LINES), re.MULTILINE)


def strip(text: str) -> str:
    """Return the output of a VMware program without known noise."""
    return _NOISE.sub('', text)


def run(runner: process.Runner, *argv: Any, **options: Any) -> process.Result:
    """Run a VMware program and remove the noise from its output.

    :param argv: program and arguments
    :param options: passed to Runner.run
    :raises ToolNotFound: the program could not be started
    :raises ToolTimeout: the program was killed at its timeout
    """
    result = runner.run(*argv, **options)
    return dataclasses.replace(result, stdout=strip(result.stdout),
                               stderr=strip(result.stderr))
