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

"""RabbitMQ in the state directory: its programs, files and processes.

It runs as the user of the control plane, with a port mapper of its own, and
listens on loopback. With "aio up --listen", it also listens for other
machines, but only by TLS. No other Erlang program on the machine is touched.
"""

import contextlib
import os
import shutil
import subprocess

import psutil

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import processes
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio.tls import authority

_NODE = 'nova-vmrun@localhost'
# The programs that packages put into PATH must be started by root, and change
# to a user of their own. These are the programs that they start.
_FOLDERS = ('/usr/lib/rabbitmq/bin', '/opt/homebrew/opt/rabbitmq/sbin',
            '/usr/local/opt/rabbitmq/sbin')
_SERVER = 'rabbitmq-server'
_CONTROL = 'rabbitmqctl'
_MAPPER = 'epmd'
# Seconds. A command starts an Erlang machine, which takes two.
_CONTROL_TIMEOUT = 60
_STOP_TIMEOUT = 15
# The names of the processes that it starts.
_PROCESSES = ('beam.smp', 'epmd', 'erl_child_setup', 'inet_gethost')
_CONFIG = """\
listeners.tcp.1 = %(address)s:%(port)d
default_user = %(user)s
default_pass = %(password)s
# Below this, RabbitMQ blocks those who send, and all of Nova would wait.
disk_free_limit.absolute = 10MB
log.console = true
log.console.level = warning
%(public)s"""
# It reads the files again from time to time, and so finds a new certificate.
_TLS_CONFIG = """\
listeners.ssl.1 = %(address)s:%(port)d
ssl_options.cacertfile = %(ca)s
ssl_options.certfile = %(server)s
ssl_options.keyfile = %(server)s
ssl_options.versions.1 = tlsv1.3
ssl_options.versions.2 = tlsv1.2
# Clients have passwords.
ssl_options.verify = verify_none
ssl_options.fail_if_no_peer_cert = false
ssl_handshake_timeout = 10000
"""


def require_installed() -> None:
    """Raise AioError if RabbitMQ is not installed."""
    if _folder() is None or not shutil.which(_MAPPER):
        raise errors.AioError(
            'RabbitMQ, which --bus needs, is not installed.',
            'Looked for %s in %s, and for %s in PATH.' % (
                _SERVER, ', '.join(_FOLDERS), _MAPPER),
            'Install it with: sudo apt-get install rabbitmq-server (or your '
            "system's package manager), or give --bus the URL of another.")


def _folder() -> str | None:
    """Return the folder of RabbitMQ's programs, or None."""
    return next((folder for folder in _FOLDERS
                 if shutil.which(_SERVER, path=folder)), None)


def write_config(layout: aio_layout.Layout, settings: aio_settings.Settings,
                 password: str) -> None:
    """Write RabbitMQ's configuration.

    :param password: of the control plane's user, whom RabbitMQ makes at its
        first start
    """
    layout.bus.mkdir(mode=0o700, exist_ok=True)
    aio_settings.write_private(layout.bus / 'rabbitmq.conf', _CONFIG % {
        'address': aio_settings.ADDRESS, 'port': settings.ports['rabbitmq'],
        'user': aio_settings.BUS_USER, 'password': password,
        'public': _public(layout, settings)})
    aio_settings.write_private(layout.bus / 'plugins', '[].')


def _public(layout: aio_layout.Layout,
            settings: aio_settings.Settings) -> str:
    """Return the lines by which it listens for other machines."""
    if not settings.is_public(aio_settings.OWN_BUS):
        return ''
    files = authority.Files(layout)
    return _TLS_CONFIG % {
        'address': settings.listen, 'port': settings.ports['rabbitmq'],
        'ca': files.ca, 'server': files.server}


