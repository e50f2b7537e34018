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

"""Delays between the steps of Nova, as a busy machine has them.

A test that acts on the first sign of a step's end passes on a quiet machine,
and fails once in a while on a busy one. With these delays it fails each time.
"""

import functools
import os
import random
import time

import fixtures
from nova.compute import utils as compute_utils
from nova import objects
from oslo_messaging.rpc import dispatcher

# The longest delay in seconds; tools/run_suite.py sets it.
LONGEST = float(os.environ.get('NOVA_VMRUN_TEST_DELAYS', '0'))

# After each of these, others see a part of an operation but not yet the rest.
_STEPS = (
    (objects.Instance, 'save'),
    (objects.Instance, 'destroy'),
    (objects.InstanceFault, 'create'),
    (objects.InstanceInfoCache, 'save'),
    (objects.Migration, 'save'),
    (objects.BlockDeviceMapping, 'save'),
    (objects.BlockDeviceMapping, 'destroy'),
    (compute_utils.EventReporter, '__exit__'),
    (compute_utils, 'notify_about_instance_action'),
    (dispatcher.RPCDispatcher, 'dispatch'),
)


class Delays(fixtures.Fixture):
    """Waits before and after each step, if the run asks for it."""

    def _setUp(self):
        for owner, name in _STEPS if LONGEST else ():
            self.useFixture(fixtures.MockPatchObject(
                owner, name, _delayed(getattr(owner, name))))


def _delayed(step):
    @functools.wraps(step)
    def delayed(*args, **options):
        _wait()
        try:
            return step(*args, **options)
        finally:
            _wait()
    return delayed


def _wait():
    time.sleep(random.uniform(0, LONGEST))
