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

"""Run all benchmarks: what images, volumes and servers cost.

Usage::

    python -m tests.benchmarks.run [options of tests.benchmarks.images]

Each benchmark is a process of its own: the one of servers patches Nova before
anything of Nova is imported. The exit status is the first that is not 0; each
module says what its own means.
"""

import subprocess
import sys


def main() -> int:
    codes = [
        subprocess.call([sys.executable, '-W', 'ignore', '-m', module, *words])
        for module, words in (('tests.benchmarks.images', sys.argv[1:]),
                              ('tests.benchmarks.volume_files', []),
                              ('tests.benchmarks.volumes', []),
                              ('tests.benchmarks.guest_disks', []),
                              ('tests.benchmarks.control_plane', []),
                              ('tests.benchmarks.servers', []))]
    return next((code for code in codes if code), 0)


if __name__ == '__main__':
    sys.exit(main())
