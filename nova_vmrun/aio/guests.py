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

"""The virtual machines of a control plane, as vmrun itself lists them."""

import contextlib
import os

from oslo_config import cfg

from nova_vmrun.aio import config
from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import report as aio_report
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import vmware
from nova_vmrun import conf as vmrun_conf
from nova_vmrun import exception
from nova_vmrun.host import paths
from nova_vmrun.host import product
from nova_vmrun.tools import process
from nova_vmrun.tools import vmrun


class Guests:
    """The VMs in the instances directory, through the vmrun of nova.conf."""

    def __init__(self, layout: aio_layout.Layout) -> None:
        self._folder = os.path.join(
            paths.canonical(str(layout.instances)), '')
        self._vmrun = tool(layout, aio_settings.load(layout))

    def running(self) -> list[str]:
        """Return the paths of the .vmx files of the running VMs.

        :raises VmrunError: vmrun does not answer
        """
        return [path for path in self._vmrun.list()
                if paths.canonical(path).startswith(self._folder)]

    def shut_down(self, path: str) -> None:
        """Shut a guest down from inside, without telling Nova.

        :param path: of the .vmx
        :raises ToolsNotRunning: VMware Tools do not run in the guest
        :raises ToolTimeout: the guest does not shut down in time
        """
        self._vmrun.stop(path, hard=False)

    def stop(self, path: str) -> None:
        """Power a VM off, without a shutdown."""
        with contextlib.suppress(exception.NotPoweredOn,
                                 exception.VmNotFound):
            self._vmrun.stop(path, hard=True)


def tool(layout: aio_layout.Layout,
         settings: aio_settings.Settings) -> vmrun.Vmrun:
    """Return the vmrun that nova.conf names.

    :raises VmrunError: it does not work
    """
    conf = cfg.ConfigOpts()
    vmrun_conf.register_opts(conf)
    conf([], project='nova-vmrun', default_config_files=[
        str(layout.config_dir('nova') / name)
        for name in ('nova.conf', config.LOCAL_CONF)],
        default_config_dirs=[], use_env=False)
    runner = process.Runner(env=vmware.environment(layout, settings))
    found = product.detect(runner, conf.vmrun)
    return vmrun.Vmrun(runner, found.vmrun, found.kind, conf.vmrun)


def stop_all(layout: aio_layout.Layout, report: aio_report.Report) -> None:
    """Stop every VM of the control plane.

    :raises AioError: a VM is still running, or vmrun does not answer
    """
    if not any(layout.instances.glob('*/*.vmx')):
        return
    try:
        guests = Guests(layout)
        for path in guests.running():
            report.line('stopping %s' % path)
            guests.stop(path)
        left = guests.running()
    except exception.VmrunError as error:
        raise errors.AioError(
            'The servers in %s could not be stopped.' % layout.instances,
            str(error), 'Stop them in VMware, then wipe again.') from error
    if left:
        raise errors.AioError(
            'A server still runs: %s.' % ', '.join(left), '',
            'Stop it in VMware, then wipe again.')
