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

"""Explain in one sentence why a server is not as its user wants it."""

from collections.abc import Callable
from collections.abc import Iterator
import dataclasses
import re

from nova_vmrun.aio import providers
from nova_vmrun.catalog import table
from nova_vmrun.doctor import server_facts
from nova_vmrun.host import kernel_modules

_UNBOUND = frozenset({'binding_failed', 'unbound'})
# Seconds that a build takes at most if its image is in the cache.
_SOON = 60
_NO_HOST = 'No valid host was found. '
_OTHER_IMAGE = ('Take another image or flavor, or remove the property that '
                'asks for it.')

_NOT_BOUND = re.compile(
    'Binding failed for port|is not bound|allocate the network')
_WHAT = {'VCPUs': 'vCPUs', 'VCPU': 'vCPU'}
_AMOUNT = r'It needs (\d+) ((?:GB of |MiB of )?\w+)'
_FREE = re.compile(_AMOUNT + r'; (\d+) of (\d+) are free\.')
_MOST = re.compile(_AMOUNT + r'; one server can have (\d+)\.')
_TRAIT = re.compile(r'No host has the trait ([\w, ]+)\.')


@dataclasses.dataclass(frozen=True)
class Reason:
    """Why a server is as it is.

    :ivar cause: a sentence that starts with its name
    :ivar advice: what to do; empty if there is nothing to do
    """

    cause: str
    advice: str = ''

    def __str__(self) -> str:
        return ' '.join(filter(None, (self.cause, self.advice)))


def explain(facts: server_facts.Facts) -> Reason:
    """Return the most probable reason."""
    for judge in (_in_error, _unfinished, _not_running, _not_here,
                  _without_address, _silent_guest):
        reason = judge(facts)
        if reason is not None:
            return reason
    return Reason('%s is %s, and nothing is known to be wrong with it.' % (
        facts.server.name, facts.server.status))


def _in_error(facts: server_facts.Facts) -> Reason | None:
    server, action = facts.server, facts.action
    if server.status == 'ERROR':
        start = '%s is in ERROR: ' % server.name
        text = server.fault
    elif action is not None and action.has_failed:
        start = '%s is %s, but "%s" failed: ' % (server.name, server.status,
                                                 action.name)
        # A fault may be of an earlier operation.
        text = action.details or server.fault or action.message
    else:
        return None
    for explain_fault in _FAULTS:
        reason = explain_fault(facts, text)
        if reason is not None:
            return Reason(start + reason.cause, reason.advice)
    return Reason(
        start + (_decapitalized(facts.logged or text) or 'Nova says nothing.'),
        'The log of nova-compute has the details: grep %s in it.' % server.id)


def _no_room(facts: server_facts.Facts, text: str) -> Reason | None:
    """Explain what hosts lack, from the figures of Nova or Placement."""
    if not text.startswith(_NO_HOST):
        return None
    unmet = table.find_unmet(facts.server.image_properties,
                             facts.server.extra_specs)
    if unmet:
        return _unmet(unmet)
    if facts.nodes is not None and not (
            _FREE.search(text) or _MOST.search(text) or _TRAIT.search(text)):
        text = providers.explain(dict(facts.server.resources), frozenset(),
                                 list(facts.nodes)) or text
    where = facts.instances or 'the folder of the servers on the compute host'
    causes = []
    for amount, what, free, total in _FREE.findall(text):
        causes.append('the flavor needs %s, %s of %s are free' % (
            _quantity(amount, what), free, total))
    for amount, what, most in _MOST.findall(text):
        causes.append('the flavor needs %s, and one server can have at most '
                      '%s' % (_quantity(amount, what), most))
    if causes:
        lacking = {what for _, what, _, _ in _FREE.findall(text)}
        advice = 'Take a smaller flavor%s.' % (
            ', or free space in ' + where if 'GB of disk' in lacking
            else ', or delete servers' if lacking else '')
        return Reason('; '.join(causes) + '.', advice)
    return _no_host(text)


