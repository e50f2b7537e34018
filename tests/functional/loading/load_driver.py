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

"""Loads the driver as nova-compute does, and prints where it came from.

A program, run in an environment of its own with the path of a nova.conf.
"""

import json
import sys

from nova import monkey_patch
monkey_patch.patch(backend='threading')

from nova import config  # noqa: E402
from nova import objects  # noqa: E402
from nova.virt import driver  # noqa: E402
import os_vif  # noqa: E402


def main():
    config.parse_args(['nova-compute', '--config-file', sys.argv[1]])
    objects.register_all()
    os_vif.initialize()
    loaded = driver.load_compute_driver(None)
    print(json.dumps({
        'class': type(loaded).__qualname__,
        'driver': sys.modules[type(loaded).__module__].__file__,
        'nova': driver.__file__,
    }))


if __name__ == '__main__':
    main()
