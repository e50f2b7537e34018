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


"""Runs one suite with stestr, or prints the totals of all that were run.

Usage::

    run_suite.py SUITE [--noise] [--sample] [stestr's filters]
    run_suite.py --totals

SUITE is unit, contract, functional, macos, load, e2e or browser.

--sample runs only the tests that have the attribute "sample".

--noise makes VMware's tools, as faked, print what their loaders and libraries
print on some hosts (FAKE_VMRUN_NOISE=1).

Each suite keeps its results in its own folder, so that the last run of every
suite can be counted and each skipped test listed with its reason. A run with
noise counts as a suite of its own.
"""

import collections
import io
import os
import subprocess
import sys

import subunit
import testtools

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RESULTS = os.path.join(ROOT, '.stestr')
SAMPLE = r'\[(\w+,)*sample(,\w+)*\]'
# What the name of a run with noise ends with.
NOISY = '-noise'
# How many processes run a suite where that is not one for each processor, and
# which of its tests stay together: those that share a control plane.
WORKERS = {'e2e': 2,
           # It measures.
           'load': 1,
           # Their tests wait for processes half of their time.
           'contract': 2 * (os.cpu_count() or 1),
           'crash': 2 * (os.cpu_count() or 1)}
GROUPS = {'e2e': r'tests\.e2e\.(cloud\.)?'}


def stestr(suite, results, *words, **options):
    return subprocess.run(
        ['stestr', '--test-path', os.path.join('tests', suite),
         '--top-dir', ROOT, '--repo-url', os.path.join(RESULTS, results),
         *words], cwd=ROOT, **options)


def run(suite, filters):
    results = suite
    if filters[:1] == ['--noise']:
        os.environ['FAKE_VMRUN_NOISE'] = '1'
        results, filters = suite + NOISY, filters[1:]
    os.makedirs(os.path.join(RESULTS, results), exist_ok=True)
    groups = ['--group-regex', GROUPS[suite]] if suite in GROUPS else []
    options = ['--concurrency', str(WORKERS.get(suite, 0))]
    if filters[:1] == ['--sample']:
        filters = [SAMPLE, *filters[1:]]
    return stestr(suite, results, *groups, 'run', *options,
                  *filters).returncode


class Totals(testtools.StreamResult):
    """Counts the tests of a subunit stream."""

    def __init__(self):
        super().__init__()
        self.outcomes = collections.Counter()
        self.failed = []
        self.skipped = []
        self._reasons = {}

    def status(self, test_id=None, test_status=None, file_name=None,
               file_bytes=None, **details):
        if file_name == 'reason':
            self._reasons[test_id] = bytes(file_bytes).decode(
                'utf-8', 'replace')
        if test_status in ('success', 'fail', 'skip', 'xfail', 'uxsuccess'):
            self.outcomes[test_status] += 1
        if test_status in ('fail', 'uxsuccess'):
            self.failed.append(test_id)
        if test_status == 'skip':
            self.skipped.append(test_id)

    def print_names(self):
        for test_id in self.skipped:
            print('skipped: %s: %s' % (
                test_id, self._reasons.get(test_id, 'no reason given')))
        for test_id in self.failed:
            print('FAILED: %s' % test_id)


def totals():
    result = Totals()
    for name in sorted(os.listdir(RESULTS)):
        last = stestr(name.removesuffix(NOISY), name, 'last', '--subunit',
                      stdout=subprocess.PIPE)
        stream = subunit.ByteStreamToStreamResult(
            io.BytesIO(last.stdout), non_subunit_name='stdout')
        stream.run(result)
    result.print_names()
    count = result.outcomes
    failed = count['fail'] + count['uxsuccess']
    print('Totals: %d passed, %d failed, %d skipped' % (
        count['success'] + count['xfail'], failed, count['skip']))
    return 1 if failed else 0


def main():
    if sys.argv[1:] == ['--totals']:
        return totals()
    return run(sys.argv[1], sys.argv[2:])


if __name__ == '__main__':
    sys.exit(main())
