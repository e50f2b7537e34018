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

"""Makes Linux behave like macOS.

The driver uses nova_vmrun.system.macos. Functions that only Linux has are
removed from the standard library, and calls that fail on macOS fail as there.
"""

import builtins
import os
import resource
import select
import selectors
import socket
import sys
import tempfile
import time

import fixtures
import psutil

from nova_vmrun import system
from tests.macos import kqueue

# Functions and constants that macOS lacks.
LINUX_ONLY = {
    os: ('copy_file_range', 'eventfd', 'eventfd_read', 'eventfd_write',
         'getrandom', 'memfd_create', 'pidfd_open', 'pipe2',
         'posix_fadvise', 'posix_fallocate', 'sched_getaffinity',
         'sched_getparam', 'sched_getscheduler', 'sched_setaffinity',
         'sched_setparam', 'sched_setscheduler', 'splice', 'O_TMPFILE',
         'O_PATH', 'O_DIRECT', 'O_NOATIME', 'setresuid', 'setresgid',
         'getresuid', 'getresgid'),
    select: ('epoll', 'EPOLLIN', 'EPOLLOUT', 'EPOLLERR', 'EPOLLHUP',
             'EPOLLET', 'EPOLLONESHOT'),
    selectors: ('EpollSelector',),
    socket: ('SO_PEERCRED', 'SO_DOMAIN', 'SO_PROTOCOL', 'SO_BINDTODEVICE',
             'SO_MARK', 'AF_NETLINK', 'AF_PACKET', 'AF_VSOCK', 'AF_ALG',
             'SOCK_CLOEXEC', 'SOCK_NONBLOCK', 'TCP_KEEPIDLE',
             'TCP_USER_TIMEOUT', 'TCP_CORK', 'TCP_DEFER_ACCEPT'),
    time: ('CLOCK_BOOTTIME', 'CLOCK_TAI'),
    resource: ('prlimit', 'RLIMIT_MSGQUEUE', 'RLIMIT_NICE', 'RLIMIT_RTPRIO',
               'RLIMIT_RTTIME', 'RLIMIT_SIGPENDING'),
    psutil.Process: ('io_counters', 'cpu_affinity', 'rlimit', 'ionice',
                     'memory_maps'),
}


class MacOS(fixtures.Fixture):
    """Makes this process behave as on macOS."""

    def _setUp(self) -> None:
        self._set(system, '_here', system.of(system.MACOS))
        kqueue.install(self._set)
        for module, names in LINUX_ONLY.items():
            for name in names:
                self._remove(module, name)
        self._set(selectors, 'DefaultSelector', selectors.PollSelector)
        # This module checked for O_TMPFILE when it was imported.
        self._set(tempfile, '_O_TMPFILE_WORKS', False)
        self._set(resource, 'setrlimit', _setrlimit(resource.setrlimit))
        self._set(psutil, 'net_connections', _denied)
        self._set(builtins, 'open', _open(builtins.open))

    def _set(self, module: object, name: str, value: object) -> None:
        if hasattr(module, name):
            self.addCleanup(setattr, module, name, getattr(module, name))
        else:
            self.addCleanup(delattr, module, name)
        setattr(module, name, value)

    def _remove(self, module: object, name: str) -> None:
        if name in vars(module):
            self.addCleanup(setattr, module, name, vars(module)[name])
            delattr(module, name)


def _setrlimit(real):
    def setrlimit(kind, limits):
        if kind == resource.RLIMIT_AS:
            raise ValueError('current limit exceeds maximum limit')
        return real(kind, limits)

    return setrlimit


def _open(real):
    """Hide /proc from our own code; psutil on macOS does not need it."""
    def open(file, *arguments, **options):
        caller = sys._getframe(1).f_globals.get('__name__', '')
        if caller.startswith('nova_vmrun') and str(file).startswith('/proc'):
            raise FileNotFoundError(2, 'No such file or directory', file)
        return real(file, *arguments, **options)

    return open


def _denied(*_arguments, **_options):
    raise psutil.AccessDenied()
