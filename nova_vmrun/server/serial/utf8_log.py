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


"""Console logs in which Nova keeps the guest's non-ASCII letters."""


class Utf8Log(bytes):
    """A console log in UTF-8.

    nova-compute decodes a driver's log as ASCII and replaces everything else.
    This class decodes itself as UTF-8, whichever encoding nova-compute names.
    """

    def decode(self, encoding: str = 'utf-8', errors: str = 'strict') -> str:
        """Return the text, with anything that is not UTF-8 replaced."""
        return super().decode('utf-8', 'replace')
