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

import subprocess
import sys

from tests.unit.aio import base

# sys.modules is that of a process, so each test has one of its own.
_IMPORT = """\
import sys
from nova_vmrun.aio import saml_schemas
saml_schemas.install()
from saml2 import sigver
"""


class SamlSchemasTestCase(base.TestCase):

    def run_python(self, text):
        return subprocess.run(
            [sys.executable, '-W', 'ignore', '-c', _IMPORT + text],
            check=True, text=True, stdout=subprocess.PIPE).stdout.strip()

    def test_schemas_are_not_loaded(self):
        self.assertEqual('False', self.run_python(
            'print("xmlschema" in sys.modules)'))

    def test_document_is_validated(self):
        self.assertEqual('refused True', self.run_python("""
for _ in range(2):
    try:
        sigver.validate_doc_with_schema('<wrong/>')
    except sigver.XMLSchemaError:
        found = 'refused'
print(found, 'xmlschema' in sys.modules)
"""))

    def test_later_call_changes_nothing(self):
        self.assertEqual('True', self.run_python("""
before = sys.modules['saml2.xml.schema']
saml_schemas.install()
print(sys.modules['saml2.xml.schema'] is before)
"""))
