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


"""Filters that keep the services' logs short: one entry for one error.

An error in a request is logged where it happens, and again at each place that
it passes on its way to the API, each time with the whole traceback. Some
libraries also warn at each request about things that only their developers can
change.
"""

import logging
from typing import Any

# Loggers, and how their unwanted messages begin.
_NOISE = (
    # Nova 34 and Neutron 29 use this library on purpose.
    ('neutronclient.v2_0.client', 'The python binding code in neutronclient'),
    # One process runs all of Cinder on threads, and is tested that way.
    ('cinder.monkey_patch', 'Service is starting with native threading'),
    # One process needs no memcached.
    ('keystonemiddleware.auth_token', 'Using the in-process token cache'),
    # Nova asks for the floating IPs of every port, and there are none.
    ('neutron.pecan_wsgi.controllers.root',
     'No controller found for: floatingips'),
    # This extension needs routers.
    ('neutron.api.extensions',
     'Unable to process extensions (auto-allocated-topology)'),
    # Cache back ends that are not in use, without their libraries.
    ('stevedore.extension', "Could not load 'oslo_cache."),
)
_LOGGED = '_nova_vmrun_logged'
# The RPC server logs an error of a method that has logged it already.
_PASSING_ON = 'oslo_messaging.rpc.server'


def install() -> None:
    """Install the filters for all loggers and handlers of the process."""
    for name, beginning in _NOISE:
        logging.getLogger(name).addFilter(_Without(beginning))
    logging.getLogger(_PASSING_ON).addFilter(_is_news)
    logging.setLogRecordFactory(_Record)


class _Record(logging.LogRecord):
    """A record that shows the traceback of an error only the first time."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        error = self.exc_info[1] if self.exc_info else None
        self.is_repeated = bool(error) and hasattr(error, _LOGGED)
        if self.is_repeated:
            self.exc_info = None
        elif error:
            setattr(error, _LOGGED, True)


class _Without:
    """Filter that drops messages with a certain beginning."""

    def __init__(self, beginning: str) -> None:
        self._beginning = beginning

    def __call__(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith(self._beginning)


def _is_news(record: logging.LogRecord) -> bool:
    return not getattr(record, 'is_repeated', False)
