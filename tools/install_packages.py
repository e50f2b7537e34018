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

"""Install packages with uv if it is there, otherwise with pip.

tox runs this in each of its environments. Neither compiles modules: they are
compiled when they are first used, and to compile all of them takes as long as
to install them.
"""

from collections.abc import Sequence
import os
import shutil
import sys


def command(arguments: Sequence[str], uv: str | None) -> list[str]:
    """Return the command that installs packages.

    :param arguments: for pip
    :param uv: path, or None
    """
    if uv is not None:
        return [uv, 'pip', 'install', '--quiet', '--python', sys.executable,
                *arguments]
    return [sys.executable, '-I', '-m', 'pip', 'install', '--no-compile',
            *arguments]


def main() -> None:
    words = command(sys.argv[1:], shutil.which('uv'))
    os.execv(words[0], words)


if __name__ == '__main__':
    main()
