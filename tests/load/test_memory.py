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

"""The driver keeps nothing of deleted servers in memory."""

from concurrent import futures
import gc
import logging
import os
import threading
import time
import tracemalloc

import psutil
from testtools import testcase

from tests.functional.contract import base
from tests.load import figures

# Growth that is allowed, for Python's own caches.
_BYTES_OF_CACHES = 100000
_BYTES_PER_SERVER = 100
_WARM_UP = 8


class BootsAndDeletesTestCase(testcase.WithAttributes, base.DriverTestCase):
    """Boots and deletes against the driver, without the rest of Nova."""

    def setUp(self):
        super().setUp()
        # Nova's tests keep the log in memory.
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)

    def boot_and_delete(self, _number):
        instance = self.running_server(root_gb=0)
        self.driver.destroy(None, instance, [])

    def repeat(self, times):
        with futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(self.boot_and_delete, range(times)))

    def look(self):
        """Return the figures that must not grow."""
        # This depends on the other processes of this machine.
        psutil.process_iter.cache_clear()
        gc.collect()
        this = psutil.Process()
        root = self.driver._hypervisor.layout.root
        return {
            'traced bytes': tracemalloc.get_traced_memory()[0],
            'RSS bytes': this.memory_info().rss,
            'file descriptors': this.num_fds(),
            'threads': threading.active_count(),
            'children': len(this.children()),
            'files': sorted(
                os.path.relpath(os.path.join(folder, name), root)
                for folder, _folders, names in os.walk(root)
                for name in names)}

    def check(self, times):
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        self.repeat(_WARM_UP)
        before = self.look()
        began = time.monotonic()
        self.repeat(times)
        seconds = time.monotonic() - began
        after = self.look()
        figures.tell(
            '%d boots and deletes in %.0f s: Python holds %+d bytes, RSS '
            '%+.1f of %.0f MiB, %+d file descriptors, %+d threads, %+d files',
            times, seconds, after['traced bytes'] - before['traced bytes'],
            (after['RSS bytes'] - before['RSS bytes']) / 2 ** 20,
            after['RSS bytes'] / 2 ** 20,
            after['file descriptors'] - before['file descriptors'],
            after['threads'] - before['threads'],
            len(after['files']) - len(before['files']))
        for name in ('file descriptors', 'threads', 'children', 'files'):
            self.assertEqual(before[name], after[name], name)
        self.assertLess(after['traced bytes'] - before['traced bytes'],
                        _BYTES_OF_CACHES + _BYTES_PER_SERVER * times)
        self.assertEqual(1, self.fetched)
        self.assertEqual([], self.vmware.running())

    @testcase.attr('sample')
    def test_a_few(self):
        self.check(30)

    def test_a_thousand(self):
        self.check(1000)
