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

"""How a command of vmrun ends without success."""

from vmwarefake import messages

FAILED = 255
TOOLS_UNKNOWN = 254


class Refused(Exception):
    """vmrun prints ``Error: TEXT`` on standard output and exits 255.

    :param text: without the ``Error: ``.
    :param before: lines printed in front of it.
    """

    def __init__(self, text, before='', after='', code=FAILED):
        super().__init__(text)
        self.before = before
        self.after = after
        self.code = code

    def output(self):
        return '%sError: %s\n%s' % (self.before, self, self.after)


class Usage(Exception):
    """The command line makes no sense: help on standard output, exit 255.

    :param complaint: a line printed in front of the help, or None.
    """

    def __init__(self, complaint=None):
        super().__init__(complaint or 'usage')
        self.complaint = complaint


class PowerOnFailed(Exception):
    """Power-on failed or a dialog blocked it: told in vmware.log only.

    :param msg_id: VMware's message id, ``msg.disk.noBackEnd``.
    :param further: (message id, text) of messages that follow.
    """

    def __init__(self, msg_id, text, further=()):
        super().__init__(text)
        self.msg_id = msg_id
        self.further = further


class Waits(Exception):
    """A dialog waits for an answer that nobody will give."""


class Died(Exception):
    """Something killed vmware-vmx at power-on: no dialog, no answer.

    :param lines: what it wrote to vmware.log last.
    """

    def __init__(self, lines):
        super().__init__(lines[-1])
        self.lines = lines


def vix(code, **kwargs):
    """Return a Refused with the text of a VIX code."""
    return Refused(messages.vix(code), **kwargs)


def cannot_open(vmx, reason):
    return Refused('Cannot open VM: %s, %s' % (vmx, reason))


def not_powered_on(vmx):
    return Refused('The virtual machine is not powered on: %s' % vmx)


def already_running():
    return vix(3007)


def paused(vmx):
    return Refused('The virtual machine is paused: %s' % vmx)


def tools_down(vmx):
    return Refused('The VMware Tools are not running in the virtual '
                   'machine: %s' % vmx)
