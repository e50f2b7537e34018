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

"""Plant errors in a module and see whether its own unit tests notice.

Usage::

    mutate.py [--each N] [--seed N] MODULE...
    mutate.py [--each N] [--seed N] --sample N

MODULE is a file below nova_vmrun, such as storage/linked.py. Its own tests are
those of tests/unit/storage/test_linked.py and of test_linked_*.py beside it.
--sample takes so many modules at random, of those that have such tests.

One error is planted at a time: a comparison is turned around, a call whose
result nobody uses is dropped (unless it writes to the log), or a function
returns None, or True instead of False. --each limits the number of errors for
each module, and --seed decides which are planted. The errors that no test
notices are printed, and the share of those that were noticed.

No file is changed: the tests run in a child process that imports the module
with the error.
"""

import argparse
import ast
import collections.abc
import copy
import dataclasses
import importlib.abc
import importlib.machinery
import importlib.util
import os
import pathlib
import random
import signal
import sys
import time
import types
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'nova_vmrun'
UNIT = ROOT / 'tests' / 'unit'
# Tests with an error may hang: seconds, and how many times what they take
# without one.
_SECONDS = 30
_TIMES = 5
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt,
    ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In}


@dataclasses.dataclass(frozen=True)
class Error:
    """An error that can be planted, and the module that has it."""

    line: int
    what: str
    tree: ast.Module


def _is_log(call: ast.Call) -> bool:
    return ast.unparse(call.func).startswith('LOG.')


def _planted(node: ast.AST) -> tuple[str, ast.AST] | None:
    """Return what an error in a node is, and the node with it."""
    if isinstance(node, ast.Compare):
        turned = copy.deepcopy(node)
        turned.ops[0] = _OPPOSITE[type(node.ops[0])]()
        return 'turned: %s' % ast.unparse(node), turned
    if isinstance(node, ast.Expr) and isinstance(
            node.value, ast.Call) and not _is_log(node.value):
        return 'dropped: %s' % ast.unparse(node), ast.Pass()
    if isinstance(node, ast.Return) and node.value:
        text = ast.unparse(node)
        if text == 'return False':
            return 'returned True: ' + text, ast.Return(ast.Constant(True))
        if text != 'return None':
            return 'returned None: ' + text, ast.Return(None)
    return None


