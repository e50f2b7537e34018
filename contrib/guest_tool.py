#!/usr/bin/env python3
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

"""Sets the addresses of a guest from machine.id, at each boot, as root.

For guests without cloud-init, on Linux and the BSDs, with VMware Tools. The
standard library of Python 3.4 is enough. machine.id has, for each adapter,
MAC;ADDRESS;NETMASK;GATEWAY;BROADCAST;DNS,DNS and a "#" behind it, as
OpenStack's ESX driver wrote it; guestinfo.hostname may have a name. All of it
is checked before anything is changed.
"""

import argparse
import collections
import ipaddress
import os
import re
import shutil
import subprocess
import sys
import tempfile

PATH = os.pathsep.join((os.environ.get('PATH', os.defpath), '/usr/local/sbin',
                        '/usr/sbin', '/sbin', '/usr/local/bin'))
MOST_BYTES = 64 * 1024
SECONDS = 30
# How vmware-rpctool and vmtoolsd are asked.
TOOLS = (('vmware-rpctool',), ('vmtoolsd', '--cmd'))

_MAC = re.compile('(?:[0-9a-f]{2}:){5}[0-9a-f]{2}')
_ADAPTER = re.compile('[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}')
_LABEL = re.compile('(?!-)[A-Za-z0-9-]{1,63}(?<!-)')
_IFCONFIG = re.compile(
    r'^(?:(?P<name>[^\s:]+):.*|\s+(?:ether|address:?|lladdr)\s+'
    r'(?P<mac>[0-9A-Fa-f:]{17}).*)$', re.MULTILINE)

Entry = collections.namedtuple(
    'Entry', 'mac address netmask gateway broadcast servers')


class Failed(Exception):
    """Something is not as it must be; the text says what."""


def parse(text):
    """Reads machine.id.

    :returns: a list of Entry, of texts that are safe to pass on
    :raises Failed: it is not wholly what it must be
    """
    entries = []
    for part in filter(None, text.strip().split('#')):
        fields = [field.strip() for field in part.split(';')]
        if len(fields) != 6:
            raise Failed('machine.id has an entry of %d fields, not 6'
                         % len(fields))
        mac, address, netmask, gateway, broadcast, servers = fields
        if not _MAC.fullmatch(mac.lower()):
            raise Failed('machine.id has no MAC address: %r' % mac[:40])
        entries.append(Entry(
            mac.lower(), _ipv4(address), _netmask(netmask),
            _ipv4(gateway, optional=True), _ipv4(broadcast, optional=True),
            [_ipv4(server) for server in filter(None, servers.split(','))]))
    if len(set(entry.mac for entry in entries)) != len(entries):
        raise Failed('machine.id names an adapter twice')
    return entries


def _ipv4(text, optional=False):
    if optional and not text:
        return ''
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise Failed('machine.id has no IPv4 address: %r' % text[:40])


def _netmask(text):
    try:
        network = ipaddress.IPv4Network('0.0.0.0/%s' % _ipv4(text))
    except ValueError:
        raise Failed('machine.id has no netmask: %r' % text[:40])
    if str(network.netmask) != text:
        raise Failed('machine.id has no netmask: %r' % text[:40])
    return text


def check_hostname(text):
    """Returns a host name that is safe to pass on.

    :raises Failed: it is none
    """
    if len(text) > 253 or not all(map(_LABEL.fullmatch, text.split('.'))):
        raise Failed('guestinfo.hostname is no host name: %r' % text[:40])
    return text


