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

"""Warnings about security group rules, which nothing enforces here.

Neutron's answers have no place for a warning, and refusing rules would stop
the many tools that create some. So the warning goes to Neutron's log.
"""

from collections.abc import Callable, Iterable
import re
from typing import Any

from oslo_log import log as logging

from nova_vmrun.aio import wsgi

LOG = logging.getLogger(__name__)

#: "aio up" prints this, too.
MESSAGE = ('Security group rules are stored, but nothing enforces them: '
           'VMware filters no traffic. Use a firewall in the guest, or put '
           'servers that must not reach each other on different networks.')
_RULES = re.compile('/v2[.]0/security-group-rules(?:[.]json)?/?')


def warn(application: wsgi.Application) -> wsgi.Application:
    """Return Neutron's API with a warning in the log for each new rule."""
    def call(environ: dict[str, Any],
             start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get('SCRIPT_NAME', '') + environ.get('PATH_INFO', '')
        if environ.get('REQUEST_METHOD') != 'POST' or not _RULES.fullmatch(
                path):
            return application(environ, start_response)

        def start(status: str, *arguments: Any) -> Any:
            if status.startswith('201 '):
                LOG.warning(MESSAGE)
            return start_response(status, *arguments)

        return application(environ, start)

    return call