class _Planter(ast.NodeTransformer):
    """Replaces one node, counted in the order of a walk."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._count = -1
        self.found: tuple[int, str] | None = None

    def visit(self, node: ast.AST) -> ast.AST:
        planted = _planted(node)
        if planted:
            self._count += 1
            if self._count == self._wanted:
                what, other = planted
                self.found = getattr(node, 'lineno'), what
                return ast.copy_location(other, node)
        return self.generic_visit(node)


def errors(source: str) -> list[Error]:
    """Return every error that can be planted in a module, one at a time."""
    result: list[Error] = []
    while True:
        planter = _Planter(len(result))
        tree = ast.parse(source)
        planter.visit(tree)
        if planter.found is None:
            return result
        result.append(Error(*planter.found,
                            tree=ast.fix_missing_locations(tree)))


def own_tests(module: pathlib.Path) -> list[str]:
    """Return the names of the test modules of a module of nova_vmrun.

    The tests of power_states are not those of power.
    """
    folder = UNIT / module.relative_to(PACKAGE).parent
    longer = tuple('test_' + other.stem
                   for other in module.parent.glob(module.stem + '_*.py'))
    return [_dotted(path)
            for path in sorted(folder.glob('test_%s*.py' % module.stem))
            if (path.stem + '_').startswith('test_%s_' % module.stem) and
            not path.stem.startswith(longer)]


def _dotted(path: pathlib.Path) -> str:
    return '.'.join(path.relative_to(ROOT).with_suffix('').parts)


class _Importer(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module with an error."""

    def __init__(self, path: pathlib.Path, tree: ast.Module) -> None:
        self._path = path
        self._tree = tree

    def find_spec(
            self, fullname: str, path: object, target: object = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _dotted(self._path):
            return None
        return importlib.util.spec_from_file_location(
            fullname, self._path, loader=self)

    def exec_module(self, module: types.ModuleType) -> None:
        exec(compile(self._tree, str(self._path), 'exec'), vars(module))


def _load_what_all_need(tests: collections.abc.Sequence[str]) -> None:
    """Import what the tests import, except what an error may be in."""
    for name in tests:
        importlib.import_module(name)
    for name in list(sys.modules):
        if name.partition('.')[0] in ('nova_vmrun', 'tests'):
            del sys.modules[name]


def _run(tests: collections.abc.Sequence[str]) -> bool:
    """Return whether tests pass."""
    suite = unittest.defaultTestLoader.loadTestsFromNames(list(tests))
    result = unittest.TestResult()
    result.failfast = True
    suite.run(result)
    return result.testsRun > 0 and result.wasSuccessful()


def passes(path: pathlib.Path, tree: ast.Module,
           tests: collections.abc.Sequence[str], seconds: float) -> bool:
    """Return whether tests pass, within a time, with a module's tree."""
    child = os.fork()
    if not child:
        try:
            os.setsid()
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in range(3):
                os.dup2(nothing, number)
            sys.meta_path.insert(0, _Importer(path, tree))
            os._exit(0 if _run(tests) else 1)
        finally:
            os._exit(2)
    end = time.monotonic() + seconds
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid or time.monotonic() > end:
            break
        time.sleep(0.05)
    # What the tests have started may be there still.
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        pass
    if not pid:
        os.waitpid(child, 0)
    return bool(pid) and status == 0


def _examine(path: pathlib.Path, each: int,
             chooser: random.Random) -> tuple[int, int]:
    """Return how many errors in a module were noticed, of how many."""
    source = path.read_text(encoding='utf-8')
    tests = own_tests(path)
    possible = errors(source)
    chosen = sorted(chooser.sample(possible, min(each, len(possible))),
                    key=lambda error: error.line)
    name = path.relative_to(ROOT)
    start = time.monotonic()
    if not passes(path, ast.parse(source), tests, 600):
        print('%s is left out: its own tests fail without an error' % name)
        return 0, 0
    seconds = _SECONDS + _TIMES * (time.monotonic() - start)
    noticed = 0
    for error in chosen:
        if passes(path, error.tree, tests, seconds):
            print('%s:%d: %s' % (name, error.line, error.what))
        else:
            noticed += 1
    print('%s: %d of %d noticed' % (name, noticed, len(chosen)), flush=True)
    return noticed, len(chosen)


def _sample(count: int, chooser: random.Random) -> list[pathlib.Path]:
    modules = [path for path in sorted(PACKAGE.rglob('*.py'))
               if own_tests(path) and any(map(_planted, ast.walk(
                   ast.parse(path.read_text(encoding='utf-8')))))]
    return sorted(chooser.sample(modules, min(count, len(modules))))


def main() -> None:
    parser = argparse.ArgumentParser(
        description='Plant errors; see whether the unit tests notice.')
    parser.add_argument('--each', type=int, default=14, metavar='N',
                        help='errors in each module at most')
    parser.add_argument('--seed', type=int, default=1, metavar='N',
                        help='decides which modules and errors')
    parser.add_argument('--sample', type=int, metavar='N',
                        help='modules to take at random')
    parser.add_argument('modules', nargs='*', metavar='MODULE',
                        help='a file below nova_vmrun')
    arguments = parser.parse_args()
    chooser = random.Random(arguments.seed)
    paths = [PACKAGE / name for name in arguments.modules]
    if arguments.sample:
        paths += _sample(arguments.sample, chooser)
    for path in paths:
        if not own_tests(path):
            parser.error('%s has no unit tests of its own' % path)
    os.environ.setdefault('OS_NOVA_DISABLE_EVENTLET_PATCHING', '1')
    sys.path.insert(0, str(ROOT))
    _load_what_all_need([name for path in paths for name in own_tests(path)])
    counts = [_examine(path, arguments.each, random.Random(arguments.seed))
              for path in paths]
    noticed, planted = (sum(each) for each in zip(*counts))
    print('%d of %d noticed: %.0f %%' % (
        noticed, planted, 100 * noticed / planted))


if __name__ == '__main__':
    main()
