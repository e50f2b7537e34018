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

import ast
import pathlib

import fixtures

from tests.unit import base
from tools import error_texts

_PAGE = (pathlib.Path(__file__).parents[2] / 'doc' / 'source' /
         'troubleshooting.rst')
_SOURCE = '''
class Own(exception.HostError): pass
class Far(Own): pass
class Other(ValueError): pass
raise Far('Disk %s is %d %% full.' % (a, b), 'It is.', 'Free %(n)s.' % c)
raise exception.HostError('Plain.', resolution='Do it.')
raise Own(passed_on, details)
raise Other('Not ours.')
'''


class ErrorTextsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.package = pathlib.Path(self.useFixture(
            fixtures.TempDir()).path)
        (self.package / 'exception.py').write_text(
            'class VmrunError(Exception): pass\n'
            'class HostError(VmrunError): pass\n')
        (self.package / 'module.py').write_text(_SOURCE)

    def test_texts(self):
        self.assertEqual(
            [('Disk ... is ... % full.', 'Free ....', 'module.py'),
             ('Plain.', 'Do it.', 'module.py')],
            error_texts.collect(self.package))

    def test_every_class_of_the_package_is_known(self):
        from nova_vmrun import exception
        known = error_texts.classes({'exception.py': ast.parse(
            (error_texts.PACKAGE / 'exception.py').read_text())})
        self.assertEqual(
            {name for name, found in vars(exception).items()
             if isinstance(found, type) and
             issubclass(found, exception.VmrunError)}, known)

    def test_texts_of_the_package_are_on_the_page(self):
        self.assertIn('\n.. errors::\n', _PAGE.read_text())
        listed = error_texts.rst().splitlines()
        found = error_texts.collect()
        self.assertGreater(len(found), 200)
        for text in found:
            self.assertIn(error_texts._escaped(text.brief), listed)