def _unmet(unmet: list[table.Unmet]) -> Reason:
    """Explain what the image or the flavor asks for and no host has."""
    return Reason(
        'no host with VMware has what it asks for: %s. %s' % (
            ' and '.join('%s=%s of the %s' % (each.name, each.value,
                                              each.place) for each in unmet),
            ' '.join(dict.fromkeys(each.row.about for each in unmet))),
        ' '.join(dict.fromkeys(each.row.advice for each in unmet
                               if each.row.advice)) or _OTHER_IMAGE)


def _no_host(text: str) -> Reason:
    trait = _TRAIT.search(text)
    if trait:
        traits = trait.group(1).split(', ')
        rows = [each for each in map(table.find_by_trait, traits) if each]
        return Reason(
            ' '.join(dict.fromkeys([
                'no compute host has what the image or the flavor asks for: '
                '%s.' % trait.group(1), *(each.about for each in rows)])),
            ' '.join(dict.fromkeys(each.advice for each in rows
                                   if each.advice)) or _OTHER_IMAGE)
    if 'No compute host has registered' in text:
        return Reason('no compute host has registered yet.',
                      'Start nova-compute, and read its log if it ends.')
    return Reason(
        'no compute host suits it, and Nova does not say why.',
        'Ask an administrator to run "nova-vmrun why", who is told the '
        'figures.')


def _quantity(amount: str, what: str) -> str:
    return '%s %s' % (amount, _WHAT.get(what, what))


def _unbound(facts: server_facts.Facts, text: str) -> Reason | None:
    unbound = [port for port in facts.ports or ()
               if port.vif_type in _UNBOUND]
    if not unbound and not _NOT_BOUND.search(text):
        return None
    ports = unbound or list(facts.ports or ())
    project = next((port for port in ports
                    if not port.is_shared and port.neighbours), None)
    if project is not None and (project.hosts or not facts.refusal):
        return Reason(
            'its port on the project network %s was not bound. Such a network '
            'ends at the host of its first server%s, and this server was sent '
            'to another host.' % (project.network, ' (%s)' % ', '.join(
                project.hosts) if project.hosts else ''),
            'Create it on the host of the others (an administrator can: '
            'openstack server create --host), or on a shared network.')
    if facts.refusal is not None:
        return _refused(facts.refusal)
    if not ports:
        # Nova deletes the ports that it has created.
        return Reason(
            'its port was not bound: Neutron has no mechanism driver "vmrun" '
            'for that host, or the port is on a project network that has '
            'servers on another host.',
            'The log of neutron-server says which, and names the host: grep '
            '"cannot be bound" in it.')
    return Reason(
        'its port on %s was not bound: Neutron has no mechanism driver '
        '"vmrun" for that host.' % ports[0].network,
        'Name the host in [ml2_vmrun] hosts of ml2_conf.ini and restart '
        'neutron-server; its log says why it did not bind the port.')


def _refused(refusal: server_facts.Refusal) -> Reason:
    cause = 'its port was not bound on host %s: %s' % (refusal.host,
                                                       refusal.reason)
    if not refusal.hosts:
        return Reason(cause, 'Correct the port, its network or the list '
                      '[ml2_vmrun] hosts, and create the server again.')
    return Reason(
        cause, 'Create it on %s (an administrator can: openstack server '
        'create --host), or on a shared network.' % refusal.hosts[0])


def _exhausted(facts: server_facts.Facts, text: str) -> Reason | None:
    if 'Exhausted all hosts' not in text:
        return None
    cause = 'the build failed on every host that was tried'
    if facts.refusal is not None:
        refused = _refused(facts.refusal)
        return Reason('%s; on one of them, %s' % (cause, refused.cause),
                      refused.advice)
    return Reason(
        cause + ', and Nova does not say why.',
        'Set [scheduler] max_attempts = 1 in nova.conf, so that the next '
        'fault has the reason.')


