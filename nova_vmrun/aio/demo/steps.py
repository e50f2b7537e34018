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

"""The steps of the demo, one function each.

A step does one thing that a user would do, shows it, and checks it twice: with
the API, and with vmrun or on disk. It raises an error if they disagree. Its
docstring is the title that is printed.
"""

from collections.abc import Callable
import hashlib
import json
import os
import pathlib
import re
import shutil
import time
from typing import Any

from nova_vmrun.aio.demo import display
from nova_vmrun.aio.demo import guest
from nova_vmrun.aio.demo import image
from nova_vmrun.aio.demo import login
from nova_vmrun.aio.demo import screen
from nova_vmrun.aio.demo import session as demo_session
from nova_vmrun.aio.demo import terminal
from nova_vmrun.aio import down
from nova_vmrun.aio import errors
from nova_vmrun.aio import processes
from nova_vmrun.aio import seed
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import subnets
from nova_vmrun.aio import up
from nova_vmrun.aio import vmware
from nova_vmrun import exception
from nova_vmrun.formats import words

NAME = demo_session.NAME
Session = demo_session.Session
_CHUNK = 1024 ** 2
_LOG_LINES = 20
# The lines of a .vmx that come from the flavor, image and network.
_SHOWN_KEYS = re.compile(
    r'(displayName|guestOS|firmware|memsize|numvcpus|uuid\.bios|'
    r'(scsi|sata|ide|nvme)0:0\.fileName|'
    r'ethernet0\.(virtualDev|address|vnet|connectionType)|'
    r'RemoteDisplay\.vnc\.port) =', re.IGNORECASE)
# A running guest prints something within these seconds.
_TICKS = 2
# Nova learns within these seconds that a guest is off. Without the driver's
# event, it would find out only at its next check, every ten minutes.
_SOON = 30
PICTURE = 'nova-vmrun-demo.png'


