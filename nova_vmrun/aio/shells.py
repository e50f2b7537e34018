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

"""Text that sets environment variables in various shells."""

from collections.abc import Callable, Mapping
import os
import re
import shlex

# Variables that fish stores as lists.
_LISTS = ('PATH',)
# Each of these ends a single-quoted string in PowerShell.
_QUOTES_OF_POWERSHELL = re.compile("(['\u2018\u2019\u201a\u201b])")

# A remaining OS_ variable, such as OS_CLOUD or OS_TOKEN, would send the
# openstack command to another cloud.
_FORGET_SH = r'''
for nova_vmrun in $(env | sed -n 's/^\(OS_[A-Za-z0-9_]*\)=.*/\1/p'); do
  unset "$nova_vmrun"
done
unset nova_vmrun
'''.lstrip()
_FORGET_FISH = '''
for nova_vmrun in (set --names --export | string match 'OS_*')
  set --erase $nova_vmrun
end
set --erase nova_vmrun
'''.lstrip()
_FORGET_POWERSHELL = 'Get-ChildItem Env:OS_* | Remove-Item\n'


def sh(variables: Mapping[str, str]) -> str:
    """Return text for sh, bash and zsh.

    It first unsets the OS_ variables of another cloud.
    """
    return _FORGET_SH + ''.join(
        'export %s=%s\n' % (name, shlex.quote(value))
        for name, value in variables.items())


def fish(variables: Mapping[str, str]) -> str:
    """Return the equivalent text for fish."""
    return _FORGET_FISH + ''.join(
        'set --global --export %s %s\n' % (name, ' '.join(map(
            _quote_for_fish, value.split(os.pathsep) if name in _LISTS
            else [value]))) for name, value in variables.items())


def powershell(variables: Mapping[str, str]) -> str:
    """Return the equivalent text for PowerShell."""
    return _FORGET_POWERSHELL + ''.join(
        "$env:%s = '%s'\n" % (name, _QUOTES_OF_POWERSHELL.sub(r'\1\1', value))
        for name, value in variables.items())


TEXTS: dict[str, Callable[[Mapping[str, str]], str]] = {
    'bash': sh, 'zsh': sh, 'fish': fish, 'powershell': powershell}


def _quote_for_fish(value: str) -> str:
    return "'%s'" % re.sub(r"([\\'])", r'\\\1', value)
