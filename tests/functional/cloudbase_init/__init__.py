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


"""What cloudbase-init, with its own code, does with a config drive.

It runs in a process of its own: it adds options to oslo.config that Nova has
too. Only what is Windows' own is replaced: what finds the drive, and what
changes the system.
"""

import json
import os
import subprocess
import sys

_READER = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       'reader.py')


def read(folder):
    """Have cloudbase-init set a guest up.

    :param folder: that holds the config drive's files
    :returns: dict with the instance id, the user data, the text of
        authorized_keys, and calls: what it asked Windows to change, as lists
        of a name and arguments
    """
    done = subprocess.run(
        [sys.executable, _READER, folder], check=False,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        timeout=120)
    if done.returncode:
        raise AssertionError('cloudbase-init failed: %s' % done.stderr)
    return json.loads(done.stdout)
