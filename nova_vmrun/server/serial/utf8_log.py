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


"""Console logs that Nova shows with the letters the guest wrote."""


class Utf8Log(bytes):
    """A console log in UTF-8.

    nova-compute decodes what a driver returns as ASCII and replaces all else.
    It keeps these bytes as they are unless a user asks for the last lines
    only, which it cuts out itself.
    """

    def decode(self, encoding: str = 'utf-8', errors: str = 'strict') -> str:
        """Returns the text; anything that is not UTF-8 is replaced."""
        return super().decode('utf-8', 'replace')
