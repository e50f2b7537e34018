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

"""Checks of what lies below VMware: modules, libraries, the processor."""

from collections.abc import Iterable

from nova_vmrun.doctor import facts
from nova_vmrun.doctor import finding
from nova_vmrun.host import kernel_modules
from nova_vmrun.host import x_libraries

_VMCI = '/dev/vmci'
_HEADERS = 'sudo apt-get install linux-headers-%s'
_REBUILD = 'sudo vmware-modconfig --console --install-all'
_VIRTUALISATION = frozenset({'vmx', 'svm'})


def check_modules(modules: facts.Modules) -> Iterable[finding.Finding]:
    """Check that VMware's kernel modules are built and loaded."""
    topic = 'modules'
    if not modules.is_needed:
        yield finding.ok(topic, 'No kernel modules are needed here.')
        return
    if modules.not_built:
        text = '%s %s not built for the running kernel, %s.' % (
            ' and '.join(modules.not_built),
            'is' if len(modules.not_built) == 1 else 'are', modules.kernel)
        if modules.has_headers:
            yield finding.wrong(topic, text, _REBUILD)
        else:
            yield finding.wrong(
                topic, text + ' The headers of that kernel are missing.',
                '%s && %s' % (_HEADERS % modules.kernel, _REBUILD))
    elif modules.missing_devices == (_VMCI,):
        yield finding.wrong(
            topic, '%s is missing: the module vmw_vmci is not loaded.' % _VMCI,
            'sudo modprobe vmw_vmci')
    elif modules.missing_devices and modules.has_secure_boot:
        yield finding.wrong(
            topic, '%s, and Secure Boot is on: the kernel refuses modules '
            'that are not signed.' % kernel_modules.describe(
                list(modules.missing_devices)),
            'Sign vmmon and vmnet with a key that "sudo mokutil --import" has '
            'made known, or turn Secure Boot off in the firmware.')
    elif modules.missing_devices:
        yield finding.wrong(
            topic, kernel_modules.describe(list(modules.missing_devices)) +
            '.', 'sudo systemctl restart vmware || ' + _REBUILD)
    else:
        yield finding.ok(topic, 'VMware\'s kernel modules are loaded and fit '
                         'the kernel, %s.' % modules.kernel)


def check_libraries(libraries: facts.Libraries) -> Iterable[finding.Finding]:
    """Check for the libraries that vmware-vmx is linked with."""
    topic = 'libraries'
    if not libraries.is_needed:
        yield finding.ok(topic, 'No libraries for VMware are needed here.')
        return
    if libraries.missing:
        yield finding.wrong(
            topic, 'VMware needs these libraries even without a window, and '
            'they are missing: %s.' % ', '.join(libraries.missing),
            'sudo apt-get install %s' % ' '.join(
                x_libraries.packages(libraries.missing)))
    if not libraries.has_aio:
        yield finding.warning(
            topic, 'libaio.so.1 is missing. VMware uses its own copy and '
            'prints two lines about it; the driver ignores them, other tools '
            'may not.',
            'sudo apt-get install libaio1t64 && sudo ln -s libaio.so.1t64 '
            '/usr/lib/x86_64-linux-gnu/libaio.so.1 (where the package is '
            'called libaio1, install that; it needs no link)')
    if libraries.has_aio and not libraries.missing:
        yield finding.ok(topic, 'All libraries that VMware needs are there.')


def check_processor(processor: facts.Processor) -> Iterable[finding.Finding]:
    """Check that VMware can have the processor's virtualization features."""
    topic = 'processor'
    found = list(_processor_problems(topic, processor))
    yield from found
    if not found:
        yield finding.ok(
            topic, 'Virtualization is on, and nobody else uses it.'
            if processor.flags else
            'This system does not list the features of its processor (%s).'
            % processor.architecture)


def _processor_problems(topic: str, processor: facts.Processor
                        ) -> Iterable[finding.Finding]:
    if processor.is_wsl:
        yield finding.wrong(
            topic, 'This is the Windows Subsystem for Linux, which itself '
            'runs in Hyper-V.',
            'Use a Linux that is installed on the machine itself.')
    elif processor.flags and not processor.flags & _VIRTUALISATION:
        if 'hypervisor' in processor.flags:
            yield finding.wrong(
                topic, 'This host is itself a VM, and its hypervisor does not '
                'pass on VT-x or AMD-V.',
                'Turn on nested virtualization for this VM.')
        else:
            yield finding.wrong(
                topic, 'VT-x or AMD-V is turned off.',
                'Turn it on in the firmware (BIOS) of this machine.')
    elif 'hypervisor' in processor.flags:
        yield finding.warning(
            topic, 'This host is itself a VM: its servers will be slow.',
            'Run nova-compute on the machine itself.')
    if processor.kvm_guests:
        yield finding.wrong(
            topic, 'KVM guests are running (%d users of the module %s). '
            'VMware and KVM cannot use the processor at the same time.'
            % (processor.kvm_guests, processor.kvm_module),
            'Stop those guests: "virsh list" or "ps -C qemu-system-x86_64" '
            'shows them.')
    elif processor.kvm_holds:
        yield finding.warning(
            topic, 'This kernel gives the processor to KVM as soon as the '
            'module %s is loaded, even without guests. That is reported to '
            'stop other hypervisors.' % processor.kvm_module,
            'sudo modprobe -r %s (for ever: put "options kvm '
            'enable_virt_at_load=0" into /etc/modprobe.d/kvm.conf)'
            % processor.kvm_module)
