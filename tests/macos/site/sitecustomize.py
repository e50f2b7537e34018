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

"""Makes the processes of the control plane behave as on macOS.

Python imports this before anything else; the variable names the wrapper that
put this folder on its path.
"""

import os
import sys

_WORDS = sys.orig_argv
if '-m' in _WORDS and _WORDS[_WORDS.index('-m') + 1].startswith('nova_vmrun'):
    from tests.macos import pretence

    pretence.MacOS().setUp()
    sys.executable = os.environ['NOVA_VMRUN_TEST_PYTHON']

    def _record() -> None:
        with open(sys.executable + '.pids', 'a') as file:
            file.write('%d\n' % os.getpid())

    _record()
    # The services are forks, which go on pretending.
    os.register_at_fork(after_in_child=_record)
