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

"""What is known about vmrun and its companions, and the test of each fact.

The facts are in the .txt files of this folder, under headings that begin
with ``#``::

    [SOURCE SOURCE] what is known
      :: test_name test_name
    [SOURCE] what is known
      :: - why no test checks it

``python -m tests.contract.facts`` writes them, with what is known of the
tests, to tests/contract/FACTS.md.
"""

import ast
import collections
import glob
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
SUITE = os.path.dirname(HERE)
TABLE = os.path.join(SUITE, 'FACTS.md')
#: Tests of features that only the fakes have; they test no fact.
OWN_MATTERS = ('test_clients', 'test_concurrency', 'test_faults',
               'test_killed', 'test_third_party', 'test_trial')
_FACT = re.compile(r'\[([^]]+)\] (.+?)\s+:: (.+)\Z', re.S)

Fact = collections.namedtuple('Fact', 'section sources text tests reason')
Test = collections.namedtuple('Test', 'module case name limits')


class BadFact(Exception):
    """An entry of a .txt file that cannot be read."""


def _entries(text):
    """Yield the headings and entries of a file, continuation lines joined."""
    entry = ''
    for line in text.splitlines() + ['']:
        if line.startswith(' '):
            entry += line
            continue
        if entry:
            yield entry
        entry = line


def parse(text):
    """Return the :class:`Fact` list of one file's text.

    :raises BadFact: for an entry that is not of the form above.
    """
    found = []
    section = None
    for entry in _entries(text):
        if entry.startswith('# '):
            section = entry[2:]
            continue
        match = _FACT.match(entry)
        if not match or section is None:
            raise BadFact(entry)
        sources, said, held = match.groups()
        reason = held[2:] if held.startswith('- ') else None
        tests = [] if reason else held.split()
        found.append(Fact(section, sources, said, tests, reason))
    return found


def facts():
    """Return all facts, in the order of the files."""
    found = []
    for path in sorted(glob.glob(os.path.join(HERE, '[0-9]-*.txt'))):
        with open(path, encoding='utf-8') as f:
            found += parse(f.read())
    return found


def sources():
    """Return the lines that explain the sources."""
    with open(os.path.join(HERE, 'sources.txt'), encoding='utf-8') as f:
        return f.read().splitlines()


def _limits(node):
    """Return where a test or a test case can run, from its decorators."""
    texts = [ast.unparse(item) for item in node.decorator_list]
    known = {'base.fakes_only': 'fakes only', 'base.needs_guest': 'guest'}
    found = [known[text] for text in texts if text in known]
    return found + [text.partition('(')[2].rstrip(')').replace("'", '')
                    for text in texts if text.startswith('base.product(')]


def every_test():
    """Yield a :class:`Test` for each test of the suite; imports nothing."""
    for path in sorted(glob.glob(os.path.join(SUITE, 'test_*.py'))):
        module = os.path.splitext(os.path.basename(path))[0]
        with open(path, encoding='utf-8') as f:
            tree = ast.parse(f.read())
        for case in tree.body:
            if not isinstance(case, ast.ClassDef):
                continue
            for item in case.body:
                name = getattr(item, 'name', '')
                if name.startswith('test_'):
                    limits = _limits(case) or _limits(item)
                    yield Test(module, case.name, name, limits)


def tests():
    """Return {test name: :class:`Test`} of the whole suite."""
    return {test.name: test for test in every_test()}


def table():
    """Return the text of FACTS.md."""
    known, suite = facts(), tests()
    held = [fact for fact in known if fact.tests]
    lines = [
        '# What is known about vmrun, and which tests check it', '',
        'Written by `python -m tests.contract.facts` from the files in '
        '`tests/contract/facts`;', 'do not edit.', '',
        'There are %d facts: %d are checked by %d tests, and %d by none.' % (
            len(known), len(held), len({t for f in held for t in f.tests}),
            len(known) - len(held)), '',
        'A test marked *fakes only* sets a knob that no product has; one '
        'marked *guest* needs a', 'guest OS with VMware Tools. Both are '
        'skipped on real VMware, where all others run too.', '']
    section = None
    for fact in known:
        if fact.section != section:
            section = fact.section
            lines += ['', '## ' + section, '',
                      '| Fact | Source | Test |', '|---|---|---|']
        lines.append(_row(fact, suite))
    lines += ['', '## Facts without a test', '']
    lines += ['* %s (%s).' % (fact.text, fact.reason)
              for fact in known if fact.reason]
    lines += ['', '## Sources', '']
    lines += ['* ' + line for line in sources()]
    return '\n'.join(lines) + '\n'


def _row(fact, suite):
    cells = []
    for name in fact.tests:
        test = suite[name]
        limits = ' (*%s*)' % ', '.join(test.limits) if test.limits else ''
        cells.append('`%s.%s`%s' % (test.module, name, limits))
    tests_cell = '<br>'.join(cells) or '**none**: ' + fact.reason
    return '| %s | %s | %s |' % (fact.text.replace('|', '\\|'),
                                 fact.sources, tests_cell)
