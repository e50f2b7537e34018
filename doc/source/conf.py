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

"""How Sphinx builds the documentation: ``tox -e docs``."""

import importlib.metadata
import pathlib
import sys

from docutils import nodes
from docutils.parsers import rst
from docutils import statemachine

from nova_vmrun.catalog import documentation

# The pictures are drawn by the programs in tools.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tools import error_texts  # noqa: E402
from tools import layers  # noqa: E402

project = 'nova-vmrun'
author = 'nova-vmrun developers'
copyright = author
release = importlib.metadata.version('nova-vmrun')
version = '.'.join(release.split('.')[:2])

extensions = ['oslo_config.sphinxext']
html_theme = 'alabaster'
html_theme_options = {
    'description': 'Nova on VMware Workstation, Player and Fusion',
    'fixed_sidebar': True,
    'page_width': '65em',
}
html_show_sphinx = False


class Layers(rst.Directive):
    """Draw which parts of the package import which."""

    def run(self):
        return [nodes.raw('', layers.svg(layers.arrows(layers.modules())),
                          format='html')]


class Errors(rst.Directive):
    """List every error of the package, and what to do."""

    def run(self):
        found = statemachine.StringList(error_texts.rst().splitlines(),
                                        source=error_texts.__file__)
        node = nodes.section()
        node.document = self.state.document
        self.state.nested_parse(found, self.content_offset, node)
        return node.children


def _fill_in(app, name, source):
    source[0] = source[0].replace(documentation.MARKER, documentation.text())


def setup(app):
    app.add_directive('layers', Layers)
    app.add_directive('errors', Errors)
    app.connect('source-read', _fill_in)