class Guest:
    """The system that this runs on.

    :param platform: as sys.platform
    :param root: folder that stands for /
    :param dry_run: print what would be done
    """

    def __init__(self, platform, root='/', dry_run=False):
        self._linux = platform.startswith('linux')
        self._openbsd = platform.startswith('openbsd')
        self._root = root
        self._dry_run = dry_run
        self.failures = []

    def ask(self, request):
        """Asks VMware for a variable; returns its text, or ''."""
        for tool in TOOLS:
            program = shutil.which(tool[0], path=PATH)
            if program:
                try:
                    return self._output([program] + list(tool[1:]) +
                                        [request])
                except Failed:
                    return ''
        raise Failed('neither vmware-rpctool nor vmtoolsd is installed')

    def adapters(self):
        """Returns the names of this guest's adapters by their addresses."""
        found = self._from_sys() if self._linux else self._from_ifconfig()
        return dict((mac, name) for mac, name in found
                    if _ADAPTER.fullmatch(name))

    def _from_sys(self):
        folder = self._path('sys/class/net')
        for name in sorted(os.listdir(folder)):
            try:
                with open(os.path.join(folder, name, 'address')) as file:
                    yield file.read(64).strip().lower(), name
            except OSError:
                # bonding_masters is a file there.
                continue

    def _from_ifconfig(self):
        name = None
        for match in _IFCONFIG.finditer(self._output([_program('ifconfig'),
                                                      '-a'])):
            if match.group('name'):
                name = match.group('name')
            elif name:
                yield match.group('mac').lower(), name

    def set_address(self, name, entry):
        if self._linux and shutil.which('ip', path=PATH):
            with_prefix = str(ipaddress.IPv4Interface(
                '%s/%s' % (entry.address, entry.netmask)))
            self._run('ip', 'link', 'set', 'dev', name, 'up')
            # One that a DHCP server gave would answer too.
            self._run('ip', '-4', 'address', 'flush', 'dev', name)
            self._run('ip', 'address', 'add', with_prefix, 'broadcast',
                      entry.broadcast or '+', 'dev', name)
            if entry.gateway:
                self._run('ip', 'route', 'replace', 'default', 'via',
                          entry.gateway, 'dev', name)
            return
        broadcast = (['broadcast', entry.broadcast] if entry.broadcast
                     else [])
        self._run('ifconfig', name, *(
            ([] if self._linux else ['inet']) +
            [entry.address, 'netmask', entry.netmask] + broadcast + ['up']))
        if entry.gateway:
            self._run('route', 'delete', 'default', may_fail=True)
            self._run('route', 'add', 'default', *(
                (['gw'] if self._linux else []) + [entry.gateway]))

    def set_name_servers(self, by_adapter):
        """Sets name servers.

        :param by_adapter: names of adapters to lists of addresses
        """
        servers = [server for each in by_adapter.values() for server in each]
        if not servers:
            return
        path = self._path('etc/resolv.conf')
        if not os.path.islink(path):
            self._write(path, _resolv_conf(path, servers))
        elif shutil.which('resolvectl', path=PATH):
            for name, each in by_adapter.items():
                if each:
                    self._run('resolvectl', 'dns', name, *each)
        else:
            self.failures.append('%s is a link: configure %s in the program '
                                 'that writes it' % (path, ', '.join(servers)))

    def set_hostname(self, name):
        self._run('hostname', name)
        if self._linux or self._openbsd:
            self._write(self._path(
                'etc/hostname' if self._linux else 'etc/myname'), name + '\n')

    def _path(self, name):
        return os.path.join(self._root, name)

    def _write(self, path, text):
        if self._dry_run:
            print('write %s: %r' % (path, text))
            return
        try:
            handle, part = tempfile.mkstemp(dir=os.path.dirname(path))
            with os.fdopen(handle, 'w') as file:
                file.write(text)
            os.chmod(part, 0o644)
            os.rename(part, path)
        except OSError as error:
            self.failures.append('%s cannot be written: %s' % (path, error))

    def _run(self, *argv, may_fail=False):
        if self._dry_run:
            print(' '.join(argv))
            return
        try:
            self._output([_program(argv[0])] + list(argv[1:]))
        except Failed as error:
            if not may_fail:
                self.failures.append(str(error))

    def _output(self, argv):
        try:
            done = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT)
            try:
                output, _ = done.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                done.kill()
                done.communicate()
                raise Failed('%s does not answer' % argv[0])
        except OSError as error:
            raise Failed('%s cannot be run: %s' % (argv[0], error))
        text = output[:MOST_BYTES].decode('utf-8', 'replace')
        if done.returncode:
            raise Failed('%s failed with %d: %s' % (
                ' '.join(argv), done.returncode, text.strip()))
        return text


def _program(name):
    found = shutil.which(name, path=PATH)
    if not found:
        raise Failed('%s is not installed' % name)
    return found


def _resolv_conf(path, servers):
    """Keeps what was there but for its name servers."""
    try:
        with open(path) as file:
            kept = [line for line in file.read().splitlines()
                    if line.split()[:1] != ['nameserver']]
    except OSError:
        kept = []
    return '\n'.join(kept + ['nameserver %s' % each for each in servers]) + (
        '\n')


def set_up(guest):
    """Does all of it.

    :raises Failed: before anything was changed
    """
    entries = parse(guest.ask('machine.id.get'))
    hostname = guest.ask('info-get guestinfo.hostname').strip()
    if hostname:
        check_hostname(hostname)
    adapters = guest.adapters()
    servers = collections.OrderedDict()
    for entry in entries:
        name = adapters.get(entry.mac)
        if name is None:
            guest.failures.append('no adapter has the address ' + entry.mac)
            continue
        guest.set_address(name, entry)
        servers[name] = entry.servers
    guest.set_name_servers(servers)
    if hostname:
        guest.set_hostname(hostname)


def main(argv=None, platform=sys.platform):
    parser = argparse.ArgumentParser(
        description='Sets the addresses of this guest from machine.id.')
    parser.add_argument('--dry-run', action='store_true',
                        help='print what would be done, and do nothing')
    parser.add_argument('--root', default='/', metavar='FOLDER',
                        help='a folder that stands for /')
    options = parser.parse_args(argv)
    guest = Guest(platform, options.root, options.dry_run)
    try:
        set_up(guest)
    except Failed as error:
        guest.failures.append(str(error))
    for failure in guest.failures:
        print('guest_tool: ' + failure, file=sys.stderr)
    return 1 if guest.failures else 0


if __name__ == '__main__':
    sys.exit(main())