def make_image(session: Session) -> None:
    """Make a disk image"""
    folder = session.layout.root / 'demo-image'
    folder.mkdir(exist_ok=True)
    session.no_guest = _why_no_guest(session.settings)
    if not session.no_guest:
        session.report.line('  a small Linux, of packages of Debian; this is '
                            'kept for the next time')
        try:
            session.image_path = guest.make(folder)
        except errors.AioError as error:
            if any(session.layout.instances.glob('*/*.vmx')):
                raise           # an existing cloud's engine cannot be changed
            session.no_guest = str(error)
            # Without an operating system, QEMU would show only its BIOS.
            session.settings.knobs[vmware.ENGINE] = vmware.PLAIN
            session.settings.save(session.layout)
    if session.no_guest:
        session.report.line('  without a system: %s' % session.no_guest)
        session.image_path = image.make(folder)
    session.report.line('  made %s: %d KiB' % (
        session.image_path.name, session.image_path.stat().st_size // 1024))


def _why_no_guest(settings: aio_settings.Settings) -> str | None:
    if settings.knobs.get(vmware.ENGINE) == vmware.QEMU:
        return None
    if vmware.default_engine() == vmware.QEMU:
        return 'it runs with %s=%s' % (
            vmware.ENGINE, settings.knobs.get(vmware.ENGINE))
    return ('QEMU is not installed (on Debian: apt-get install '
            'qemu-system-x86 qemu-utils)')


def bring_up(session: Session) -> None:
    """Bring up OpenStack: keystone, glance, placement, neutron, nova"""
    up.up(session.layout, session.settings, session.report)
    session.machines = vmware.describe(session.layout, session.settings)
    pids = {service: processes.find(session.layout, service)
            for service in ('keystone', 'glance', 'neutron', 'nova')}
    session.check(all(pids.values()), 'all four processes run')
    memory = sum(processes.resident(pid)
                 for pid in pids.values() if pid) // 1024 ** 2
    session.report.line('  resident memory of all together: %d MiB' % memory)
    # The services need the processors until now.
    session.commands.load()


def upload_image(session: Session) -> None:
    """Upload the image to glance"""
    # The SDK's types cover both versions of the API.
    # Only the administrator may make it public.
    images: Any = session.admin_cloud.image
    path = session.image_path
    digest = _sha512(path)
    size = path.stat().st_size
    # An administrator is shown the images of all projects.
    own = session.admin_cloud.current_project_id
    for found in images.images(name=NAME, owner=own):
        if found.hash_value == digest:
            session.image = found
        else:
            images.delete_image(found)
    if session.image is None:
        session.image = images.create_image(
            name=NAME, filename=str(path), disk_format='qcow2',
            container_format='bare', visibility='public',
            validate_checksum=False,
            **({} if session.no_guest else guest.PROPERTIES))
    shutil.rmtree(path.parent)
    session.image = images.get_image(session.image.id)
    session.check(session.image.status == 'active', 'the image is active')
    session.check(session.image.hash_value == digest,
                  'glance has the very bytes that were made')
    session.check((session.layout.images / session.image.id).stat().st_size
                  == size, 'they are on disk')


def find_network(session: Session) -> None:
    """Find the VMware network the servers use"""
    cloud = session.cloud
    session.network = seed.find_network(session.admin_cloud,
                                        session.settings)
    subnet, = cloud.network.subnets(network_id=session.network.id,
                                    ip_version=4)
    pool, = subnet.allocation_pools
    session.report.line('  %s: %s, servers get %s to %s' % (
        session.network.name, subnet.cidr, pool['start'], pool['end']))
    plan = subnets.choose(session.layout, session.settings)
    session.check(subnet.cidr == plan.cidr,
                  'its addresses are those of %s on this host'
                  % session.settings.vmnet)


def boot(session: Session) -> None:
    """Boot a server"""
    old = session.find_server()
    if old:
        session.report.line('  deleting the server of an earlier run')
        session.cloud.compute.delete_server(old)
        session.cloud.compute.wait_for_delete(
            old, interval=1, wait=demo_session.TIMEOUT)
    key = login.make_key(session)
    seen: dict[str, float] = {}

    def watch() -> None:
        if 'ACTIVE' in seen:
            return
        server = session.find_server()
        if server is None:
            return
        state = server.task_state or server.status
        if state not in seen:
            seen[state] = time.monotonic()
            session.report.line('  %s%s' % (
                server.status,
                ' (%s)' % server.task_state if server.task_state else ''))

    try:
        session.openstack(
            'server', 'create', '--flavor', demo_session.FLAVOR, '--image',
            NAME, '--network', session.network.name, *key, '--wait', NAME,
            '-f', 'value', '-c', 'id', watch=watch)
    finally:
        # Nova's fault says more than the command's error.
        session.server = session.find_server()
        if session.server:
            session.refuse_error(session.server)
    session.check(session.server.status == 'ACTIVE', 'the API says ACTIVE')
    if 'ACTIVE' in seen:
        session.report.line('  from the first sight of it to ACTIVE: %.1f s'
                            % (seen['ACTIVE'] - min(seen.values())))


def watch_boot(session: Session) -> None:
    """Watch the guest boot"""
    if session.no_guest:
        session.report.line('  it has none')
        return
    log = _BootLog(session)
    told = session.wait_for_guest(boots=1, watch=log.show)
    log.tell_rest()
    session.report.line('  what the guest sees:')
    session.text('\n'.join(guest.summary(told)))
    session.check(told['instance_id'] == session.server.id,
                  'the guest knows its id from the config drive')
    disk = guest.root_disk(told)
    session.check(disk and disk['bytes']
                  == session.server.flavor.disk * 1024 ** 3,
                  'its disk is as large as the flavor says')
    port, = session.cloud.network.ports(device_id=session.server.id)
    address = demo_session.address_of(port)
    session.check(
        any(nic['mac'] == port.mac_address and
            any(found.partition('/')[0] == address
                for found in nic['addresses']) for nic in told['nics']),
        'its NIC has the address %s' % address)


class _BootLog:
    """Printer of the beginning of a log as it grows."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lines: list[str] = []

    def show(self, log: str) -> None:
        """Print what is new.

        :param log: the whole log so far
        """
        whole, _, _ = log.rpartition('\n')
        lines = guest.without_facts(whole).splitlines()
        self._session.log_text(
            lines[len(self._lines):max(_LOG_LINES, len(self._lines))])
        self._lines = lines

    def tell_rest(self) -> None:
        more = len(self._lines) - _LOG_LINES
        if more > 0:
            self._session.text('(%s)' % words.counted(more, 'more line'))


def take_picture(session: Session) -> None:
    """Take a picture of its screen, over VNC"""
    if session.no_guest:
        session.report.line('  it shows nothing')
        return
    picture = screen.capture(*_vnc_address(session))
    session.check(picture.colours > 1, 'the screen is not blank')
    path = pathlib.Path.cwd() / PICTURE
    path.write_bytes(picture.png())
    session.picture = path
    session.report.line('  %d x %d pixels: %s'
                        % (picture.width, picture.height, path))
    stream = session.report.stream
    columns = shutil.get_terminal_size().columns
    for line in display.lines(picture, display.find(stream, os.environ),
                              columns, terminal.width(stream, columns)):
        session.report.raw(line)


def _vnc_address(session: Session) -> tuple[str, int]:
    """Request a console from Nova; return the address its proxy would use."""
    console: Any = session.cloud.compute.create_console(session.server.id,
                                                        'novnc')
    token = console['url'].rpartition('token%3D')[2]
    # The proxy has a service's credentials.
    place = session.admin_cloud.compute.validate_console_auth_token(token)
    return place.host, int(place.port)


def show(session: Session) -> None:
    """Show the server"""
    session.openstack('server', 'show', NAME, '--max-width', '100')
    ports = list(session.cloud.network.ports(device_id=session.server.id))
    session.check(len(ports) == 1 and ports[0].status == 'ACTIVE',
                  'its port is ACTIVE')
    addresses = {each['ip_address'] for each in ports[0].fixed_ips}
    session.check(
        {entry['addr'] for entries in session.server.addresses.values()
         for entry in entries} == addresses,
        'its address is %s' % ', '.join(sorted(addresses)))


def show_vmx(session: Session) -> None:
    """Show the .vmx file that was rendered"""
    vmx = session.require_vmx()
    session.check(vmx, 'there is one on disk')
    with open(vmx, errors='replace') as stream:
        text = stream.read()
    lines = text.splitlines()
    shown = [line for line in lines if _SHOWN_KEYS.match(line)]
    session.text('\n'.join(shown))
    session.report.line('  these are %d of %d lines; all of them: %s' % (
        len(shown), len(lines), vmx))
    port = next(iter(session.cloud.network.ports(
        device_id=session.server.id)))
    session.check(port.mac_address in text.lower(),
                  'it has the MAC address that neutron gave: %s'
                  % port.mac_address)


def show_running(session: Session) -> None:
    """Ask vmrun what runs"""
    session.report.line('  $ vmrun list')
    running = session.guests.running()
    session.text('\n'.join(
        ['Total running VMs: %d' % len(running), *running]))
    session.check(session.runs(), 'vmrun lists the server')


def stop(session: Session) -> None:
    """Stop the server"""
    session.cloud.compute.stop_server(session.server)
    session.wait_for('SHUTOFF')
    session.check(not session.runs(), 'vmrun no longer lists it')


def start(session: Session) -> None:
    """Start it again"""
    session.cloud.compute.start_server(session.server)
    session.wait_for('ACTIVE')
    session.check(session.runs(), 'vmrun lists it')


def pause(session: Session) -> None:
    """Pause it"""
    session.cloud.compute.pause_server(session.server)
    session.wait_for('PAUSED')
    session.check(session.runs(), 'vmrun still lists it')
    _check_fake_was_told(session, 'pause')
    if not session.no_guest:
        log = session.console_log()
        time.sleep(_TICKS)
        session.check(session.console_log() == log,
                      'the guest, which otherwise prints a line every '
                      'second, says nothing')


def unpause(session: Session) -> None:
    """Let it go on"""
    session.cloud.compute.unpause_server(session.server)
    session.wait_for('ACTIVE')
    session.check(session.runs(), 'vmrun lists it')
    _check_fake_was_told(session, 'unpause')


def switch_off(session: Session) -> None:
    """Let its guest switch itself off, without telling Nova"""
    try:
        session.guests.shut_down(session.require_vmx())
    except (exception.ToolsNotRunning, exception.ToolRefused) as error:
        if not session.no_guest:
            raise
        session.report.line('  it has none: %s' % error.brief)
        return
    session.check(not session.runs(), 'vmrun no longer lists it')
    session.check(session.wait_for('SHUTOFF') < _SOON,
                  'the API says SHUTOFF, and nobody has called it')


def console_log(session: Session) -> None:
    """Read the end of its console log"""
    session.openstack(
        'console', 'log', 'show', '--lines', '8', NAME,
        show=lambda text: session.log_text(text.splitlines()))
    if not session.no_guest:
        session.wait_for_guest(boots=2)
        session.check(True, 'the guest has counted its second boot on its '
                      'disk')


def delete(session: Session) -> None:
    """Delete it"""
    vmx = session.vmx
    folder = session.layout.instances / session.server.id
    session.cloud.compute.delete_server(session.server)
    began = time.monotonic()
    while server := session.find_server():
        session.refuse_error(server)
        if time.monotonic() - began > demo_session.TIMEOUT:
            raise errors.AioError('The server is still there after %d s.'
                                  % demo_session.TIMEOUT)
        session.breathe('the server to go')
        time.sleep(0.2)
    session.report.line('  gone after %.1f s' % (time.monotonic() - began))
    session.check(vmx not in session.guests.running(),
                  'vmrun no longer lists it')
    session.check(not folder.exists(), '%s is gone' % folder)
    session.check(not list(session.cloud.network.ports(
        device_id=session.server.id)), 'its port is gone')


def clean_up(session: Session) -> None:
    """Take everything down and remove it"""
    down.wipe(session.layout, session.report)
    session.check(not session.layout.root.exists(),
                  '%s is gone' % session.layout.root)
    session.check(not processes.using(session.layout.root),
                  'no process of it is left')


# The guest boots while the steps between boot and watch_boot run.
STEPS: tuple[Callable[[Session], None], ...] = (
    make_image, bring_up, upload_image, find_network, boot, show, show_vmx,
    show_running, watch_boot, take_picture, stop, start, console_log, pause,
    unpause, login.log_in, switch_off, delete)


def _check_fake_was_told(session: Session, verb: str) -> None:
    """Check in the fake's log of calls that it was told to pause or unpause.

    vmrun itself does not report whether a VM is paused.
    """
    if session.layout.calls.exists():
        with open(session.layout.calls) as stream:
            calls = [json.loads(line) for line in stream]
        session.check(
            any(call['rc'] == 0 and verb in call['argv']
                and session.vmx in call['argv'] for call in calls),
            'vmrun was told to %s it' % verb)


def _sha512(path: pathlib.Path) -> str:
    digest = hashlib.sha512()
    with open(path, 'rb') as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
