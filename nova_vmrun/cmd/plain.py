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

"""What all of our commands have in common."""


class Plain:
    """A command whose help says nothing about the package it comes from.

    cliff would look through the files of all installed packages for that
    before it runs the command, which takes longer than most commands do.
    """

    def get_epilog(self):
        return ''
