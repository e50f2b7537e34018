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

"""Patches that let Cinder's services share one process without root."""

from typing import TYPE_CHECKING

from oslo_log import log as logging

if TYPE_CHECKING:
    from cinder import service as cinder_service

LOG = logging.getLogger(__name__)


def install() -> None:
    """Patch Cinder, once for the process.

    The patched names are private to Cinder and os-brick;
    tests/unit/aio/test_cinder_patches.py fails if one of them disappears.
    """
    import cinder.privsep
    from cinder import service
    from cinder import utils
    import os_brick.privileged

    service.Service.report_state = report_state
    # A privileged helper would be started with sudo. Nothing here needs
    # privileges, because this user owns the files. Backups use os-brick's
    # helper to attach the volume to this host.
    cinder.privsep.sys_admin_pctxt.set_client_mode(False)
    os_brick.privileged.default.set_client_mode(False)
    # "run as root" means "sudo cinder-rootwrap ..." by default.
    utils.get_root_helper = lambda: 'env'


def report_state(service: 'cinder_service.Service') -> None:
    """Write a service's heartbeat into the database.

    Cinder's own method reads the service's id from a class attribute, which
    each service overwrites when it starts. Only the service that started last
    would have a heartbeat, and the others would be "down" after a minute.
    """
    from cinder import context
    from cinder import exception
    from cinder import objects

    if not service.manager.is_working():
        LOG.error('The driver of %s on %s did not start, so it counts as '
                  'down.', service.binary, service.host)
        return
    admin = context.get_admin_context()
    try:
        try:
            record = objects.Service.get_by_id(
                admin, service.origin_service_id)
        except exception.NotFound:
            service._create_service_ref(admin)
            record = objects.Service.get_by_id(
                admin, service.origin_service_id)
        record.report_count += 1
        record.save(retry=False)
    except Exception:
        # A timer calls this, and an exception would stop the timer.
        LOG.exception('%s on %s could not report that it runs.',
                      service.binary, service.host)
