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

"""A suite of tests that an installed package brings, run with stestr."""

import collections
from collections.abc import Iterator, Sequence
import contextlib
import dataclasses
import importlib.util
import pathlib
import re
import subprocess
import sys
import tempfile

_ROOT = pathlib.Path(__file__).parents[2]


class StaleListError(Exception):
    """A list of exclusions names tests that the package does not have."""


@dataclasses.dataclass(frozen=True)
class Suite:
    """Tests in an installed package.

    :ivar package: name of the package
    :ivar tests: folder in it where stestr looks for tests; or a folder here,
        from the root of the checkout, that loads some of them
    :ivar excluded: files with the tests that are left out: a line names a
        test, a class or a module, then # and the reason
    :ivar group: regular expression; tests for which it finds the same text
        run in one process
    """

    package: str
    tests: str
    excluded: Sequence[pathlib.Path]
    group: str

    def run(self, regexes: Sequence[str]) -> int:
        """Run the tests whose names match, one after the other.

        Print how many were left out, and why.

        :returns: stestr's exit status
        :raises StaleListError: the list of exclusions needs an update
        """
        reasons = self.exclusions()
        everything = self._names()
        stale = [name for name in reasons
                 if not any(_covers(name, test) for test in everything)]
        if stale:
            raise StaleListError(
                '%s names tests that %s does not have: %s. Remove them.'
                % (self._lists(), self.package, ', '.join(sorted(stale))))
        selected = [test for test in everything
                    if any(re.search(regex, test) for regex in regexes)]
        left_out = collections.Counter(
            name for test in selected for name in reasons
            if _covers(name, test))
        with self._exclude_list(reasons) as path:
            status = self._stestr('run', '--serial', '--exclude-list', path,
                                  *regexes).returncode
        print('Selected: %d. Left out by %s: %d.' % (
            len(selected), self._lists(), left_out.total()))
        for name in sorted(left_out):
            print('  %s (%d): %s' % (name, left_out[name], reasons[name]))
        return status

    def exclusions(self) -> dict[str, str]:
        """Return the reason for each name in the list of exclusions."""
        found = {}
        for path in self.excluded:
            for line in path.read_text().splitlines():
                name, _, reason = line.partition('#')
                if name.strip():
                    found[name.strip()] = reason.strip()
        return found

    def _lists(self) -> str:
        return ', '.join(path.name for path in self.excluded)

    @contextlib.contextmanager
    def _exclude_list(self, names: Sequence[str] | dict[str, str]
                      ) -> Iterator[str]:
        """Write the names as stestr wants them: as regular expressions."""
        with tempfile.NamedTemporaryFile('w', suffix='.txt') as file:
            for name in names:
                file.write(_pattern(name) + '\n')
            file.flush()
            yield file.name

    def _names(self) -> list[str]:
        listed = self._stestr('list', stdout=subprocess.PIPE)
        if listed.returncode:
            # What it printed says what cannot be imported.
            sys.exit(listed.stdout)
        return [line.partition('[')[0] for line in listed.stdout.splitlines()
                if line.startswith(self.package + '.')]

    def _stestr(self, command: str, *words: str, stdout: int | None = None
                ) -> subprocess.CompletedProcess[str]:
        spec = importlib.util.find_spec(self.package)
        if spec is None or spec.origin is None:
            sys.exit('%s is not installed. Run the tests with tox.'
                     % self.package)
        package = pathlib.Path(spec.origin).parent
        folder, top = package / self.tests, package.parent
        if not folder.is_dir():
            folder, top = _ROOT / self.tests, _ROOT
        results = _ROOT / '.stestr' / self.package
        stestr = ['stestr', '--test-path', str(folder),
                  '--top-dir', str(top),
                  '--repo-url', str(results), '--group-regex', self.group]
        if not results.exists():
            results.mkdir(parents=True)
            subprocess.run([*stestr, 'init'], check=True)
        return subprocess.run([*stestr, command, *words], stdout=stdout,
                              text=True)


def _pattern(name: str) -> str:
    return r'^%s(\.|\[|$)' % re.escape(name)


def _covers(name: str, test: str) -> bool:
    """Return whether a name is that of a test, its class or its module."""
    return re.match(_pattern(name), test) is not None
