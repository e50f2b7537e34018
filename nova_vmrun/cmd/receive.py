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

"""``nova-vmrun-receive``: receives servers from other hosts over ssh.

It is meant as a forced command: then a key that another host has can do
nothing else on this one. It reads the request from SSH_ORIGINAL_COMMAND.
Without a forced command, the arguments are the request.
"""

import argparse
from collections.abc import Mapping
from collections.abc import Sequence
import io
import os
import sys
from typing import BinaryIO

from nova_vmrun import exception
from nova_vmrun.host import file_stream
from nova_vmrun.server import arrivals
from nova_vmrun.server import layout
from nova_vmrun.server import move_protocol

# Seconds without a byte after which the other host is given up.
_SILENCE = 600
_FORCED = 'SSH_ORIGINAL_COMMAND'


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=move_protocol.PROGRAM,
        description='Receive servers from other hosts. Allow their keys in '
                    '~/.ssh/authorized_keys: restrict,command="%s" '
                    'ssh-ed25519 AAAA...' % move_protocol.PROGRAM)
    parser.add_argument(
        '--config-file', metavar='<file>', action='append', default=[],
        help='Configuration file of nova-compute (repeat for more; default: '
             'the same files that nova-compute reads)')
    parser.add_argument(
        '--instances-path', metavar='<folder>',
        help='Folder of the servers (default: that of nova.conf)')
    parser.add_argument(
        'request', nargs='*', metavar='<word>',
        help='What to do (default: the command that was given to ssh)')
    return parser


def main(argv: Sequence[str] | None = None,
         environ: Mapping[str, str] = os.environ,
         stream: BinaryIO | None = None) -> int:
    """Answer the request of another host.

    :param argv: arguments without the program name
    :param stream: what the other host sends; None: standard input
    :returns: exit status
    """
    parsed = _parser().parse_args(argv)
    if stream is None:
        stream = io.BufferedReader(
            file_stream.PatientInput(sys.stdin.fileno(), _SILENCE), 1 << 16)
    try:
        answer = _answer(parsed, environ.get(_FORCED), stream)
    except exception.VmrunError as error:
        answer = move_protocol.failed(error)
    except OSError as error:
        answer = move_protocol.failed(exception.FileSystemFailed(
            'The files could not be received: %s.'
            % (error.strerror or error), 'The system says: %s.' % error,
            'Check the file system of the instances on that host.'))
    sys.stdout.write(answer.dump() + '\n')
    sys.stdout.flush()
    return int(answer.outcome is move_protocol.Outcome.FAILED)


def _answer(parsed: argparse.Namespace, forced: str | None,
            stream: BinaryIO) -> move_protocol.Answer:
    if forced is not None and parsed.request:
        raise exception.InvalidConfiguration(
            '%s has two requests.' % move_protocol.PROGRAM,
            'Its arguments are %.100r.' % ' '.join(parsed.request),
            'Name only the program and its options in authorized_keys.')
    request = move_protocol.parse_request(
        ' '.join(parsed.request) if forced is None else forced)
    folder = parsed.instances_path or _configured(parsed.config_file)
    return arrivals.Arrivals(layout.Layout(folder, '')).answer(request,
                                                               stream)


def _configured(config_files: Sequence[str]) -> str:
    """Return the instances_path of nova-compute.

    :raises InvalidConfiguration: there is no nova.conf, or it cannot be used
    """
    from oslo_config import cfg

    from nova_vmrun.doctor import options

    found = config_files or cfg.find_config_files('nova')
    if not found:
        raise exception.InvalidConfiguration(
            'The host has no nova.conf that %s finds.'
            % move_protocol.PROGRAM, 'Searched ~/.nova, ~, /etc/nova and '
            '/etc.', 'Name it by --config-file in authorized_keys there.')
    return str(options.read(found).instances)


if __name__ == '__main__':
    sys.exit(main())
