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

"""Every setting of the fakes.

A knob is the environment variable ``FAKE_VMRUN_<NAME>``, or a line
``NAME = value`` in the file that ``FAKE_VMRUN_CONFIG`` names. Each call reads
the file, so it can change while programs run; ``#`` starts a comment, and
several ``FAULTS`` lines add up. The environment overrides the file.

Paths and engine
    STATE         folder of the state, made if missing. Default:
                  $XDG_STATE_HOME/fake-vmrun, else ~/.local/state/fake-vmrun
    CONFIG        the file described above
    ENGINE        what runs the machine: plain (default), or qemu, whose own
                  knobs are in engine/qemu/options.py

The product
    PRODUCT       what is installed: ws (default), player, fusion
    VERSION       its version. Default 17.6.4, for fusion 13.6.4
    BUILD         its build number. Default: the one of the version
    HOST          linux, macos or windows: the system of the host.
                  Default: macos for fusion, else linux. On windows generated
                  MAC addresses are in upper case, and there is no Player
    HOST_NAME     name from which the host's id in locks is made, so that
                  several hosts can be simulated on one. Default: its own
    HOST_ARCH     x86_64 (default), or arm64 for Apple silicon
    HOST_CPUS     logical CPUs of the host that VMs see. Default 32
    HOST_MEMORY   host memory in MiB; one VM cannot have more. Default 131072
    HOST_ROOT     1 or 0: whether the caller may change host networks.
                  Default: whether it is root
    MAC_CHECK     strict (default): a static MAC outside 00:50:56:00-3f needs
                  checkMACAddress = "FALSE"; lenient: only VMware's reserved
                  ones are refused, as Workstation 17.6.3 was seen to do
    DISPLAY       1 or 0: whether `start gui` finds a display. Default:
                  whether DISPLAY or WAYLAND_DISPLAY is set; on macOS 1
    GUI_OPEN      1: Workstation's window was already open, so a VM that is
                  started with a window answers VNC too. Default: 0
    GUI_WAITS     1: `start gui` returns when the VM is off. Default: 0
    MODULES_MISSING  missing kernel modules of the host: without vmmon or
                  vmnet no VM starts, without vmci none that has vmci0.
                  Default: none
    VM_PASSWORD   the password of encrypted VMs (those with encryption.keySafe
                  or encryption.data in the vmx). Default: secret

Time
    LATENCY       seconds before each command: a number, or per verb
                  "start=2,list=0.2,*=0.1". vdiskmanager's verbs are -c, -r...
    JITTER        the same; the maximum of a random time that is added
    PER_GB        seconds per GiB of a VM's memory for the snapshot of a
                  running VM, for suspend, and for a start that resumes:
                  "snapshot=40,suspend=40,start=20". The work continues if
                  the tool is killed. Default: 0

Guests (of the plain engine, and if another engine has no answer)
    TOOLS         running (default), installed, unknown
    TOOLS_DELAY   seconds from power-on until Tools have that state. Default 0
    TOOLS_WAIT    seconds that guest commands wait for Tools. Default 0; the
                  products wait 300
    GUEST_IP      an address, "none", or "auto" (default): one in the subnet
                  of the first NIC, derived from its MAC address
    NO_ADDRESS    what getGuestIPAddress prints if Tools know no address:
                  empty (an empty line, the default since 26H1), unknown (this
                  word, the default before 26H1), error
    ADDRESS_DENIED  1: getGuestIPAddress says that Tools are not running
                  although they are, as it can for minutes. Default: 0
    TOOLS_LOGIN   1: checkToolsState prints installed until a user logs in
                  (LOGGED_IN, or a guest command). Default: 0
    GUEST_USERS   "name:password,name:password", or * (default): any user
                  with any password that is not empty
    GUEST_PROGRAMS  more programs in the guest, with their exit codes:
                  "/opt/setup=3,/usr/bin/tool=0". Default: none
    LOGGED_IN     the user logged in at the console, for -interactive.
                  Default: nobody
    STOP_SOFT     what a soft stop or reset does with Tools running: ok
                  (default), hang (the guest ignores it)
    STOP_SECONDS  seconds that a guest takes to shut down. Default 0
    STOP_TIMEOUT  seconds after which a soft stop without effect fails.
                  Default 60
    RESET_LEAVES_OFF  1: a reset leaves the guest powered off. Default 0
    CONSOLE       text that the guest writes to its serial ports at boot,
                  with \\n for a newline. Default: lines like a kernel's
    AGENT         what QEMU's guest agent on serial1 does, if that is a pipe:
                  none (default; the port is like the others), works, silent,
                  refuses. What it is asked is in agent.jsonl of the state

Errors and noise
    NOISE         1: print what loaders and libraries print on some hosts:
                  AppLoader, libxml2 and VixDiskLib on stderr, and on macOS
                  LocationGetRoot and ServiceImpl_Opener on stdout. Default: 0
    DIALOGS       what a question without an answer does: cancel (default)
                  the power-on, or wait until the tool is killed, with the
                  question in vmware.log
    CROWD         a start fails once with Unknown error or The operation was
                  canceled if this many others are in progress; the VM stays
                  off. Default: never
    NO_CARRIER    NICs that start unplugged despite startConnected:
                  "ethernet1"; connectNamedDevice plugs them in. Default: none
    DISK_FULL     folders, separated by ":", in which files cannot grow; 1
                  for all. Default: none
    FAULTS        "VERB WHEN KIND [TEXT]", several separated by ";". VERB is a
                  command, a switch of vdiskmanager, or *. WHEN selects by the
                  number of the matching call: 2 (the first two), 3-4 (the
                  third and the fourth), * (all). KIND:
      hang [SECONDS]        do nothing for this time (default: forever)
      hang-after [SECONDS]  do the work, then hang
      hang-stubborn         hang and ignore SIGTERM and SIGINT
      refuse TEXT           `Error: TEXT`, exit 255, nothing done
      refuse-after TEXT     the same, but after the work
      error-exit-0 TEXT     `Error: TEXT`, exit 0, nothing done
      noise TEXT            TEXT on stdout, then the work
      noise-stderr TEXT     TEXT on stderr, then the work
      die                   die before the work
      die-after             die after the work, before printing a result
      die-writing [SUFFIX]  die in the middle of writing the first file whose
                            name ends with SUFFIX (default .vmx), which is
                            left truncated
      die-step N            die just before the N-th change on disk
      keep-pipe [SECONDS]   leave a child that keeps stdout and stderr open
                            (default 60, or until the state folder is gone)
      own-group             leave the VM's process in the tool's process
                            group and session
      busy [SECONDS]        after the work, refuse calls for this VM with
                            `Cannot read the virtual machine configuration
                            file` (default 2), as after a real suspend
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc

PREFIX = 'FAKE_VMRUN_'

DEFAULTS = {
    'STATE': '',
    'CONFIG': '',
    'ENGINE': 'plain',
    'PRODUCT': 'ws',
    'VERSION': '',
    'BUILD': '',
    'HOST': '',
    'HOST_NAME': '',
    'HOST_ARCH': 'x86_64',
    'HOST_CPUS': '32',
    'HOST_MEMORY': '131072',
    'HOST_ROOT': '',
    'MAC_CHECK': 'strict',
    'DISPLAY': '',
    'GUI_OPEN': '0',
    'GUI_WAITS': '0',
    'MODULES_MISSING': '',
    'VM_PASSWORD': 'secret',
    'LATENCY': '0',
    'JITTER': '0',
    'PER_GB': '0',
    'TOOLS': 'running',
    'TOOLS_DELAY': '0',
    'TOOLS_WAIT': '0',
    'GUEST_IP': 'auto',
    'NO_ADDRESS': '',
    'ADDRESS_DENIED': '0',
    'TOOLS_LOGIN': '0',
    'GUEST_USERS': '*',
    'GUEST_PROGRAMS': '',
    'LOGGED_IN': '',
    'STOP_SOFT': 'ok',
    'STOP_SECONDS': '0',
    'STOP_TIMEOUT': '60',
    'RESET_LEAVES_OFF': '0',
    'CONSOLE': '',
    'AGENT': 'none',
    'NOISE': '0',
    'DIALOGS': 'cancel',
    'CROWD': '',
    'NO_CARRIER': '',
    'DISK_FULL': '',
    'FAULTS': '',
}


#: Prefixes of the knobs of other engines; see their modules.
_ENGINE_KNOBS = ('QEMU', 'NET')


class BadKnob(Exception):
    """A knob has an invalid value."""


def _read_config(path: str) -> dict[str, str]:
    """Return {name: value} of a knob file, with FAULTS lines joined."""
    found: dict[str, str] = {}
    with open(path, encoding='utf-8') as f:
        for line in f:
            line = line.strip()
            if not line or line.startswith('#'):
                continue
            name, equals, value = line.partition('=')
            name = name.strip().upper()
            if name.startswith(PREFIX):
                name = name[len(PREFIX):]
            known = name in DEFAULTS or name.startswith(_ENGINE_KNOBS)
            if not equals or not known:
                raise BadKnob('%s: not a knob: %s' % (path, line))
            value = value.strip()
            if name == 'FAULTS' and name in found:
                value = found[name] + ';' + value
            found[name] = value
    return found


class Knobs:
    """The settings of one call.

    :ivar environ: the environment and the knobs from the file.
    :raises BadKnob: for a file that cannot be read or has another line.
    """

    def __init__(self, environ: abc.Mapping[str, str]) -> None:
        self.environ = dict(environ)
        path = environ.get(PREFIX + 'CONFIG')
        if path:
            try:
                found = _read_config(path)
            except OSError as e:
                raise BadKnob('%sCONFIG: %s' % (PREFIX, e))
            for name, value in found.items():
                self.environ.setdefault(PREFIX + name, value)

    def __getitem__(self, name: str) -> str:
        return self.environ.get(PREFIX + name, DEFAULTS[name])

    def number(self, name: str) -> float:
        try:
            return float(self[name])
        except ValueError:
            raise BadKnob('%s%s=%s is not a number'
                          % (PREFIX, name, self[name]))

    def flag(self, name: str, default: bool = False) -> bool:
        value = self[name].strip().lower()
        return default if not value else value in ('1', 'true', 'yes', 'on')

    def per_verb(self, name: str, verb: str) -> float:
        """Return LATENCY or JITTER for a verb, in seconds."""
        text = self[name]
        try:
            if '=' not in text:
                return float(text)
            pairs = dict(item.strip().split('=', 1)
                         for item in text.split(',') if item.strip())
            table = {key.lower(): float(value)
                     for key, value in pairs.items()}
        except ValueError:
            raise BadKnob('%s%s=%s is neither seconds nor verb=seconds,...'
                          % (PREFIX, name, text))
        return table.get(verb.lower(), table.get('*', 0.0))

    def state_folder(self) -> str:
        if self['STATE']:
            return os.path.abspath(self['STATE'])
        home = self.environ.get('HOME') or os.path.expanduser('~')
        base = self.environ.get('XDG_STATE_HOME') or os.path.join(
            home, '.local', 'state')
        return os.path.join(base, 'fake-vmrun')

    def disk_full(self, path: str) -> bool:
        """Return whether a file at ``path`` cannot grow."""
        value = self['DISK_FULL']
        if value in ('', '0'):
            return False
        if value == '1':
            return True
        path = os.path.realpath(path)
        for folder in value.split(':'):
            folder = os.path.realpath(folder)
            if path == folder or path.startswith(folder + os.sep):
                return True
        return False
