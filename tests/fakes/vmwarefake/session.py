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

"""One call of a tool: its knobs, the product, the state, its output."""

from __future__ import annotations

import errno
import sys
import time

from vmwarefake import calls
from vmwarefake import errors
from vmwarefake import files
from vmwarefake import knobs
from vmwarefake import noise
from vmwarefake import product
from vmwarefake import state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from vmwarefake import faults
    from vmwarefake import vm as vms


class Session:
    """What all verbs of a call share.

    :ivar vm_password: from -vp, or None.
    :ivar guest_user: from -gu, or None.
    :ivar guest_password: from -gp, or None.
    :ivar own_group: whether a fault leaves the VM in our process group.
    """

    def __init__(self, environ: abc.Mapping[str, str], prog: str,
                 argv: list[str]) -> None:
        self.knobs = knobs.Knobs(environ)
        self.product = product.Product(self.knobs)
        if self.product.kind not in product.NAMES:
            raise knobs.BadKnob('FAKE_VMRUN_PRODUCT=%s is not one of %s' % (
                self.product.kind, ', '.join(sorted(product.NAMES))))
        if self.product.host not in product.HOSTS:
            raise knobs.BadKnob('FAKE_VMRUN_HOST=%s is not one of %s' % (
                self.product.host, ', '.join(product.HOSTS)))
        self.state = state.State(self.knobs.state_folder())
        self.call = calls.Call(self.state.folder, prog, argv)
        self.vm_password = None
        self.guest_user = None
        self.guest_password = None
        self.own_group = False
        files.arm(disk_full=self.knobs.disk_full)
        noise.at_start(self, prog)

    def write(self, text: str) -> None:
        """Print to standard output, without adding a newline."""
        sys.stdout.write(text)

    def line(self, text: str) -> None:
        self.write(text + '\n')

    def vm(self, given: str) -> vms.VM:
        """Open the VM that was named on the command line.

        :raises errors.Refused: with the message of the product.
        """
        from vmwarefake import vm
        return vm.VM(self, given).open()

    def strike(self, verb: str) -> faults.Active | NoFaults:
        """Return the faults for this call."""
        if not self.knobs['FAULTS']:
            return NoFaults()
        from vmwarefake import faults
        return faults.strike(self, verb)

    def delay(self, verb: str) -> None:
        """Sleep for the latency of a verb."""
        seconds = self.knobs.per_verb('LATENCY', verb)
        jitter = self.knobs.per_verb('JITTER', verb)
        if jitter:
            import random
            seconds += random.random() * jitter
        if seconds > 0:
            time.sleep(seconds)


class NoFaults:
    """The faults of a call that has none; see faults.Active."""

    def before(self) -> None:
        """Do nothing before the work."""

    def after(self) -> None:
        """Do nothing after it."""

    def busy_for(self) -> float:
        return 0


def refusal_of(e: OSError) -> errors.Refused:
    """Turn an OSError into the refusal that vmrun prints."""
    codes = {errno.ENOSPC: 8, errno.EACCES: 3014, errno.EPERM: 3014,
             errno.EROFS: 3014, errno.ENOENT: 4, errno.EEXIST: 12}
    return errors.vix(codes.get(e.errno or 0, 7))