def environment(layout: aio_layout.Layout,
                settings: aio_settings.Settings) -> dict[str, str]:
    """Return all the variables of RabbitMQ's processes."""
    folder = layout.bus
    return {
        'PATH': os.environ.get('PATH', os.defpath),
        'LC_ALL': 'C.UTF-8',
        # Erlang keeps there the secret by which its programs know each other.
        'HOME': str(folder),
        'ERL_EPMD_ADDRESS': aio_settings.ADDRESS,
        'ERL_EPMD_PORT': str(settings.ports['epmd']),
        'RABBITMQ_NODENAME': _NODE,
        'RABBITMQ_DIST_PORT': str(settings.ports['erlang']),
        # Without this, it reads a file in /etc.
        'RABBITMQ_CONF_ENV_FILE': os.devnull,
        'RABBITMQ_CONFIG_FILE': str(folder / 'rabbitmq.conf'),
        'RABBITMQ_ENABLED_PLUGINS_FILE': str(folder / 'plugins'),
        'RABBITMQ_MNESIA_BASE': str(folder / 'mnesia'),
        'RABBITMQ_LOG_BASE': str(folder / 'log'),
        'RABBITMQ_LOGS': '-',
        'RABBITMQ_PID_FILE': str(folder / 'pid'),
        # Makes the script become the broker, not its parent.
        'RABBITMQ_ALLOW_INPUT': '1',
        'RABBITMQ_SERVER_START_ARGS': '-noinput',
        # Schedulers that wait for work without spinning; distribution on
        # loopback, because the node's address does not bind that.
        'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS':
            '-kernel inet_dist_use_interface {127,0,0,1} '
            '+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none',
    }


def start_mapper(layout: aio_layout.Layout, settings: aio_settings.Settings
                 ) -> subprocess.Popen[bytes]:
    """Start Erlang's port mapper, which RabbitMQ would leave running."""
    return _start(layout, settings, [_MAPPER])


def start(layout: aio_layout.Layout, settings: aio_settings.Settings
          ) -> subprocess.Popen[bytes]:
    """Start RabbitMQ. It prints to the caller's output."""
    require_installed()
    return _start(layout, settings, [os.path.join(str(_folder()), _SERVER)])


def _start(layout: aio_layout.Layout, settings: aio_settings.Settings,
           words: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        words, env=environment(layout, settings), cwd=layout.bus,
        stdin=subprocess.DEVNULL, start_new_session=True)


def leftovers(layout: aio_layout.Layout) -> dict[int, str]:
    """Return names of RabbitMQ's processes in this directory, by number."""
    found = {}
    for process in processes.using(layout.bus):
        with contextlib.suppress(psutil.NoSuchProcess):
            found[process.pid] = process.name()
    return {pid: name for pid, name in found.items() if name in _PROCESSES}


def end_leftovers(layout: aio_layout.Layout) -> None:
    """End RabbitMQ's processes that outlived the one that started them."""
    processes.end(leftovers(layout), _STOP_TIMEOUT)


def control(layout: aio_layout.Layout, settings: aio_settings.Settings,
            *words: str, text: str | None = None) -> str:
    """Run rabbitmqctl.

    :param text: what it reads from its input, such as a password, which no
        other user must see in a list of processes
    :returns: what it printed
    :raises AioError: it failed
    """
    require_installed()
    try:
        done = subprocess.run(
            [os.path.join(str(_folder()), _CONTROL), '--silent', *words],
            env=environment(layout, settings), cwd=layout.bus,
            input=text, stdin=subprocess.DEVNULL if text is None else None,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=_CONTROL_TIMEOUT)
        failure = done.stdout if done.returncode else None
    except (OSError, subprocess.TimeoutExpired) as error:
        failure = str(error)
    if failure is not None:
        raise errors.AioError(
            'RabbitMQ did not do "%s".' % ' '.join(words[:2]),
            ' '.join(failure.split())[:500],
            'Read %s, and run "nova-vmrun aio up".' % layout.log('rabbitmq'))
    return done.stdout
