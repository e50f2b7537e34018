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

"""Engines: what plays the machine behind the files.

``FAKE_VMRUN_ENGINE`` names one (default ``plain``), a module of this package
that defines ``Engine``, a subclass of :class:`vmwarefake.engine.base.Engine`.
"""

import importlib


class NoSuchEngine(Exception):
    pass


def load(name):
    """Return the class ``Engine`` of the engine called ``name``.

    :raises NoSuchEngine: when there is none of that name, or it needs
        something that this machine lacks (an ImportError of its own).
    """
    if not name.isidentifier() or name == 'base':
        raise NoSuchEngine('FAKE_VMRUN_ENGINE=%s is no engine' % name)
    try:
        module = importlib.import_module('vmwarefake.engine.' + name)
    except ImportError as e:
        raise NoSuchEngine('FAKE_VMRUN_ENGINE=%s cannot be loaded: %s'
                           % (name, e))
    return module.Engine
