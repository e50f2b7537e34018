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

"""Figures about a compute node, in a file for Prometheus.

The textfile collector of Prometheus' node_exporter reads such files. So no
port of nova-compute has to be open, and no program has to be started.
"""

import collections
from collections import abc
import os

from oslo_config import cfg
from oslo_log import log as logging
import prometheus_client
from prometheus_client import core
from prometheus_client import registry

from nova_vmrun import exception
from nova_vmrun.host import product as host_product
from nova_vmrun.ops import parts
from nova_vmrun.server import states
from nova_vmrun.storage import folders as storage_folders
from nova_vmrun.tools import process

LOG = logging.getLogger(__name__)

_PREFIX = 'nova_vmrun_'


class Metrics(registry.Collector):
    """The figures of one compute node.

    :param conf: nova.conf.CONF.vmrun
    """

    def __init__(self, conf: cfg.ConfigOpts, servers: parts.Servers,
                 folders: storage_folders.StorageFolders,
                 runner: process.Runner,
                 product: host_product.Product) -> None:
        self._path: str | None = conf.metrics_file
        self._servers = servers
        self._folders = folders
        self._runner = runner
        self._product = product

    def check(self) -> None:
        """Raise an error if the file cannot be written.

        :raises InvalidConfiguration:
        """
        if not self._path:
            return
        folder = os.path.dirname(self._path)
        if not (os.path.isabs(self._path)
                and os.access(folder, os.W_OK | os.X_OK)):
            raise exception.InvalidConfiguration(
                '[vmrun] metrics_file cannot be written.',
                'It is %s.' % self._path,
                'Set it to an absolute path in a folder that the user who '
                'runs nova-compute can write to.')

    def write(self) -> None:
        """Write the file, if there is one; never raise an error."""
        if not self._path:
            return
        figures = prometheus_client.CollectorRegistry()
        try:
            figures.register(self)
            prometheus_client.write_to_textfile(self._path, figures)
        except (exception.VmrunError, OSError) as error:
            LOG.warning('The metrics could not be written to %s: %s',
                        self._path, error)

    def describe(self) -> list[core.Metric]:
        """Keep the registry from collecting figures to learn their names."""
        return []

    def collect(self) -> abc.Iterator[core.Metric]:
        """Return the figures of now."""
        yield self._info()
        yield self._states()
        yield _counter('programs_started', 'Programs started.',
                       self._runner.started)
        yield _counter('programs_failed', 'Programs that could not be '
                       'started, were killed or returned an exit status '
                       'other than 0.', self._runner.failed)
        yield from self._space()

    def _info(self) -> core.Metric:
        info = core.GaugeMetricFamily(
            _PREFIX + 'product_info', 'The VMware product; always 1.',
            labels=('product', 'version'))
        info.add_metric([self._product.name, self._product.version_text], 1)
        return info

    def _states(self) -> core.Metric:
        found = self._servers.states.of_all(
            record.uuid for record in self._servers.records.all()
            if os.path.exists(self._servers.layout.vmx(record.uuid)))
        counts = collections.Counter(found.values())
        family = core.GaugeMetricFamily(
            _PREFIX + 'servers', 'Servers by power state.', labels=('state',))
        for state in states.State:
            family.add_metric([state.value], counts[state])
        return family

    def _space(self) -> list[core.Metric]:
        total = core.GaugeMetricFamily(
            _PREFIX + 'storage_size_bytes',
            'Sizes of the file systems of storage folders.',
            labels=('folder',))
        free = core.GaugeMetricFamily(
            _PREFIX + 'storage_free_bytes',
            'Free space of storage folders, for a user without privileges.',
            labels=('folder',))
        there = core.GaugeMetricFamily(
            _PREFIX + 'storage_available',
            '1 if a storage folder is there, 0 if not.', labels=('folder',))
        for folder in self._folders.all:
            try:
                folder.require()
                space = folder.space()
            except (exception.HostError, OSError) as error:
                LOG.debug('No figures of the storage folder %s: %s',
                          folder.name, error)
                there.add_metric([folder.name], 0)
                continue
            there.add_metric([folder.name], 1)
            total.add_metric([folder.name], space.total)
            free.add_metric([folder.name], space.free)
        return [there, total, free]


def _counter(name: str, text: str,
             values: abc.Mapping[str, int]) -> core.Metric:
    family = core.CounterMetricFamily(_PREFIX + name, text,
                                      labels=('program',))
    for program, count in sorted(values.items()):
        family.add_metric([program], count)
    return family
