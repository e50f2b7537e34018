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

import os
import resource
import subprocess
import sys
from unittest import mock

import fixtures

from nova_vmrun import exception
from nova_vmrun.tools import process
from tests.macos import pretence
from tests.unit import base

PYTHON = sys.executable


class LimitsOnMacOSTestCase(base.TestCase):
    """setrlimit(RLIMIT_AS) fails on macOS."""

    def setUp(self):
        super().setUp()
        self.useFixture(pretence.MacOS())
        self.useFixture(fixtures.MockPatchObject(process, '_MEMORY_INTERVAL',
                                                 0.01))
        self.limits = {resource.RLIMIT_AS: 64 << 20,
                       resource.RLIMIT_CPU: 30}

    def test_program_runs_with_the_other_limits(self):
        result = process.Runner().run(
            PYTHON, '-c', 'import resource as r; '
            'print(r.getrlimit(r.RLIMIT_CPU), r.getrlimit(r.RLIMIT_AS))',
            timeout=30, limits=self.limits)
        self.assertEqual('(30, 30) %s\n' % (
            resource.getrlimit(resource.RLIMIT_AS),), result.stdout)

    def test_program_that_uses_too_much_memory_is_killed(self):
        runner = process.Runner()
        error = self.assertRaises(
            exception.ToolRefused, runner.run, PYTHON, '-c',
            'import time; b = b"x" * (128 << 20); time.sleep(60)',
            timeout=50, limits=self.limits)
        self.assertIn('the limit is 64 MiB', error.details)
        self.assertIn('hostile', error.resolution)

    def test_program_that_has_just_ended_uses_no_memory(self):
        child = subprocess.Popen(['true'])
        child.wait()
        process._check_memory(child.pid, 0)

    def test_umask_that_fusion_needs(self):
        before = os.umask(0o077)
        self.addCleanup(os.umask, before)
        self.assertEqual('0022\n', process.Runner().run(
            'sh', '-c', 'umask', timeout=30).stdout)
        self.assertEqual(0o077, os.umask(0o077))

    def test_group_of_zombies_cannot_be_killed(self):
        """killpg raises EPERM on macOS where Linux finds no process."""
        with mock.patch.object(os, 'killpg',
                               side_effect=PermissionError(1, 'no')):
            self.assertRaises(
                exception.ToolTimeout, process.Runner().run, 'sleep', '60',
                timeout=0.1)


class RefusedLimitTestCase(base.TestCase):

    def test_failed_setup_is_explained(self):
        """subprocess only reports that there was an exception."""
        with mock.patch.object(resource, 'setrlimit', side_effect=ValueError(
                'current limit exceeds maximum limit')):
            error = self.assertRaises(
                exception.ToolNotFound, process.Runner().run, 'true',
                timeout=5, limits={resource.RLIMIT_CPU: 5})
        self.assertIn('current limit exceeds', error.details)
        self.assertIn('ulimit', error.resolution)

    def test_lower_hard_limit_is_kept(self):
        """A program may not raise its hard limit, and need not."""
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        with mock.patch.object(resource, 'getrlimit', return_value=(0, 0)):
            result = process.Runner().run(
                'sh', '-c', 'ulimit -H -c', timeout=5,
                limits={resource.RLIMIT_CORE: 512})
        self.assertEqual('0\n', result.stdout, hard)
