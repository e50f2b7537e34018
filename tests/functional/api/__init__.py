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


"""Tests through Nova's API, with all of Nova in this process.

Nova's own test packages choose eventlet unless they are told otherwise before
they are imported.
"""

import functools
import gc
import os

os.environ.setdefault('OS_NOVA_DISABLE_EVENTLET_PATCHING', '1')

from nova import monkey_patch  # noqa: E402

monkey_patch.patch()

from oslo_policy import policy  # noqa: E402

from nova_vmrun.aio import sqlite  # noqa: E402
from tests.functional import idle_threads  # noqa: E402
from tests.functional import messages  # noqa: E402
from tests.functional import statements  # noqa: E402

# Without this, a fifth of the suite's time goes into opening databases.
sqlite.keep_connections()
statements.share_compiled()
idle_threads.wake_up_at_the_end()
messages.wake_up_at_arrival()
# Looking for garbage among Nova's many objects takes a tenth of the time.
gc.set_threshold(50_000)
# Each test has the same policies. Parsing them takes long.
policy.parse_file_contents = functools.cache(policy.parse_file_contents)
