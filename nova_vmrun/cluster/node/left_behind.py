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

"""The VMs that run on a node which its cloud does not let in any more.

They are stopped by a program of its own, which reads the configuration of
nova-compute.
"""

from collections.abc import Iterable
import dataclasses
import sys
from typing import Any

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.cluster import messages
from nova_vmrun.cluster.node import children
from nova_vmrun.cluster.node import files as node_files
from nova_vmrun.cluster.node import membership as node_membership
from nova_vmrun.cluster import values
from nova_vmrun import exception
from nova_vmrun.formats import report
from nova_vmrun.formats import words
from nova_vmrun.tools import process

_PROGRAM = 'nova_vmrun.cmd.left_behind'
# Seconds: vmrun may hang for a minute for each VM.
_TIMEOUT = 300
_STOPPED = 'stopped'
# Its server may be on this node, or is another node's.
_RUNS, _FOREIGN = 'runs', 'foreign'
_SHOWN = 20
# Characters of a path or an error.
_LONGEST = 1000
_REPAIR = (
    'Otherwise a key was lost. If "nova-vmrun node list" on the first machine '
    'shows the node, repeat "nova-vmrun aio up" there, which lets its key in; '
    'if the file node_key here was lost, restore it. If the list does not '
    'show the node, move the folders of its servers out of instances_path, '
    'make a new token there, and run "nova-vmrun node join" with it here.')


@dataclasses.dataclass(frozen=True)
class Vm:
    """A VM that ran.

    :ivar uuid: of its server
    :ivar vmx: path
    :ivar reason: why it was stopped or left alone, or ''
    :ivar error: why it could not be stopped, or ''
    """

    uuid: str
    vmx: str
    state: str
    reason: str
    error: str

    @property
    def is_stopped(self) -> bool:
        """Whether it has ended."""
        return self.state == _STOPPED

    @property
    def runs_on(self) -> bool:
        """Whether it was left alone."""
        return self.state in (_RUNS, _FOREIGN)

    @property
    def may_have_server(self) -> bool:
        """Whether it was left alone, and Nova may have its server here."""
        return self.state == _RUNS

    @property
    def may_run_on(self) -> bool:
        """Whether it was to be stopped, and perhaps has not ended."""
        return not (self.is_stopped or self.runs_on)


def stop(layout: aio_layout.Layout, member: node_membership.Membership,
         every: bool, runner: process.Runner | None = None) -> list[Vm]:
    """Stop VMs of the node's servers. Nothing is removed.

    :param every: an operator says that Nova has no servers here; otherwise
        only the VMs whose disks another host has
    :returns: all that ran
    :raises AioError: it is unknown which run
    """
    return _run(layout, member, ['--every'] * every, runner)


def look(layout: aio_layout.Layout, member: node_membership.Membership,
         runner: process.Runner | None = None) -> list[Vm]:
    """Return the VMs that run, and stop none.

    :raises AioError: it is unknown which run
    """
    return _run(layout, member, ['--look'], runner)


def _run(layout: aio_layout.Layout, member: node_membership.Membership,
         choice: list[str], runner: process.Runner | None) -> list[Vm]:
    if not (layout.nova_state / 'compute_id').exists():
        # nova-compute has never run.
        return []
    files = node_files.Files(layout)
    runner = runner or process.Runner(
        children.environment(layout, member.knobs))
    options = []
    for path in (files.nova_conf, files.nova_conf.with_name('local.conf')):
        if path.exists():
            options += ['--config-file', str(path)]
    try:
        result = runner.run(
            sys.executable, '-P', '-m', _PROGRAM, *options,
            *choice, timeout=_TIMEOUT)
    except exception.VmrunError as error:
        raise _unknown(error.brief, error.details) from error
    try:
        found = messages.read_answer(result.stdout).get('vms')
        return [_read(each) for each in _list(found)]
    except values.Invalid as error:
        raise _unknown(str(error), result.details()[-500:]) from error
    except errors.AioError as error:
        raise _unknown(str(error)) from error


def _unknown(*details: str) -> errors.AioError:
    return errors.AioError(
        'It is unknown whether VMs of this node still run.',
        report.printable(' '.join(filter(None, details))),
        'Stop them yourself: "vmrun list" shows them, and "vmrun stop '
        'PATH hard" stops one.')


def _list(found: Any) -> list[dict[str, Any]]:
    if not isinstance(found, list) or not all(
            isinstance(each, dict) for each in found):
        raise values.Invalid('It has no VMs.')
    return found


def _read(found: dict[str, Any]) -> Vm:
    return Vm(**{
        field.name: values.line(
            {field.name: report.printable(
                str(found.get(field.name)))[:_LONGEST]},
            field.name) for field in dataclasses.fields(Vm)})


def described(name: str, vms: Iterable[Vm]) -> str:
    """Return what has become of VMs, for the log of a node, in three parts."""
    vms = list(vms)
    return str(errors.AioError(
        'The first machine does not let node %s in any more, but %s of its '
        'servers ran here.' % (name, words.counted(len(vms), 'VM')),
        ' '.join(filter(None, (
            listed('Stopped', [vm for vm in vms if vm.is_stopped]),
            listed('May still run', [vm for vm in vms if vm.may_run_on]),
            listed('Run on', [vm for vm in vms if vm.runs_on])))),
        'If the node was removed on purpose, run "nova-vmrun node leave '
        '--insist" here, which stops those that run on; until then they may '
        'write to volumes that another host uses. %s' % _REPAIR))


def listed(label: str, vms: list[Vm]) -> str:
    """Return a sentence that names VMs, or '' if there are none."""
    if not vms:
        return ''
    return '%s: %s.' % (label, words.listed([
        '%s%s' % (vm.vmx, ' (%s)' % said.rstrip('.') if (
            said := vm.error or vm.reason) else '') for vm in vms], _SHOWN))


def require_stopped(name: str, vms: Iterable[Vm]) -> None:
    """Raise an error if a VM may run on.

    :raises AioError:
    """
    left = [vm for vm in vms if vm.may_run_on]
    if left:
        raise errors.AioError(
            'Node %s does not leave, because VMs of its servers may still '
            'run.' % name, listed('They are', left),
            'End them, for example with "vmrun stop PATH hard", and repeat '
            'the command.')


def require_no_servers(name: str, vms: Iterable[Vm]) -> None:
    """Raise an error if a VM runs whose server Nova may have here.

    :raises AioError:
    """
    left = [vm for vm in vms if vm.may_have_server]
    if left:
        raise errors.AioError(
            'The first machine does not let node %s in, and %s of its servers '
            'still run%s here.' % (name, words.counted(len(left), 'VM'),
                                   's' if len(left) == 1 else ''),
            listed('Nova may have their servers on this node', left),
            'If the node was removed on purpose, run "nova-vmrun node leave '
            '--insist", which stops them. %s' % _REPAIR)


def unsure(name: str, error: errors.AioError) -> errors.AioError:
    """Return why a node does not leave whose VMs are unknown."""
    return errors.AioError(
        'The first machine does not let node %s in, and it is unknown whether '
        'VMs of its servers run here.' % name, error.details,
        'If the node was removed on purpose, run "nova-vmrun node leave '
        '--insist", which stops those that it finds. %s' % _REPAIR)
