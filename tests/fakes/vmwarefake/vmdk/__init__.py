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

"""Virtual disks: real VMDKs that other programs can read."""

from __future__ import annotations

SECTOR = 512


class DiskError(Exception):
    """A disk cannot be used.

    :ivar code: the VIX code; the tools print its text.
    :ivar path: the file with the error.
    """

    def __init__(self, code: int, path: str, detail: str = '') -> None:
        super().__init__('%s: VIX %d %s' % (path, code, detail))
        self.code = code
        self.path = path
        self.detail = detail


NOT_FOUND = 4
DISK_FULL = 8
EXISTS = 12
IN_USE = 15
BAD_PARAMETER = 16000
NEEDS_REPAIR = 16006
CID_MISMATCH = 16008
NOT_PARENT = 16009
PARENT_UNOPENED = 16012
UNSUPPORTED = 16013
NOT_A_DISK = 16063
WRONG_DEVICE = 16066
