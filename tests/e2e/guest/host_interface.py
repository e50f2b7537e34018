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

"""Helps tests that need a network interface of this machine."""

import fcntl
import os
import tempfile
import time
import unittest

import fixtures

_INTERFACE = '/sys/class/net/vmnet8'
#: Seconds that a network may outlive its last VM on a busy machine.
_GRACE = 60


class HostInterface(fixtures.Fixture):
    """Permission to use the network interface vmnet8, for one test at a time.

    :raises unittest.SkipTest: this machine or this user cannot have it
    """

    def _setUp(self):
        if os.geteuid() != 0 or not os.access('/dev/net/tun', os.W_OK):
            raise unittest.SkipTest(
                'a network interface needs root and /dev/net/tun')
        path = os.path.join(tempfile.gettempdir(), 'nova-vmrun-vmnet8.lock')
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.addCleanup(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)
        end = time.monotonic() + _GRACE
        while os.path.exists(_INTERFACE):
            if time.monotonic() > end:
                raise unittest.SkipTest(
                    'there is an interface vmnet8 already')
            time.sleep(0.1)
