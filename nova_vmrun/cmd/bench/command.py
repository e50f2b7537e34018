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

"""``nova-vmrun bench``: how fast servers are on this host."""

import argparse
from collections.abc import Iterable
from collections.abc import Sequence
import os
import tempfile

from cliff import lister
from openstack.config import cloud_region
from oslo_utils import units

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.bench import figure as figures
from nova_vmrun.bench import host
from nova_vmrun.cmd.bench import servers
from nova_vmrun.cmd import host_options
from nova_vmrun.cmd.image import cloud
from nova_vmrun.cmd import own_cloud
from nova_vmrun.cmd import plain
from nova_vmrun.cmd import state_dir
from nova_vmrun.doctor import options as doctor_options
from nova_vmrun.formats import report
from nova_vmrun.host import product
from nova_vmrun.tools import process

_COLUMNS = ('Measured', 'Here', 'Best', 'Unit', 'Ratio', 'Best is')
# MiB.
_SMALLEST, _LARGEST = 16, 65536


class Bench(plain.Plain, lister.Lister):
    """Measure how fast servers are on this host.

    Makes tiny VMs, disks and an image in a temporary folder, and compares each
    time with the best that is possible here: the conversion alone, "cp", or
    how long VMware's own program takes. If there is a control plane of
    "nova-vmrun aio" here, or another cloud is named, also measures the time
    from the request to a server that is active; that server and its image are
    deleted again. A ratio of 1 is perfect. Progress is printed to standard
    error. The exit status is 1 if something could not be measured.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        host_options.add(parser)
        state_dir.add_option(parser)
        plain.add_os_cloud(parser, ', else that of aio, else none')
        parser.add_argument(
            '--folder', metavar='<directory>',
            help='Where to make the temporary folder; what is measured is its '
                 'file system (default: that of the servers)')
        parser.add_argument(
            '--size', metavar='<MiB>', type=_size, default=128,
            help='Content of the image that is converted and copied; six '
                 'times as much space is used (default: %(default)s)')
        parser.add_argument(
            '--timeout', metavar='<seconds>', type=_seconds, default=300,
            help='How long everything on this host may take, and again '
                 'everything in the cloud (default: %(default)s)')
        return parser

    def take_action(self, parsed_args: argparse.Namespace
                    ) -> tuple[Sequence[str], Iterable[Sequence[object]]]:
        layout = aio_layout.Layout(parsed_args.state_dir)
        # What can fail at once comes first.
        region = _cloud(parsed_args.os_cloud, layout)
        options = host_options.read(parsed_args.config_file, layout)
        found = product.detect(process.Runner(options.environment), options)
        limits = host.Limits(parsed_args.size * units.Mi,
                             seconds=parsed_args.timeout)
        here = host.HostBenchmark(
            found, options.environment, options.qemu_img_path,
            parsed_args.folder or _folder(options), limits, self._tell)
        measured = here.run()
        if region is not None:
            measured += servers.ServerBenchmark(
                region, parsed_args.timeout, here.tool_start, self._tell).run()
        self._is_complete = all(each.here is not None for each in measured)
        return _COLUMNS, [_row(each) for each in measured]

    def run(self, parsed_args: argparse.Namespace) -> int:
        return super().run(parsed_args) or (0 if self._is_complete else 1)

    def _tell(self, found: figures.Figure) -> None:
        # Standard output may be JSON.
        self.app.stderr.write('%s: %s\n' % (found.name, (
            report.printable(found.best_is) if found.here is None
            else '%.4g %s' % (found.here, found.unit))))
        self.app.stderr.flush()


def _row(found: figures.Figure) -> Sequence[object]:
    return (found.name, _rounded(found.here), _rounded(found.best),
            found.unit, _rounded(found.ratio),
            report.printable(found.best_is))


def _rounded(number: float | None) -> float | None:
    return None if number is None else float('%.3g' % number)


def _cloud(name: str | None,
           layout: aio_layout.Layout) -> cloud_region.CloudRegion | None:
    """Return the cloud to measure, or None.

    :raises InvalidConfiguration: the credentials are refused
    """
    if not own_cloud.is_meant(name):
        return cloud.log_in(name)
    return own_cloud.log_in(layout) if layout.exists else None


def _folder(options: doctor_options.Options) -> str:
    """Return a folder on the file system of the servers, if possible.

    It is not the folder of the servers itself, whose content nova-compute
    takes for its own.
    """
    beside = (os.path.dirname(options.instances) if options.instances
              else options.folder)
    if os.path.isdir(beside) and os.access(beside, os.W_OK | os.X_OK):
        return beside
    return tempfile.gettempdir()


def _size(text: str) -> int:
    size = int(text)
    if not _SMALLEST <= size <= _LARGEST:
        raise argparse.ArgumentTypeError(
            '%d is not between %d and %d' % (size, _SMALLEST, _LARGEST))
    return size


def _seconds(text: str) -> int:
    seconds = int(text)
    if seconds <= 0:
        raise argparse.ArgumentTypeError('%d is not positive' % seconds)
    return seconds
