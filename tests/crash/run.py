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

"""Run all crashes, and print how many were tried and what was lost.

Usage::

    python -m tests.crash.run [--sample] [stestr's filters]
"""

import json
import os
import subprocess
import sys
import tempfile

from tests.crash import test_every_step

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def figures(folder):
    """Return the sums of the figures that the tests have left.

    :returns: dict of names to numbers
    """
    total = {'operations': set(), 'tries': 0, 'losses': 0}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name)) as file:
            found = json.load(file)
        total['operations'].add(found['operation'])
        for key in ('tries', 'losses'):
            total[key] += found[key]
    return dict(total, operations=len(total['operations']))


def main():
    with tempfile.TemporaryDirectory() as folder:
        code = subprocess.call(
            [sys.executable, os.path.join(ROOT, 'tools', 'run_suite.py'),
             'crash', *sys.argv[1:]],
            env=dict(os.environ, **{test_every_step.FIGURES: folder}))
        print('%(operations)d operations, %(tries)d crashes tried, '
              '%(losses)d losses' % figures(folder))
    return code


if __name__ == '__main__':
    sys.exit(main())
