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

    run_suite.py SUITE [--noise] [--sample] [stestr's filters]
    run_suite.py --totals

SUITE is unit, contract, functional, cinder, iscsi, macos, load, cluster,
crash, e2e, reach, clients, debian or browser. Root runs iscsi and reach as an
ordinary user: see as_test_user.py.

--sample runs only the tests that have the attribute "sample".

--noise makes the fake tools print what loaders and libraries of the real ones
print on some hosts (FAKE_VMRUN_NOISE=1).

--totals counts the tests of the last run of each suite. It lists skipped tests
with their reasons, and failed tests with the ends of their tracebacks. Tests
of reach that are skipped count as failed. A run with noise is a suite of its
own.
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
# Suffix of the name of a run with noise.
NOISY = '-noise'
# Number of processes that run a suite, if it is not one for each processor.
WORKERS = {'e2e': 2,
           # It measures times.
           'load': 1, 'iscsi': 1, 'reach': 1,
           # All tests share one control plane.
           'browser': 1, 'clients': 1, 'cluster': 1,
           # These tests spend half of their time waiting for processes.
           'contract': 2 * (os.cpu_count() or 1),
           'functional': 2 * (os.cpu_count() or 1),
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
    if filters[:1] == ['--noise']:
        os.environ['FAKE_VMRUN_NOISE'] = '1'
        results, filters = suite + NOISY, filters[1:]
    os.makedirs(os.path.join(RESULTS, results), exist_ok=True)
    groups = ['--group-regex', GROUPS[suite]] if suite in GROUPS else []
    if suite in AS_USER:
        os.environ['PYTHON'] = '%s %s' % (
            sys.executable, os.path.join(ROOT, 'tools', 'as_test_user.py'))
    options = ['--concurrency', str(WORKERS.get(suite, 0))]
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
        last = stestr(name.removesuffix(NOISY), name, 'last', '--subunit',
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
