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

"""Collect the errors of the package from its source, for the documentation.

An error has a brief text, details, and what to do. The brief text and what to
do are literals with placeholders, which become "...".
"""

import ast
from collections.abc import Iterator
import pathlib
import re
from typing import NamedTuple

PACKAGE = pathlib.Path(__file__).resolve().parents[1] / 'nova_vmrun'
_BASE = 'VmrunError'
_PLACEHOLDER = re.compile(r'%(?:\(\w+\))?[-#0 +]*\d*(?:\.\d+)?[a-z]')


class ErrorText(NamedTuple):
    """An error that users read.

    :ivar where: the module, relative to the package
    :ivar resolution: what to do; empty if it depends on the case
    """

    brief: str
    resolution: str
    where: str


def classes(trees: dict[str, ast.Module]) -> set[str]:
    """Return the names of the error classes, however far they are derived."""
    bases = {node.name: {ast.unparse(base).rpartition('.')[2]
                         for base in node.bases}
             for tree in trees.values() for node in ast.walk(tree)
             if isinstance(node, ast.ClassDef)}
    found = {_BASE}
    while more := {name for name, of in bases.items()
                   if of & found} - found:
        found |= more
    return found


def collect(package: pathlib.Path = PACKAGE) -> list[ErrorText]:
    """Return all errors, sorted by their texts."""
    trees = {str(path.relative_to(package)): ast.parse(path.read_text())
             for path in package.rglob('*.py')}
    names = classes(trees)
    return sorted({text for where, tree in trees.items()
                   for text in _of_module(tree, where, names)})


def _of_module(tree: ast.Module, where: str,
               names: set[str]) -> Iterator[ErrorText]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if ast.unparse(node.func).rpartition('.')[2] not in names:
            continue
        given = dict(zip(('brief', 'details', 'resolution'), node.args))
        given.update({keyword.arg: keyword.value
                      for keyword in node.keywords if keyword.arg})
        brief = _text(given.get('brief'))
        if brief:
            yield ErrorText(brief, _text(given.get('resolution')), where)


def _text(node: ast.expr | None) -> str:
    """Return a literal without its placeholders; empty if it is none."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return '%'.join(_PLACEHOLDER.sub('...', part)
                        for part in _text(node.left).split('%%'))
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return ''


def rst() -> str:
    """Return all errors as a list in reStructuredText."""
    lines = []
    for brief, resolution in sorted({each[:2] for each in collect()}):
        lines += [_escaped(brief), '  ' + (
            _escaped(resolution) or 'The rest depends on the case.'), '']
    return '\n'.join(lines)


def _escaped(text: str) -> str:
    return re.sub(r'([\\*`|_<>\[\]:])', r'\\\1', ' '.join(text.split()))
