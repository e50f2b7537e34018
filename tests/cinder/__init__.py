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

"""The Cinder driver in Cinder's own volume manager, and Cinder in one process.

Cinder and Nova register options of the same names, so these tests are a suite
with processes of its own.
"""

import os
import warnings

# As in the all-in-one control plane. Before anything of Cinder is imported.
os.environ['OS_CINDER_DISABLE_EVENTLET_PATCHING'] = '1'
os.environ['EVENTLET_THREADPOOL_SIZE'] = '0'
warnings.simplefilter('ignore')

# It chooses threads, which has to come first, too.
import cinder.tests.unit  # noqa: E402,F401

# Cinder's compliance test lists the drivers that are known when it is
# imported.
import nova_vmrun.cinder.driver  # noqa: E402,F401
