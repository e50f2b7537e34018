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

"""Read who imports whom in nova_vmrun, and draw it.

Usage::

    layers.py > layers.svg

The documentation shows the picture, and a unit test checks that imports only
point down.
"""

import ast
import collections.abc
import functools
import pathlib
import typing

ROOT = pathlib.Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'nova_vmrun'
# Everything may import these, so that their arrows would show nothing.
EVERYWHERE = frozenset({'conf', 'exception'})

# In pixels.
_WIDTH, _HEIGHT = 120, 34
_COLUMN, _ROW = 150, 66
_MARGIN = 12

Arrows = collections.abc.Mapping[str, collections.abc.Set[str]]


class Module(typing.NamedTuple):
    """A file of nova_vmrun: the part that it belongs to, what it imports."""

    part: str
    path: pathlib.Path
    imports: frozenset[str]


def imports(path: pathlib.Path) -> frozenset[str]:
    """Return the dotted names that a file imports, at any depth."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError('%s imports relatively' % path)
            names.update('%s.%s' % (node.module, alias.name)
                         for alias in node.names)
    return frozenset(names)


@functools.cache
def modules() -> tuple[Module, ...]:
    """Return every file of the package, except its __init__.py."""
    return tuple(
        Module(path.relative_to(PACKAGE).parts[0].removesuffix('.py'), path,
               imports(path))
        for path in sorted(PACKAGE.rglob('*.py'))
        if path != PACKAGE / '__init__.py')


def part_of(name: str) -> str:
    """Return the part that an imported name belongs to; '' if none."""
    package, _, rest = name.partition('.')
    return rest.partition('.')[0] if package == 'nova_vmrun' else ''


def arrows(files: collections.abc.Iterable[Module]) -> dict[str, set[str]]:
    """Return which other parts each part imports."""
    found: dict[str, set[str]] = {}
    for module in files:
        below = found.setdefault(module.part, set())
        below.update(set(map(part_of, module.imports)) - {'', module.part})
    return found


def essential(graph: Arrows) -> dict[str, set[str]]:
    """Return a graph without arrows that others lead to as well."""
    def reached(part: str) -> set[str]:
        return set(graph[part]).union(*map(reached, graph[part]))

    return {part: {each for each in below if not any(
        each in reached(other) for other in below if other != each)}
        for part, below in graph.items()}


def rows(graph: Arrows) -> list[list[str]]:
    """Return the parts from top to bottom: what imports is above.

    Whatever has no arrow stands in the first row.
    """
    def rank(part: str) -> int:
        return 1 + max(map(rank, graph[part]), default=-1)

    linked = {part for part in graph if graph[part]}.union(*graph.values())
    top = max(map(rank, graph))
    ranks = {part: rank(part) if part in linked else top for part in graph}
    result: list[list[str]] = []
    places: dict[str, float] = {}
    for number in range(top, -1, -1):
        def place(part: str) -> tuple[float, str]:
            above = [places[other] for other in places
                     if part in graph[other]]
            return (sum(above) / len(above) if above else 0.0, part)

        row = sorted((part for part in graph if ranks[part] == number),
                     key=place)
        places.update((part, column - (len(row) - 1) / 2)
                      for column, part in enumerate(row))
        result.append(row)
    return result


def svg(graph: Arrows) -> str:
    """Return a picture of which parts import which."""
    graph = essential({part: below - EVERYWHERE
                       for part, below in graph.items()
                       if part not in EVERYWHERE})
    table = rows(graph)
    width = _COLUMN * max(map(len, table)) + 2 * _MARGIN
    height = _ROW * (len(table) - 1) + _HEIGHT + 2 * _MARGIN
    places = {
        part: (round(width / 2 + _COLUMN * (column - (len(row) - 1) / 2)),
               _MARGIN + _ROW * number)
        for number, row in enumerate(table)
        for column, part in enumerate(row)}
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" '
        'aria-label="The parts of nova_vmrun and their imports" '
        'width="%d" height="%d" viewBox="0 0 %d %d" '
        'font-family="sans-serif" font-size="14">' % (
            width, height, width, height),
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" '
        'markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#777"/></marker></defs>']
    for part in sorted(graph):
        x, y = places[part]
        for below in sorted(graph[part]):
            to_x, to_y = places[below]
            lines.append(
                '<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#777" '
                'marker-end="url(#tip)"/>' % (x, y + _HEIGHT, to_x, to_y))
    for part, (x, y) in places.items():
        lines.append(
            '<rect x="%d" y="%d" width="%d" height="%d" rx="4" '
            'fill="#eef3f8" stroke="#456"/>'
            '<text x="%d" y="%d" text-anchor="middle">%s</text>' % (
                x - _WIDTH // 2, y, _WIDTH, _HEIGHT, x, y + 22, part))
    return '\n'.join([*lines, '</svg>\n'])


if __name__ == '__main__':
    print(svg(arrows(modules())), end='')
