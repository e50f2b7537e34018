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

import inspect
import sys
from unittest import mock

from nova.compute import utils as compute_utils
from nova import exception as nova_exception
from nova import objects

from nova_vmrun.aio import short_faults
from tests.unit.aio import base


class ShortFaultsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        objects.register_all()

    def stored(self):
        """Return the fault that Nova stores for an error."""
        server = mock.Mock(uuid='uuid')
        with mock.patch.object(objects.InstanceFault, 'create',
                               autospec=True) as create:
            try:
                raise nova_exception.NoValidHost(reason='It is late.')
            except nova_exception.NoValidHost as error:
                compute_utils.add_instance_fault_from_exc(
                    None, server, error, sys.exc_info())
        return create.call_args.args[0]

    def test_sentence_without_a_traceback(self):
        self.patch(compute_utils, short_faults._NAME,
                   getattr(compute_utils, short_faults._NAME))
        self.assertIn('Traceback', self.stored().details)
        short_faults.install()
        fault = self.stored()
        self.assertEqual('', fault.details)
        self.assertEqual('No valid host was found. It is late.',
                         fault.message)

    def test_same_parameters_as_those_of_nova(self):
        self.assertEqual(
            list(inspect.signature(
                getattr(compute_utils, short_faults._NAME)).parameters),
            list(inspect.signature(short_faults._no_details).parameters))