def _known_text(pattern: str, cause: str, advice: str
                ) -> Callable[[server_facts.Facts, str], Reason | None]:
    """Return a judge of faults that contain a text.

    :param cause: sentence; the groups of the pattern can be inserted
    """
    compiled = re.compile(pattern, re.DOTALL)

    def judge(facts: server_facts.Facts, text: str) -> Reason | None:
        found = compiled.search(text)
        return found and Reason(found.expand(cause), advice)
    return judge


_FAULTS: tuple[Callable[[server_facts.Facts, str], Reason | None], ...] = (
    _no_room,
    _known_text(
        r'Image (\S+) is unacceptable: (.+)',
        r'the image \1 was refused: \2',
        'Look at its file with "nova-vmrun image inspect", and upload one '
        'that is in order.'),
    _known_text(
        r"Flavor's disk is too small|root disk of the flavor .* is smaller",
        'the disk of the flavor is smaller than the image.',
        'Take a flavor with a larger disk.'),
    _known_text(
        r"Property (\S+) has the value (.+?), which cannot be used\.",
        r'the property \1 of the image or flavor has the value \2, which '
        'cannot be used.',
        'Correct it: openstack image set --property NAME=VALUE <image>. '
        '"nova-vmrun vmx render" tries properties without a server.'),
    _unbound,
    _known_text(
        r'Port (\S+) is bound to host (\S+), not to this one',
        r'its port \1 is bound to host \2, where its network ends, but the '
        r'server is on another host.',
        'Stop it, remove the port and add it again; or have an administrator '
        'name the host of the server in "openstack port set --host", and then '
        'reboot it hard.'),
    _known_text(
        r"kernel modules? (?:is|are) not loaded|/dev/vmmon|/dev/vmci",
        "VMware's kernel modules are not loaded on the compute host.",
        kernel_modules.REMEDY),
    _known_text(
        r'A password is required for this operation',
        'VMware wants a password, because somebody has encrypted the VM in '
        'the VMware window.',
        'Remove the encryption there, in the settings of the VM; see '
        'doc/source/windows.rst.'),
    _known_text(
        r'No storage folder of this host (has the tag .+?|'
        r'has \d+ GiB free for the disks of a server)\.',
        r'no storage folder of the compute host \1.',
        'Take another flavor or image, or ask an administrator: the log of '
        'nova-compute names the tags and the free space of each folder.'),
    _known_text(
        r'(\S+) did not end within ([\d.]+) seconds and was killed',
        r'\1 did not end within \2 seconds and was killed.',
        'Run "nova-vmrun doctor" on the compute host. If that is healthy and '
        'just slow, raise the timeouts in [vmrun] in nova.conf.'),
    _known_text(
        r'cannot be evacuated: host (\S+) may still write to its disks',
        r'the host \1 may still write to its disks.',
        'Make sure that it is off. Then have an administrator run "nova-vmrun '
        'node fenced" with its name, and evacuate the server again.'),
    _known_text(
        r'cannot be evacuated[^:]*: (.+? host \S+?)\. .*Start that host',
        r'\1.',
        'Start that host again.'),
    _exhausted,
)


def _unfinished(facts: server_facts.Facts) -> Reason | None:
    server = facts.server
    if not server.task_state and server.status != 'BUILD':
        return None
    age = facts.action.age if facts.action else server.age
    doing = {
        '': 'is waiting for the scheduler',
        'scheduling': 'is waiting for the scheduler',
        'networking': 'is waiting for its ports from Neutron',
        'block_device_mapping': 'is waiting for its volumes from Cinder',
        'spawning': 'is being built',
    }.get(server.task_state, 'is busy with "%s"' % server.task_state)
    cause = '%s %s; that began %d seconds ago.' % (server.name, doing, age)
    if age < _SOON:
        return Reason(cause, 'Wait a minute.')
    return Reason(
        cause, 'The first server of an image takes as long as a copy of its '
        'disk. If it takes longer, run "nova-vmrun doctor" on the compute '
        'host.')


