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

"""``nova-vmrun doctor``: whether this host can run servers, and what to do."""

import argparse
from collections.abc import Iterable
from collections.abc import Sequence
import dataclasses
import json
import os
import textwrap
import time

from cliff import command

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.cmd import host_options
from nova_vmrun.cmd import plain
from nova_vmrun.cmd import state_dir
from nova_vmrun.doctor import cloud
from nova_vmrun.doctor import examination
from nova_vmrun.doctor import facts
from nova_vmrun.doctor import finding
from nova_vmrun.doctor import gather
from nova_vmrun.doctor import host_in_cloud
from nova_vmrun.doctor import options as doctor_options
from nova_vmrun.doctor import steps
from nova_vmrun.doctor import trial
from nova_vmrun.doctor import trial_report
from nova_vmrun.formats import report
from nova_vmrun.tools import process

_WIDTH = 79
# For the control plane; looking for leftovers takes most of it.
_CLOUD_SECONDS = 120.0
_STATE_WIDTH, _TOPIC_WIDTH = 9, 13


class Doctor(plain.Plain, command.Command):
    """Check whether servers can run on this host, and say what to mend.

    Looks at everything that decides whether a server boots: VMware and its
    kernel modules, libraries, the processor, the user, disk space, networks,
    ports and programs. With a control plane of "nova-vmrun aio" here, looks at
    its services, their logs, what Placement has left, and leftovers too. With
    the nova.conf of another cloud, asks that cloud about this host.
    Without --try, nothing is changed and no VM is started. If nova-compute is
    configured here, its options are obeyed. The exit status is 1 if anything
    is wrong.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '-f', '--format', choices=('text', 'json'), default='text',
            help='Format of the report (default: %(default)s)')
        host_options.add(parser)
        state_dir.add_option(parser)
        parser.add_argument(
            '--try', action='store_true', dest='is_trial',
            help='Also boot tiny VMs in a temporary folder, try everything '
                 'that the driver relies on, ask what nobody knows about '
                 'VMware, remove them, and write a report. Other VMs are '
                 'not touched')
        parser.add_argument(
            '--report', metavar='<file>', default='nova-vmrun-try.json',
            help='File for the report of --try, which names neither users, '
                 'hosts, folders nor addresses (default: %(default)s)')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        layout = aio_layout.Layout(parsed_args.state_dir)
        options = host_options.read(parsed_args.config_file, layout)
        wait = (gather.start('The control plane', lambda: _look_at(layout))
                if layout.exists and not parsed_args.config_file else None)
        files = host_options.files(parsed_args.config_file, layout)
        wait_for_host = (gather.start('The cloud', lambda: _ask_about(files))
                         if files else None)
        deadline = time.monotonic() + _CLOUD_SECONDS
        host = gather.Gatherer(
            options, process.Runner(options.environment)).gather()
        findings = examination.examine(
            host, wait and wait(deadline),
            wait_for_host and wait_for_host(deadline))
        self.app.stdout.write(
            as_json(findings) if parsed_args.format == 'json'
            else as_text(findings))
        is_healthy = finding.is_healthy(findings)
        if parsed_args.is_trial:
            is_healthy &= self._try(host, options, parsed_args.report)
        return 0 if is_healthy else 1

    def _try(self, host: facts.Host, options: doctor_options.Options,
             path: str) -> bool:
        """Try what the driver relies on; return whether all of it works."""
        found = (host.product.found
                 if isinstance(host.product, facts.Product) else None)
        if found is None:
            self.app.stderr.write('Nothing was tried, because vmrun does not '
                                  'work.\n')
            return False
        trial_ = trial.Trial(found, options.environment,
                             options.qemu_img_path, self._tell)
        trial_.run()
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(trial_report.make(trial_, found), file, indent=1)
        self.app.stderr.write('The report is in %s. Read it before you send '
                              'it to anybody.\n' % path)
        return all(step.outcome is not steps.Outcome.FAILED
                   for step in trial_.steps)

    def _tell(self, step: steps.Step) -> None:
        # Standard output may be JSON.
        self.app.stderr.write('[%5.1f s] %s: %s\n' % (
            step.seconds, step.name, report.printable(
                ': '.join(filter(None, (step.outcome, step.text))))))
        self.app.stderr.flush()


def _look_at(layout: aio_layout.Layout) -> cloud.Cloud:
    # Hosts without a control plane may lack what this imports.
    from nova_vmrun.doctor import gather_cloud

    return gather_cloud.CloudGatherer(layout).gather()


def _ask_about(files: Sequence[str]) -> host_in_cloud.HostInCloud:
    from nova_vmrun.doctor import gather_host_in_cloud

    return gather_host_in_cloud.HostGatherer(files).gather()


def as_json(findings: Iterable[finding.Finding]) -> str:
    """Return a report for programs: a list of objects."""
    return json.dumps([dataclasses.asdict(each) for each in findings],
                      indent=2) + '\n'


def as_text(findings: Sequence[finding.Finding]) -> str:
    """Return a report for people, with a summary as its last line."""
    lines: list[str] = []
    for each in findings:
        start = '%-*s%-*s' % (_STATE_WIDTH, each.state,
                              _TOPIC_WIDTH, each.topic)
        lines += _wrapped(start, each.text)
        if each.remedy:
            lines += _wrapped(' ' * len(start), 'To mend it: ' + each.remedy)
    counts = ['%d %s' % (sum(each.state is state for each in findings), state)
              for state in reversed(finding.State)]
    return os.linesep.join([*lines, '', ', '.join(counts) + '.', ''])


def _wrapped(start: str, text: str) -> list[str]:
    return textwrap.wrap(
        report.printable(text), _WIDTH, initial_indent=start,
        subsequent_indent=' ' * len(start), break_long_words=False,
        break_on_hyphens=False)
