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

"""``nova-vmrun aio clouds``: other programs find the control plane."""

import argparse
import difflib
import re

from cliff import command

from nova_vmrun.aio import client
from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cmd import plain
from nova_vmrun.cmd import state_dir

# In a difference, a value that nobody needs to see.
_PASSWORD = re.compile(r'^(.\s*password:).*$', re.MULTILINE)


class Clouds(plain.Plain, command.Command):
    """Add the control plane to your own clouds.yaml.

    Afterwards, "openstack --os-cloud nova-vmrun", the SDK, Ansible and
    Terraform find it. Shows what will change and asks for confirmation first;
    comments and other clouds stay. The file that the openstack command would
    read is changed: the one that OS_CLIENT_CONFIG_FILE names, or
    ~/.config/openstack/clouds.yaml.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        state_dir.add_option(parser)
        parser.add_argument(
            '--name', metavar='<name>', type=_name,
            help='Name of the cloud (default: nova-vmrun, and '
                 'nova-vmrun-demo for the user demo)')
        parser.add_argument(
            '--user', choices=list(client.User), type=client.User,
            default=client.User.ADMIN,
            help='Log in as the administrator, or as an ordinary user with a '
                 'project of its own (default: %(default)s)')
        parser.add_argument(
            '--remove', action='store_true',
            help='Remove the cloud from the file')
        parser.add_argument(
            '--yes', '-y', action='store_true',
            help='Do not ask for confirmation')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from nova_vmrun.aio import clouds_file

        path = clouds_file.find()
        before = clouds_file.read(path)
        name = parsed_args.name or parsed_args.user.cloud
        if parsed_args.remove:
            after = clouds_file.remove(before, name, path)
        else:
            layout = aio_layout.Layout(parsed_args.state_dir)
            settings = aio_settings.load(layout)
            if path == layout.clouds:
                raise errors.AioError(
                    '%s is the file of the control plane itself.' % path,
                    'OS_CLIENT_CONFIG_FILE names it.',
                    'Unset that variable to change your own clouds.yaml.')
            cloud = client.cloud(
                layout, settings, aio_settings.passwords(layout),
                parsed_args.user)
            after = before
            if clouds_file.get(before, name, path) != cloud:
                after = clouds_file.add(before, name, cloud, path)
        if after == before:
            self.app.stdout.write('%s needs no change.\n' % path)
            return
        self.app.stdout.write(_difference(before, after, str(path)))
        if not (parsed_args.yes or plain.is_sure(
                self.app, 'Change %s?' % path)):
            raise errors.AioError(
                'Nothing was changed.', '', 'Answer "yes", or run "nova-vmrun '
                'aio clouds --yes".')
        backup = clouds_file.save(path, after)
        if backup:
            self.app.stdout.write('What it was before is in %s.\n' % backup)
        if not parsed_args.remove:
            self.app.stdout.write('Try: openstack --os-cloud %s server list\n'
                                  % name)


def _name(text: str) -> str:
    if not re.fullmatch(r'[A-Za-z][\w.-]{0,62}', text, re.ASCII):
        raise argparse.ArgumentTypeError('%r cannot be its name' % text)
    return text


def _difference(before: str, after: str, path: str) -> str:
    """Return the lines that change, without passwords."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), path, path, n=1, lineterm='')
    return _PASSWORD.sub(r'\1 ***', '\n'.join(lines)) + '\n'