def _not_running(facts: server_facts.Facts) -> Reason | None:
    server, action = facts.server, facts.action
    if server.status not in ('SHUTOFF', 'PAUSED', 'SUSPENDED'):
        return None
    verb = {'PAUSED': 'unpause', 'SUSPENDED': 'resume'}.get(server.status,
                                                            'start')
    stopped = action is not None and action.name in (
        'stop', 'pause', 'suspend')
    return Reason(
        '%s is %s: %s.' % (
            server.name, server.status,
            'somebody asked for it with "openstack server %s"' % action.name
            if stopped and action else
            'its guest shut down, or its VM was stopped outside of OpenStack'),
        'openstack server %s %s' % (verb, server.id))


def _not_here(facts: server_facts.Facts) -> Reason | None:
    """Explain an adapter that may be unplugged: its port is not bound here.

    Only administrators are told where ports are bound.
    """
    server = facts.server
    if server.status != 'ACTIVE':
        return None
    for port in facts.ports or ():
        is_bound = port.vif_type not in _UNBOUND
        if is_bound and not (port.is_local and port.host and server.host and
                             port.host != server.host):
            continue
        cause = '%s may have no connection to its network %s: its port %s ' % (
            server.name, port.network, port.id)
        if is_bound:
            cause += 'is bound to host %s, but the server is on host %s.' % (
                port.host, server.host)
        else:
            cause += 'is not bound (%s).' % port.vif_type
        if not port.is_local:
            return Reason(cause, 'The log of neutron-server says why: grep '
                          '"cannot be bound" in it.')
        others = [host for host in port.hosts if host != server.host]
        return Reason(
            '%s The network is of type local, which ends at its host%s. So '
            'the adapter is unplugged when the server starts.' % (
                cause, ', and other servers of it are on host '
                + ', '.join(others) if others else ''),
            '%sopenstack port set --host %s %s, then stop the server and '
            'start it.' % (
                'Shelve those servers. Then: ' if others else '',
                server.host or '<host of the server>', port.id))
    return None


def _without_address(facts: server_facts.Facts) -> Reason | None:
    server = facts.server
    if facts.ports is None or server.addresses:
        return None
    if not facts.ports:
        return Reason(
            '%s has no address, because it has no port.' % server.name,
            'Stop it, then: openstack server add network %s <network>'
            % server.id)
    return Reason(
        '%s has no address, because its network %s has no subnet.' % (
            server.name, facts.ports[0].network),
        'Create one with "openstack subnet create", and give the server a new '
        'port.')


def _silent_guest(facts: server_facts.Facts) -> Reason | None:
    """Explain a guest that shows no sign of its address."""
    server, console = facts.server, facts.console
    if (server.status != 'ACTIVE' or console is None or
            any(each in console for each in server.addresses)):
        return None
    addresses = ' and '.join(server.addresses)
    if not console.strip():
        return Reason(
            '%s has the address %s in Neutron, but its guest has printed '
            'nothing to its serial port, so nobody knows whether it uses '
            'it.' % (server.name, addresses),
            'Look at its screen: openstack console url show %s' % server.id)
    return Reason(
        '%s has the address %s in Neutron, but its guest does not mention it '
        'on its console.' % (server.name, addresses),
        'Read "openstack console log show %s". The image needs cloud-init, '
        'which sets the address from the config drive; without it, the guest '
        'asks VMware\'s DHCP server and gets another one.' % server.id)


def _decapitalized(text: str) -> str:
    """Return a sentence as it goes on after a colon."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def lines(reason: Reason) -> Iterator[str]:
    """Return what to print."""
    yield reason.cause
    if reason.advice:
        yield 'What to do: ' + reason.advice
