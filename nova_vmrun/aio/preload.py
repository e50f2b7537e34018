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

"""Modules that most services import, loaded once before they are forked."""

import gc
import importlib
import sys

from nova_vmrun import system

# None of these starts a thread or reads a file or variable of a service when
# it is imported.
_MODULES = (
    'alembic.command',
    'cheroot.wsgi',
    'cryptography.fernet',
    'jsonschema',
    'keystoneauth1.loading',
    'keystonemiddleware.auth_token',
    'openstack.connection',
    'oslo_config.cfg',
    'oslo_db.sqlalchemy.enginefacade',
    'oslo_db.sqlalchemy.models',
    'oslo_log.log',
    'oslo_messaging',
    'oslo_middleware',
    'oslo_policy.policy',
    'oslo_reports',
    'oslo_service.service',
    'oslo_upgradecheck',
    'oslo_versionedobjects.base',
    'osprofiler.web',
    'paste.deploy',
    'routes',
    'sqlalchemy.orm',
    'webob',
    'nova_vmrun.aio.config',
    'nova_vmrun.aio.database.server',
    'nova_vmrun.aio.databases',
    'nova_vmrun.aio.like_mysql',
    'nova_vmrun.aio.sqlite',
    'nova_vmrun.aio.wsgi',
)


def modules() -> tuple[str, ...]:
    """Return the modules to import on this system."""
    return _MODULES if system.here().forks_safely else ()


def load() -> None:
    """Import the modules, without eventlet.

    Nova refuses to start if it was imported. Neutron imports it later.
    """
    # None makes an import fail.
    sys.modules['eventlet'] = None  # type: ignore[assignment] # documented
    try:
        from oslo_service import backend

        backend.init_backend(backend.BackendType.THREADING)
        for name in modules():
            importlib.import_module(name)
    finally:
        del sys.modules['eventlet']
    # The garbage collector would write into memory that the forks share.
    gc.collect()
    gc.freeze()
