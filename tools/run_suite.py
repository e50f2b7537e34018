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


"""Run a suite with stestr, or print the totals of all suites.

Usage::

    run_suite.py SUITE [--noise | --delays] [--sample] [stestr's filters]
    run_suite.py --totals

SUITE is unit, contract, functional, cinder, iscsi, macos, load, cluster,
crash, e2e, reach, clients, debian or browser. Root runs iscsi and reach as an
ordinary user: see as_test_user.py.

--sample runs only the tests that have the attribute "sample".

--noise makes the fake tools print what loaders and libraries of the real ones
print on some hosts (FAKE_VMRUN_NOISE=1).

--delays makes Nova slow between its steps, in the functional tests. It shows
tests that do not wait for the last step, and fail now and then on a machine
that is busy. A run takes about 50 minutes.

--totals counts the tests of the last run of each suite. It lists skipped tests
with their reasons, and failed tests with the ends of their tracebacks. Tests
of reach that are skipped count as failed. A run with noise or delays is a
suite of its own.
"""

import collections
import datetime
import io
import os
import subprocess
import sys

import subunit
import testtools

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RESULTS = os.path.join(ROOT, '.stestr')
SAMPLE = r'\[(\w+,)*sample(,\w+)*\]'
# The variable that each variant of a suite sets, and its value. The names of a
# suite's variants begin with its own and "-".
VARIANTS = {'--noise': ('FAKE_VMRUN_NOISE', '1'),
            # In seconds.
            '--delays': ('NOVA_VMRUN_TEST_DELAYS', '0.6')}
# Number of processes that run a suite, if it is not one for each processor.
WORKERS = {'e2e': 2,
           # It measures times.
           'load': 1, 'iscsi': 1, 'reach': 1,
           # All tests share one control plane.
           'browser': 1, 'clients': 1, 'cluster': 1,
           # These tests spend half of their time waiting for processes.
           'contract': 2 * (os.cpu_count() or 1),
           'functional': 2 * (os.cpu_count() or 1),
           'functional-delays': 5 * (os.cpu_count() or 1),
           'crash': 2 * (os.cpu_count() or 1)}
# Suites that an ordinary user runs.
AS_USER = frozenset({'iscsi', 'reach'})
# Suites of which no test may be skipped: whoever runs them has what they need.
WHOLE = frozenset({'reach'})
# Tests that share a control plane must run in the same process.
GROUPS = {'e2e': r'tests\.e2e\.(cloud\.)?'}
# Number of lines of a traceback that the totals show.
SHOWN = 30


def stestr(suite: str, results: str, *words: str,
           stdout: int | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ['stestr', '--test-path', os.path.join('tests', suite),
         '--top-dir', ROOT, '--repo-url', os.path.join(RESULTS, results),
         *words], cwd=ROOT, stdout=stdout)


def run(suite: str, filters: list[str]) -> int:
    results = suite
    if filters and filters[0] in VARIANTS:
        os.environ.update([VARIANTS[filters[0]]])
        results, filters = suite + filters[0][1:], filters[1:]
    os.makedirs(os.path.join(RESULTS, results), exist_ok=True)
    groups = ['--group-regex', GROUPS[suite]] if suite in GROUPS else []
    if suite in AS_USER:
        os.environ['PYTHON'] = '%s %s' % (
            sys.executable, os.path.join(ROOT, 'tools', 'as_test_user.py'))
    options = ['--concurrency', str(WORKERS.get(results,
                                                WORKERS.get(suite, 0)))]
    if filters[:1] == ['--sample']:
        filters = [SAMPLE, *filters[1:]]
    return stestr(suite, results, *groups, 'run', *options,
                  *filters).returncode


class Totals(testtools.StreamResult):
    """Counts the tests of a subunit stream."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.failed: list[str] = []
        self.skipped: list[str] = []
        self._texts: dict[tuple[str, str], bytes] = {}

    def status(self, test_id: str | None = None,
               test_status: str | None = None,
               test_tags: set[str] | None = None, runnable: bool = True,
               file_name: str | None = None, file_bytes: bytes | None = None,
               eof: bool = False, mime_type: str | None = None,
               route_code: str | None = None,
               timestamp: datetime.datetime | None = None) -> None:
        if test_id is None:
            return
        if file_name == 'reason' or (file_name or '').startswith('traceback'):
            key = (test_id, file_name or '')
            self._texts[key] = self._texts.get(key, b'') + bytes(
                file_bytes or b'')
        if test_status in ('success', 'fail', 'skip', 'xfail', 'uxsuccess'):
            self.outcomes[test_status] += 1
        if test_status in ('fail', 'uxsuccess'):
            self.failed.append(test_id)
        if test_status == 'skip':
            self.skipped.append(test_id)

    def print_names(self) -> None:
        for test_id in self.skipped:
            reason = self._texts.get((test_id, 'reason'), b'no reason given')
            print('skipped: %s: %s' % (test_id,
                                       reason.decode('utf-8', 'replace')))
        for test_id in self.failed:
            print('FAILED: %s' % test_id)
            for (owner, _name), text in self._texts.items():
                if owner == test_id:
                    lines = text.decode('utf-8', 'replace').splitlines()
                    print('\n'.join('    ' + line for line in lines[-SHOWN:]))


def totals() -> int:
    result = Totals()
    missing: list[str] = []
    for name in sorted(os.listdir(RESULTS)):
        last = stestr(name.partition('-')[0], name, 'last', '--subunit',
                      stdout=subprocess.PIPE)
        known = len(result.skipped)
        stream = subunit.ByteStreamToStreamResult(
            io.BytesIO(last.stdout), non_subunit_name='stdout')
        stream.run(result)
        if name in WHOLE:
            missing += result.skipped[known:]
    result.print_names()
    for test_id in missing:
        print('FAILED: %s may not be skipped' % test_id)
    count = result.outcomes
    failed = count['fail'] + count['uxsuccess']
    print('Totals: %d passed, %d failed, %d skipped' % (
        count['success'] + count['xfail'], failed, count['skip']))
    return 1 if failed or missing else 0


def main() -> int:
    if sys.argv[1:] == ['--totals']:
        return totals()
    return run(sys.argv[1], sys.argv[2:])


if __name__ == '__main__':
    sys.exit(main())
