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

"""How a vmrun command fails."""

from __future__ import annotations

from vmwarefake import messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from typing import Any

FAILED = 255
TOOLS_UNKNOWN = 254


class Refused(Exception):
    """vmrun prints ``Error: TEXT`` on standard output and exits 255.

    :param text: without ``Error: ``.
    :param before: lines printed before it.
    """

    def __init__(self, text: str, before: str = '', after: str = '',
                 code: int = FAILED) -> None:
        super().__init__(text)
        self.before = before
        self.after = after
        self.code = code

    def output(self) -> str:
        return '%sError: %s\n%s' % (self.before, self, self.after)


class Usage(Exception):
    """The command line is invalid: vmrun prints its help and exits 255.

    :param complaint: a line printed before the help, if any.
    """

    def __init__(self, complaint: str | None = None) -> None:
        super().__init__(complaint or 'usage')
        self.complaint = complaint


class PowerOnFailed(Exception):
    """Power-on failed, or a dialog blocked it. Only vmware.log says why.

    :param msg_id: VMware's message id, such as ``msg.disk.noBackEnd``.
    :param further: (message id, text) of the messages that follow.
    """

    def __init__(self, msg_id: str, text: str,
                 further: abc.Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(text)
        self.msg_id = msg_id
        self.further = further


class Waits(Exception):
    """A dialog waits for an answer, forever."""


class Died(Exception):
    """vmware-vmx died at power-on, without a dialog.

    :param lines: the last lines it wrote to vmware.log.
    """

    def __init__(self, lines: list[str]) -> None:
        super().__init__(lines[-1])
        self.lines = lines


def vix(code: int, **kwargs: Any) -> Refused:
    """Return the refusal with the text of a VIX code."""
    return Refused(messages.vix(code), **kwargs)


def cannot_open(vmx: str, reason: object) -> Refused:
    return Refused('Cannot open VM: %s, %s' % (vmx, reason))


def not_powered_on(vmx: str) -> Refused:
    return Refused('The virtual machine is not powered on: %s' % vmx)


def already_running() -> Refused:
    return vix(3007)


def paused(vmx: str) -> Refused:
    return Refused('The virtual machine is paused: %s' % vmx)


def tools_down(vmx: str) -> Refused:
    return Refused('The VMware Tools are not running in the virtual '
                   'machine: %s' % vmx)
