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

"""The one program that a node may run on the first machine.

The gateway runs it for a key of a node or of a token, and says in the
arguments whose key that is. What the node wants stands in
SSH_ORIGINAL_COMMAND. All of that is from another machine, which may be
hostile: it can neither choose whom it is nor name a file.
"""

import argparse
from collections.abc import Mapping, Sequence
import dataclasses
import os
import sys
from typing import Any

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster import messages
from nova_vmrun.cluster import values
from nova_vmrun import exception

_REQUEST = 'SSH_ORIGINAL_COMMAND'
# "ADDRESS PORT ADDRESS PORT": the node's first.
_CONNECTION = 'SSH_CONNECTION'
# What a token allows.
_FOR_TOKENS = {messages.Verb.JOIN}


def main(argv: Sequence[str] | None = None,
         environ: Mapping[str, str] = os.environ) -> int:
    """Answer the request of a node.

    :param argv: arguments without the program name
    :returns: exit status
    """
    parser = argparse.ArgumentParser(prog='nova_vmrun.cluster.first.gate')
    parser.add_argument('--state-dir', required=True)
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument('--token')
    whose.add_argument('--node')
    parsed = parser.parse_args(argv)
    verb, _, word = environ.get(_REQUEST, '').partition(' ')
    try:
        layout = aio_layout.Layout(parsed.state_dir)
        if verb == messages.Verb.PEER and parsed.node:
            from nova_vmrun.cluster.first import peer
            peer.connect(layout, aio_settings.load(layout), word)
            return 0
        sys.stdout.write(messages.success(
            _answer(layout, parsed, verb, word,
                    environ.get(_CONNECTION, ''))) + '\n')
    except exception.VmrunError as error:
        if verb == messages.Verb.PEER:
            # The node's ssh shows what is on standard error.
            sys.stderr.write('%s\n' % error)
        else:
            sys.stdout.write(messages.failure(error) + '\n')
        return 1
    return 0


def _answer(layout: aio_layout.Layout, parsed: argparse.Namespace, verb: str,
            word: str, connection: str) -> dict[str, Any]:
    """Do what a node asks for, and return the result.

    :raises VmrunError: it is refused
    """
    if verb not in set(messages.Verb) or (
            parsed.token and verb not in _FOR_TOKENS):
        raise errors.AioError(
            'The first machine does not do %.40r for this key.' % verb, '',
            'Use the same release of nova-vmrun on both machines.')
    settings = aio_settings.load(layout)
    address = connection.partition(' ')[0]
    if verb == messages.Verb.JOIN:
        from nova_vmrun.cluster.first import admission
        try:
            join = messages.read_join(word)
        except values.Invalid as error:
            raise errors.AioError(
                'The first machine does not understand the node.', str(error),
                'Use the same release of nova-vmrun on both machines.'
            ) from error
        return dataclasses.asdict(admission.Admission(layout, settings).admit(
            join, token_id=parsed.token, name=parsed.node,
            address=address))
    from nova_vmrun.cluster.first import cloud
    from nova_vmrun.cluster.first import registry
    from nova_vmrun.cluster.first import removal
    if verb == messages.Verb.LEAVE:
        removal.leave(layout, settings, parsed.node)
        return {}
    registry.note_address(layout, settings, parsed.node, address)
    nova = cloud.connect(layout, settings)
    if verb == messages.Verb.RETURN:
        nova.set_fenced(parsed.node, False)
        return {}
    return dataclasses.asdict(nova.state(parsed.node))


if __name__ == '__main__':
    sys.exit(main())
