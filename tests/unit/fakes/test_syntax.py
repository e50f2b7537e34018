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

"""The fakes need Python 3.9 and its standard library, nothing else."""

import ast
import os
import sys

import testtools

FAKES = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))), 'fakes')


def sources():
    """Return {relative path: text} of every program and module."""
    found = {}
    for folder, folders, names in os.walk(FAKES):
        folders[:] = [name for name in folders if not name.startswith('.')]
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith(('.pyc', '.md')):
                continue
            with open(path, encoding='utf-8') as f:
                found[os.path.relpath(path, FAKES)] = f.read()
    return found


def imported(tree):
    """Yield the first part of the name of each module that is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.partition('.')[0]
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or '').partition('.')[0]


def modules(tree):
    """Yield the modules of the fakes that are imported when a module runs.

    What is imported for types alone is imported by no Python.
    """
    nodes = list(tree.body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and (
                ast.unparse(node.test) == 'TYPE_CHECKING'):
            continue
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield '%s.%s' % (node.module, alias.name)
        nodes += ast.iter_child_nodes(node)


def is_reached(start, graph):
    """Return whether a module imports itself, by whatever way."""
    seen, ahead = set(), list(graph[start])
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            ahead += graph.get(name, ())
    return start in seen


class SyntaxTest(testtools.TestCase):

    def test_parses_as_python_3_9(self):
        found = sources()
        self.assertIn('fake_vmrun', found)
        for path, text in found.items():
            ast.parse(text, path, feature_version=(3, 9))

    def test_imports_the_standard_library_only(self):
        allowed = set(sys.stdlib_module_names) | {'vmwarefake', '__future__'}
        for path, text in sources().items():
            used = set(imported(ast.parse(text)))
            self.assertEqual(set(), used - allowed, path)

    def test_no_module_imports_itself(self):
        graph = {
            path[:-len('.py')].replace(os.sep, '.').replace(
                '.__init__', ''): set(modules(ast.parse(text)))
            for path, text in sources().items() if path.endswith('.py')}
        self.assertIn('vmwarefake.vm', graph['vmwarefake.session'])
        self.assertEqual([], [name for name in graph
                              if is_reached(name, graph)])

    def test_no_match_statement(self):
        """feature_version lets some later syntax through."""
        later = tuple(getattr(ast, name) for name in ('Match', 'TryStar')
                      if hasattr(ast, name))
        for path, text in sources().items():
            nodes = [node for node in ast.walk(ast.parse(text))
                     if isinstance(node, later)]
            self.assertEqual([], nodes, path)
