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

"""connectNamedDevice, disconnectNamedDevice, upgradevm."""

from __future__ import annotations

from vmwarefake.engine import base
from vmwarefake import errors
from vmwarefake import guestops
from vmwarefake import power
from vmwarefake import vm as vms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake import session as sessions


def connect(session: sessions.Session, words: list[str]) -> None:
    _set_connected(session, words, True)


def disconnect(session: sessions.Session, words: list[str]) -> None:
    _set_connected(session, words, False)


def _set_connected(session: sessions.Session, words: list[str],
                   connected: bool) -> None:
    """Connect or disconnect a device; its medium does not change."""
    machine = session.vm(words[0])
    node = words[1].lower()
    with machine.locked():
        guestops.need_running(machine)
        if not machine.config.true(node + '.present'):
            # The message for a missing device is not known.
            raise errors.vix(3)
        try:
            machine.engine.device_connected(node, connected)
        except base.Unsupported:
            raise errors.vix(16066)
        except base.EngineError as e:
            machine.log.error(e.msg_id, str(e))
            raise errors.vix(16)
        machine.record.data.setdefault('connected', {})[node] = connected
        machine.record.save()
        machine.log('Device %s is now %s.' % (
            node, 'connected' if connected else 'disconnected'))


def upgrade(session: sessions.Session, words: list[str]) -> None:
    """Upgrade virtualHW.version to the newest of the product."""
    machine = session.vm(words[0])
    with machine.locked():
        if machine.state != vms.OFF:
            raise errors.already_running()
        power.check_not_locked(machine)
        newest = session.product.newest_hardware()
        if machine.config.integer('virtualHW.version') < newest:
            machine.config['virtualHW.version'] = str(newest)
            machine.save_config()
