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

"""Debian packages: which versions there are, and their files."""

import os
import re
import subprocess

KERNELS = {'cloud': 'linux-image-cloud-amd64', 'full': 'linux-image-amd64'}

#: Those whose programs the guest runs, with the libraries that they need.
_IN_GUEST = ('qemu-guest-agent', 'dropbear-bin', 'openssh-sftp-server',
             'passwd', 'util-linux')
_PROGRAMS = ('busybox-static', *_IN_GUEST, 'syslinux', 'syslinux-common',
             'mtools', 'systemd-boot-efi', 'isolinux')


class PackageError(Exception):
    """A package cannot be had; the text says what to do."""


def run(argv, **kwargs):
    """Run a program and return its standard output as text.

    :raises PackageError: when it is missing or fails, with its output.
    """
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, **kwargs)
    except FileNotFoundError:
        raise PackageError('%s is not installed: the guest is made from '
                           'Debian packages, on Debian' % argv[0])
    if done.returncode:
        raise PackageError('%s failed with %d: %s' % (
            ' '.join(argv), done.returncode,
            done.stderr.decode(errors='replace').strip()))
    return done.stdout.decode(errors='replace')


class Package(object):
    """One version of a package, as apt-cache shows it.

    :ivar depends: names; of alternatives, the first.
    """

    def __init__(self, stanza):
        fields = dict(re.findall(r'^([\w-]+): ?(.*)$', stanza, re.MULTILINE))
        self.name = fields['Package']
        self.version = fields['Version']
        depends = ', '.join(fields[key] for key in ('Pre-Depends', 'Depends')
                            if key in fields)
        self.depends = [re.split(r'[ :|(]', item.strip(), maxsplit=1)[0]
                        for item in depends.split(',') if item.strip()]

    def __str__(self):
        return '%s=%s' % (self.name, self.version)


def _show(names):
    """Return {name: Package}; names that apt does not know are left out."""
    done = subprocess.run(
        ['apt-cache', 'show', '--no-all-versions', *sorted(names)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    stanzas = done.stdout.decode(errors='replace').split('\n\n')
    packages = [Package(s) for s in stanzas if s.startswith('Package:')]
    return {package.name: package for package in packages}


def show_all(names):
    """Return {name: Package} for names that apt must know.

    :raises PackageError: when it does not know them all.
    """
    found = _show(names)
    if len(found) < len(names) and os.geteuid() == 0:
        run(['apt-get', 'update', '-q'])
        found = _show(names)
    missing = sorted(set(names) - set(found))
    if missing:
        raise PackageError(
            'apt knows no package %s: run "apt-get update" as root, on '
            'Debian for amd64' % ', '.join(missing))
    return found


def select(kernel):
    """Return the packages that a guest is made of, {name: Package}.

    :param kernel: a key of KERNELS.
    :raises PackageError: when apt does not know them all.
    """
    run(['apt-cache', '--version'])
    chosen = show_all([KERNELS[kernel], *_PROGRAMS])
    metapackage = chosen.pop(KERNELS[kernel])
    pending = [name for name in metapackage.depends
               if name.startswith('linux-image-')]
    pending += [name for program in _IN_GUEST
                for name in _libraries(chosen[program])]
    while pending:
        found = _show(set(pending))
        chosen.update(found)
        pending = [name for package in found.values()
                   if not package.name.startswith('linux-image-')
                   for name in _libraries(package) if name not in chosen]
    return chosen


def _libraries(package):
    return [name for name in package.depends if name.startswith('lib')]


def unpack(packages, folder):
    """Fetch packages and unpack each into ``folder``/NAME.

    :param packages: as NAME=VERSION.
    :returns: {name: path}; the kernel is called ``kernel``.
    """
    downloads = os.path.join(folder, 'downloads')
    os.makedirs(downloads)
    run(['apt-get', 'download', '-q', *packages],
        cwd=downloads)
    paths = {}
    for deb in os.listdir(downloads):
        name = deb.split('_')[0]
        key = 'kernel' if name.startswith('linux-image-') else name
        paths[key] = os.path.join(folder, name)
        run(['dpkg-deb', '-x', os.path.join(downloads, deb), paths[key]])
    return paths
