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

"""Engines: what runs the machine that the files describe.

``FAKE_VMRUN_ENGINE`` names one of :data:`MODULES`. Each of these modules
defines ``Engine``, a subclass of :class:`vmwarefake.engine.base.Engine`.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake.engine import base

MODULES = {'plain': 'vmwarefake.engine.plain',
           'qemu': 'vmwarefake.engine.qemu.engine'}


class NoSuchEngine(Exception):
    """There is no engine of that name, or it cannot be imported."""


def load(name: str) -> type[base.Engine]:
    """Return the class ``Engine`` of the engine called ``name``.

    :raises NoSuchEngine: if there is none, or if it needs something that this
        machine lacks.
    """
    if name not in MODULES:
        raise NoSuchEngine('FAKE_VMRUN_ENGINE=%s is not an engine; use one '
                           'of %s' % (name, ', '.join(sorted(MODULES))))
    try:
        engine: type[base.Engine] = (
            importlib.import_module(MODULES[name]).Engine)
        return engine
    except ImportError as e:
        raise NoSuchEngine('FAKE_VMRUN_ENGINE=%s cannot be imported: %s'
                           % (name, e))
