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


"""The demo's login: a key pair, and ssh to the server's own address."""

import os
import shlex
import shutil
import subprocess

from nova_vmrun.aio.demo import session as demo_session
from nova_vmrun.aio import errors

_PROGRAMS = ('ssh', 'ssh-keygen')
_USER = 'root'
# Seconds. A guest without hardware virtualization needs one or two, but on a
# busy machine its sshd may need minutes for its first keys.
_TIMEOUT = 240
# Commands to run in the server; the last prints where the connection ends.
_QUESTIONS = 'hostname; uname -sr; uptime; echo "$SSH_CONNECTION"'

Session = demo_session.Session


def make_key(session: Session) -> list[str]:
    """Create a key pair if the demo will log in with it.

    :returns: arguments of "server create" that name it
    """
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if session.no_guest or missing:
        session.no_login = session.no_guest or (
            '%s is not installed (on Debian: apt-get install openssh-client)'
            % ' and '.join(missing))
        return []
    path = session.layout.demo_key
    if not path.exists():
        _run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C',
              demo_session.NAME, '-f', str(path)],
             'Mend that, and try again.')
    compute = session.cloud.compute
    compute.delete_keypair(demo_session.NAME)
    compute.create_keypair(
        name=demo_session.NAME,
        public_key=path.with_name(path.name + '.pub').read_text())
    return ['--key-name', demo_session.NAME]


def log_in(session: Session) -> None:
    """Log in to the guest over ssh, and ask it something"""
    if session.no_login:
        session.report.line('  nobody can: %s' % session.no_login)
        return
    port, = session.cloud.network.ports(device_id=session.server.id)
    address = demo_session.address_of(port)
    words = ['ssh', '-F', str(session.layout.ssh_config), '-i',
             str(session.layout.demo_key), '%s@%s' % (_USER, address),
             _QUESTIONS]
    session.report.line('  $ %s' % shlex.join(words))
    answer = _run(words, _hint(session)).splitlines()
    session.text('\n'.join(answer))
    session.check(answer[:1] and answer[0].partition('.')[0]
                  == session.server.name, 'the guest says its own name')
    session.check(answer[-1].split()[2:] == [address, '22'],
                  'it was reached at %s, which Nova shows' % address)


def _hint(session: Session) -> str:
    """Return what to do about a guest that does not let the demo in."""
    root = shlex.quote(str(session.layout.root))
    look = (
        '". %s; openstack console log show %s" and "nova-vmrun why '
        '--state-dir %s %s"' % (
            shlex.quote(str(session.layout.openrc_demo)), demo_session.NAME,
            root, demo_session.NAME))
    if session.keep:
        return 'Look at: %s, and try again.' % look
    return ('Try again. If that does not help, try with --keep, and look at: '
            '%s.' % look)


def _run(words: list[str], hint: str) -> str:
    """Run a program, and return what it prints.

    :param hint: what to do if it fails
    :raises AioError: it fails
    """
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors='replace',
            timeout=_TIMEOUT, env=dict(os.environ, LC_ALL='C'))
    except subprocess.TimeoutExpired as error:
        raise errors.AioError(
            '%s did not end within %d s.' % (words[0], _TIMEOUT), '',
            hint) from error
    if done.returncode:
        raise errors.AioError(
            '%s failed with status %d.' % (words[0], done.returncode),
            done.stderr.strip(), hint)
    return done.stdout
