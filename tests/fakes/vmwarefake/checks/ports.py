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

"""Power-on checks of floppy drives and serial ports."""

from __future__ import annotations

import os

from vmwarefake import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from vmwarefake import vm as vms

SERIAL_KINDS = ('device', 'file', 'pipe', 'network', 'thinprint')


def fail(msg_id: str, text: str) -> None:
    raise errors.PowerOnFailed(msg_id, text)


def check_floppy(vm: vms.VM, ask: abc.Callable[[str, str], None]) -> None:
    if 'floppy0.present' not in vm.config:
        vm.log.warning('msg.floppy.added',                      # inferred id
                       'A floppy drive that is not in the configuration was '
                       'added. It starts disconnected.')
    for n in range(2):
        floppy = 'floppy%d' % n
        if not vm.config.true(floppy + '.present'):
            continue
        if vm.config.get(floppy + '.fileType', 'device').lower() == 'file':
            path = vm.path(vm.config.get(floppy + '.fileName', ''))
            if vm.config.true(floppy + '.startConnected', True) and (
                    not os.path.isfile(path)):
                ask('msg.floppy.cannotOpen',                    # inferred id
                    'Cannot open the floppy image "%s". %s will be '
                    'disconnected.' % (path, floppy))


def check_serial(vm: vms.VM, ask: abc.Callable[[str, str], None]) -> None:
    for n in range(4):
        port = 'serial%d' % n
        if vm.config.true(port + '.present'):
            _check_port(vm, port, ask)


def _check_port(vm: vms.VM, port: str,
                ask: abc.Callable[[str, str], None]) -> None:
    kind = vm.config.get(port + '.fileType', 'device').lower()
    name = vm.config.get(port + '.fileName', '')
    if kind not in SERIAL_KINDS:
        fail('msg.serial.badType', '%s.fileType = "%s".'        # inferred id
             % (port, kind))
    if kind == 'file':
        _check_file(vm, port, name, ask)
    elif kind == 'pipe':
        _check_pipe(vm, port, name, ask)
    elif kind == 'network':
        # The products have code for it, but the documentation does not
        # mention it (strictest reading: it does not work).
        ask('msg.serial.disconnect', '%s: a network serial port is not '
            'supported and will be disconnected.' % port)


def _check_file(vm: vms.VM, port: str, name: str,
                ask: abc.Callable[[str, str], None]) -> None:
    path = vm.path(name)
    if not name or not os.path.isdir(os.path.dirname(path)):
        ask('msg.serial.disconnect',
            'Cannot open the output file "%s" of %s.' % (path, port))


def _check_pipe(vm: vms.VM, port: str, name: str,
                ask: abc.Callable[[str, str], None]) -> None:
    end = vm.config.get(port + '.pipe.endPoint', 'server').lower()
    path = vm.path(name)
    if end == 'client' and not os.path.exists(path):
        ask('msg.serial.disconnect',
            'Cannot connect %s to the pipe "%s": nobody serves it.'
            % (port, path))
    if end == 'server' and not os.path.isdir(os.path.dirname(path)):
        ask('msg.serial.disconnect',
            'Cannot make the pipe "%s" of %s.' % (path, port))
