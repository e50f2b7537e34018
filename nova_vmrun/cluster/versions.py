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

"""Releases of Nova and of nova-vmrun that work together."""

import importlib.metadata

from nova_vmrun.aio import errors

_OURS = 'nova-vmrun'


def own() -> tuple[str, str]:
    """Return the versions of Nova and of nova-vmrun on this machine.

    :raises AioError: Nova is not installed
    """
    try:
        return (importlib.metadata.version('nova'),
                importlib.metadata.version(_OURS))
    except importlib.metadata.PackageNotFoundError as error:
        raise errors.AioError(
            '%s is not installed.' % error.name, '',
            'Install the release of Nova that the first machine has.'
        ) from error


def check(nova: str, nova_vmrun: str) -> None:
    """Raise an error if a node's versions do not fit ours.

    Nova's services understand each other within a release; what nova-vmrun's
    say to each other may change with each of ours.

    :raises AioError:
    """
    own_nova, own_vmrun = own()
    for program, theirs, ours, length in (
            ('Nova', nova, own_nova, 1),
            (_OURS, nova_vmrun, own_vmrun, 3)):
        if _numbers(theirs, length) != _numbers(ours, length):
            raise errors.AioError(
                'The node has another release of %s than the first machine.'
                % program, '%.40s there, %s here.' % (theirs, ours),
                'Install the same release on both: pip install "%s==%s".' % (
                    program.lower(), ours))


def _numbers(version: str, length: int) -> list[str]:
    """Return the first numbers of a version."""
    numbers = [part for part in version.split('.') if part.isdecimal()]
    return numbers[:length]
