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

"""The commands of vmrun: where each is, and how many words it takes.

Words beyond the most that a command takes are ignored, as vmrun mostly does:
clients pass ``stop VMX nogui`` and the single word ``"hard nogui"``.
"""

#: lower-case name -> (module.function, fewest words, names a VM first)
TABLE = {
    'list': ('listing.list_running', 0, False),
    'start': ('power.start', 1, True),
    'stop': ('power.stop', 1, True),
    'reset': ('power.reset', 1, True),
    'suspend': ('power.suspend', 1, True),
    'pause': ('power.pause', 1, True),
    'unpause': ('power.unpause', 1, True),
    'listsnapshots': ('snapshot.list_snapshots', 1, True),
    'snapshot': ('snapshot.take', 2, True),
    'deletesnapshot': ('snapshot.delete', 2, True),
    'reverttosnapshot': ('snapshot.revert', 2, True),
    'clone': ('clone.clone', 3, True),
    'deletevm': ('clone.delete_vm', 1, True),
}


def find(word):
    """Return (name in lower case, function path, fewest, is a VM's)."""
    name = word.lower()
    return (name,) + TABLE[name] if name in TABLE else None
