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

"""The options of this host's nova-compute, for commands that look at it."""

import argparse
from collections.abc import Sequence
import dataclasses

from oslo_config import cfg

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import processes
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import vmware
from nova_vmrun.doctor import options as doctor_options


def add(parser: argparse.ArgumentParser) -> None:
    """Add the option that names files."""
    parser.add_argument(
        '--config-file', metavar='<file>', action='append', default=[],
        help='Configuration file of nova-compute (repeat for more; '
             'default: that of "nova-vmrun aio", or the same files that '
             'nova-compute reads)')


def files(named: Sequence[str], layout: aio_layout.Layout) -> Sequence[str]:
    """Return the files of a nova-compute that is not of "nova-vmrun aio".

    :param named: what --config-file says
    """
    return named or ([] if layout.exists else cfg.find_config_files('nova'))


def read(named: Sequence[str],
         layout: aio_layout.Layout) -> doctor_options.Options:
    """Return the options of the nova-compute of this host, if there is one."""
    found = files(named, layout)
    if found:
        return doctor_options.read(found)
    if layout.exists:
        return _options_of_aio(layout)
    return doctor_options.Options(state_folder=str(layout.root))


def _options_of_aio(layout: aio_layout.Layout) -> doctor_options.Options:
    settings = aio_settings.load(layout)
    path = layout.config_dir('nova') / 'nova.conf'
    options = (doctor_options.read([str(path)]) if path.exists()
               else doctor_options.Options())
    environment = (vmware.environment(layout, settings)
                   if layout.fakes.is_dir() else {})
    stopped = [name for name in settings.services
               if processes.find(layout, name) is None]
    return dataclasses.replace(
        options, state_folder=str(layout.root), environment=environment,
        novnc=settings.novnc or None,
        ports={settings.ports[listener]: listener for service in stopped
               for listener in aio_settings.PORT_OWNERS[service]})
