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

"""Runner of the demo: its steps, their times, and the final summary."""

from collections.abc import Mapping
import shlex
import time

from nova_vmrun.aio.demo import session as demo_session
from nova_vmrun.aio.demo import steps
from nova_vmrun.aio import down
from nova_vmrun.aio import errors
from nova_vmrun.aio import guests
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import log_files
from nova_vmrun import exception

_NOT_SHOWN = """\
NOT shown, because no guest was booted: %s.
The demo did not show a guest that boots, its screen and its console, that it
has the address that Nova shows and answers ssh there, and that its disk
survives a restart."""
_NO_LOGIN = 'NOT shown: that the guest answers ssh, because %s.'
_LOG_LINES = 12
_LOG_WIDTH = 300

_NEXT = """\
The control plane is still up. What to type next:
    source {openrc}
    openstack server create --flavor m1.tiny --image demo \
--network {network}{key_name} --wait mine
    openstack server list
    openstack server show mine
{login}\
    nova-vmrun aio status{option}
To stop it, and to start it again:
    nova-vmrun aio down{option}
    nova-vmrun aio up{option}
To remove it, with all its servers:
    nova-vmrun aio wipe{option}
"""


def run(session: demo_session.Session, option: str = '') -> None:
    """Run the demo.

    :param option: --state-dir as the user must repeat it, or ''
    :raises AioError: a step failed; the message says which, and why
    """
    todo = list(steps.STEPS)
    if not session.keep:
        todo.append(steps.clean_up)
    times = []
    for number, step in enumerate(todo, 1):
        title = (step.__doc__ or step.__name__).strip()
        session.report.line('%d/%d %s' % (number, len(todo), title))
        marks = log_files.marks(session.layout, aio_layout.SERVICES)
        began = time.monotonic()
        try:
            step(session)
        except BaseException as error:
            _give_up(session, title, error, marks)
            raise errors.AioError(
                'The demo failed at: %s.' % title, _cause(error),
                'Logs are in %s; "nova-vmrun aio wipe --state-dir %s" '
                'removes them.' % (session.layout.logs,
                                   shlex.quote(str(session.layout.root)))
            ) from error
        times.append((title, time.monotonic() - began))
    session.report.raw('')
    for title, seconds in times:
        session.report.raw('%7.1f s  %s' % (seconds, title))
    session.report.raw('%7.1f s  in total' % session.report.elapsed)
    session.report.raw('')
    if session.machines:
        session.report.raw(session.machines)
    if session.no_guest:
        session.report.raw(_NOT_SHOWN % session.no_guest)
    elif session.no_login:
        session.report.raw(_NO_LOGIN % session.no_login)
    if session.picture:
        session.report.raw('Its screen, the one file that is kept: %s'
                           % session.picture)
    if session.keep:
        session.report.raw('')
        session.report.raw(_NEXT.format(
            openrc=shlex.quote(str(session.layout.openrc_demo)), option=option,
            network=session.settings.network, **_login(session, option)))


def _login(session: demo_session.Session, option: str) -> dict[str, str]:
    """Return what the user types to log in to another server, if possible."""
    if session.no_login:
        return {'key_name': '', 'login': ''}
    return {'key_name': ' --key-name ' + demo_session.NAME,
            'login': '    nova-vmrun ssh%s -i %s mine\n' % (
                option, shlex.quote(str(session.layout.demo_key)))}


def _cause(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return 'It was interrupted.'
    text = str(error).strip()
    if isinstance(error, exception.VmrunError):
        return text
    return '%s: %s.' % (type(error).__name__, text)


def _give_up(session: demo_session.Session, title: str, error: BaseException,
             marks: Mapping[str, log_files.Mark]) -> None:
    """Show new errors in the logs, and stop everything unless it is kept."""
    session.report.line('FAILED: %s' % title)
    session.report.line('  %s' % _cause(error))
    for service in aio_layout.SERVICES:
        log = session.layout.log(service)
        lines = log_files.complaints(log, _LOG_LINES, marks[service])
        if lines:
            session.report.line('  %s says:' % log)
            session.text('\n'.join(line[:_LOG_WIDTH] for line in lines))
    if session.keep:
        return
    down.down(session.layout, session.report)
    try:
        guests.stop_all(session.layout, session.report)
    except errors.AioError as failure:
        session.report.line('  %s' % failure)
