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


"""The steps of an operation, found by watching its process.

A step is a change of a server's files that Python reports to audit hooks, a
flush of a file to the disk, or the start or end of a program. Between two
steps it does not matter when a crash comes, except while a program runs (see
Moment) and for data that was not flushed.
"""

import dataclasses
import json
import os
import signal
import subprocess
import sys

# Python's audit events for changes of the file system.
_CHANGES = frozenset(['os.rename', 'os.link', 'os.symlink', 'os.remove',
                      'os.mkdir', 'os.rmdir', 'os.chmod', 'os.truncate',
                      'os.utime'])
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_SKIPPED = 'locks'
# Programs that can be told to die at any of their own steps.
FAKES = ('vmrun', 'vmware-vdiskmanager')


@dataclasses.dataclass(frozen=True)
class Moment:
    """When a process is killed.

    :ivar number: the step before which it is killed, counted from 1
    :ivar inside: 0, or the change by the program started in this step before
        which both are killed. Programs other than the fakes have one such
        moment, at which their files are half written.
    """

    number: int
    inside: int = 0


class Watch:
    """Counts the steps of this process, and kills it at a moment.

    :param roots: the folders to watch
    :param report: descriptor to write a line for each step to
    :param moment: when to kill the process, None for never
    """

    def __init__(self, roots, report, moment):
        self._roots = roots
        self._report = report
        self._moment = moment or Moment(0)
        self._number = 0
        self._busy = False
        self._doomed = None

    def begin(self):
        """Hook into this process; there is no way to undo it."""
        self._wrap_programs()
        self._wrap_flushes()
        sys.addaudithook(self._hook)

    def reach(self, what, *words, **facts):
        """Count a step."""
        self._number += 1
        is_last = self._number == self._moment.number
        if is_last and not self._moment.inside:
            self.die()
        self._tell(step=self._number, what=what,
                   words=[str(word) for word in words], **facts)
        return is_last

    def die(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def _tell(self, **facts):
        os.write(self._report, json.dumps(facts).encode() + b'\n')

    # Changes of files

    def _hook(self, event, args):
        if self._busy:
            return
        self._busy = True
        try:
            if event == 'subprocess.Popen':
                self._started(*args)
            elif event in _CHANGES and self._is_ours(args[0]):
                self.reach(event, *args)
            elif event == 'open' and _is_for_writing(*args) and (
                    self._is_ours(args[0])):
                self.reach(event, args[0])
        finally:
            self._busy = False

    def _is_ours(self, path):
        if not isinstance(path, str):
            return False
        # A relative path is a name in a folder that is being removed.
        return not os.path.isabs(path) or any(
            path.startswith(root + os.sep) and
            not path.startswith(os.path.join(root, _SKIPPED))
            for root in self._roots)

    def _wrap_flushes(self):
        """Count flushes instead of flushing, since only we cut the power."""
        def flush(file):
            descriptor = file if isinstance(file, int) else file.fileno()
            found = os.fstat(descriptor)
            self.reach('os.fsync', os.readlink(
                '/proc/self/fd/%d' % descriptor), durable=[found.st_ino])

        os.fsync = flush

    # Programs

    def _started(self, executable, argv, _cwd, environment):
        is_last = self.reach('started', *argv)
        self._before = dict(self._sizes())
        if not is_last:
            return
        self._doomed = list(map(os.fspath, argv))
        if _name(argv) in FAKES:
            environment['FAKE_VMRUN_FAULTS'] = '* * die-step %d' % (
                self._moment.inside)

    def _wrap_programs(self):
        communicate = subprocess.Popen.communicate

        def ended(process, *args, **options):
            result = communicate(process, *args, **options)
            self._tell_what_vmware_made(process.args)
            if self._doomed == list(map(os.fspath, process.args)):
                self._end_with(process)
            self.reach('ended', *process.args, pid=process.pid)
            return result

        subprocess.Popen.communicate = ended

    def _end_with(self, process):
        """Die, with a program that should die in the middle."""
        if _name(process.args) not in FAKES:
            self._halve_what_was_written()
        self.die()

    def _tell_what_vmware_made(self, argv):
        """Report files that VMware wrote, which VMware itself flushes."""
        if _name(argv) != 'vmrun':
            return
        before = {inode for inode, _size, _time in self._before.values()}
        after = dict(self._sizes())
        self._tell(
            durable=[status[0] for status in after.values()
                     if status[0] not in before],
            by_vmware=[path for path, status in after.items()
                       if self._before.get(path) != status])

    def _halve_what_was_written(self):
        for path, status in self._sizes():
            if self._before.get(path) != status and status[1]:
                os.truncate(path, status[1] // 2)

    def _sizes(self):
        for path in walk(self._roots):
            found = os.stat(path)
            yield path, (found.st_ino, found.st_size, found.st_mtime_ns)


def walk(folders):
    """Yield the paths of all files in some folders."""
    for each in folders:
        for folder, _folders, names in os.walk(each):
            for name in names:
                yield os.path.join(folder, name)


def _is_for_writing(_path, mode, flags):
    if isinstance(mode, str):
        return bool(set(mode) & set('wax+'))
    return bool(flags & _WRITES)


def _name(argv):
    return os.path.basename(os.fspath(argv[0]))
