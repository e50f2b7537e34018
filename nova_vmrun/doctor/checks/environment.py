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

"""Checks of the user, the display, other programs and the clock."""

from collections.abc import Iterable
import shlex

from nova_vmrun.doctor import facts
from nova_vmrun.doctor import finding
from nova_vmrun.formats import words
from nova_vmrun import system

# Tokens live for an hour, and a clock may differ by a little.
_SECONDS_BEHIND = 60


def check_user(user: facts.User) -> Iterable[finding.Finding]:
    """Check that this user can own VMs, and owns those that exist."""
    topic = 'user'
    found = list(_user_problems(topic, user))
    yield from found
    if not found:
        yield finding.ok(topic, 'VMs run as %s, who can also see them with '
                         '"vmrun list".' % user.name)


def _user_problems(topic: str,
                   user: facts.User) -> Iterable[finding.Finding]:
    if user.instances_owner is not None:
        yield finding.wrong(
            topic, '%s belongs to %s, but you are %s. vmrun shows only one\'s '
            'own VMs.' % (user.instances, user.instances_owner, user.name),
            'sudo -u %s nova-vmrun doctor' % shlex.quote(user.instances_owner))
    elif user.is_root:
        yield finding.warning(
            topic, 'You are root. VMs that root starts are invisible to every '
            'other user, in VMware\'s window too.',
            'Run nova-compute and "nova-vmrun aio up" as the user who owns '
            'the VMs.')
    if user.unwritable:
        yield finding.wrong(
            topic, 'VMware keeps files in %s, which %s cannot write.'
            % (user.unwritable, user.name),
            'sudo chown -R %s %s' % (shlex.quote(user.name),
                                     shlex.quote(user.unwritable)))
    if user.vmx_without_setuid:
        yield finding.wrong(
            topic, '%s is not setuid root, so that it cannot use the kernel '
            'modules.' % user.vmx_without_setuid,
            'sudo chown root %s && sudo chmod 4755 %s' % (
                (shlex.quote(user.vmx_without_setuid),) * 2))


def check_display(user: facts.User) -> Iterable[finding.Finding]:
    """Check that there is a display if servers get windows."""
    topic = 'display'
    if not user.show_gui:
        yield finding.ok(topic, 'Servers run without a window, so no display '
                         'is needed.')
    elif user.has_display:
        yield finding.ok(topic, 'Each server opens a window on this display.')
    else:
        yield finding.wrong(
            topic, '[vmrun] show_gui is True, but there is no display: '
            'neither DISPLAY nor WAYLAND_DISPLAY is set.',
            'Set show_gui = False in nova.conf, or start nova-compute in a '
            'desktop session.')


def check_programs(programs: facts.Programs) -> Iterable[finding.Finding]:
    """Check for qemu-img and noVNC."""
    topic = 'programs'
    is_mac = programs.platform == system.MACOS
    if programs.qemu_img is None:
        yield finding.wrong(
            topic, 'qemu-img, which reads images, does not work. %s'
            % programs.qemu_img_failure,
            'brew install qemu' if is_mac else
            'sudo apt-get install qemu-utils')
    else:
        yield finding.ok(topic, programs.qemu_img)
    if programs.novnc is None:
        yield finding.warning(
            topic, 'noVNC is not installed, so no screen can be opened in a '
            'browser.',
            'Unpack noVNC and name its folder: nova-vmrun aio up --novnc '
            '<folder>' if is_mac else 'sudo apt-get install novnc')
    else:
        yield finding.ok(topic, 'noVNC is in %s.' % programs.novnc)


def check_clock(clock: facts.Clock) -> Iterable[finding.Finding]:
    """Check that the clock is right: tokens and certificates expire by it."""
    topic = 'clock'
    if clock.seconds_behind > _SECONDS_BEHIND:
        yield finding.wrong(
            topic, 'The clock is slow: files of nova-vmrun are %s newer than '
            'now.' % words.counted(
                int(clock.seconds_behind // 60), 'minute'),
            'sudo timedatectl set-ntp true')
    elif clock.is_synchronized is False:
        yield finding.warning(
            topic, 'Nothing sets the clock. If it drifts, the tokens of '
            'another host are refused, and guests start with a wrong time.',
            'sudo timedatectl set-ntp true')
    else:
        yield finding.ok(topic, 'The clock is synchronized.'
                         if clock.is_synchronized
                         else 'The clock is plausible.')
