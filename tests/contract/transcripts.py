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

"""Transcripts: what the tools said, call by call, for each test.

Runs against the real product write one (``NOVA_VMRUN_TRANSCRIPT`` names the
file; the default is under the system's temporary folder). A transcript that
is put into tests/fixtures/transcripts/ is compared with what the fakes say
whenever a test runs on them; differences fail that test, unless it has an
entry in :mod:`tests.contract.expected`. :mod:`tests.contract.from_report`
makes one of the report of ``nova-vmrun doctor --try``.
"""

import contextlib
import functools
import glob
import json
import os
import re
import tempfile

from tests.contract import tools

FOLDER = os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), 'fixtures', 'transcripts')
#: The folder of the fakes' state, in the folder of a test.
STATE = 'state'
_RANDOM = ((re.compile(r'-[0-9a-f]{8}\.(vmss|vmem)'), r'-XXXXXXXX.\1'),
           (re.compile(r'564d[0-9a-f]{12}-[0-9a-f]{16}\.vmem'), 'UUID.vmem'),
           (re.compile(r'pid=\d+'), 'pid=N'),
           (re.compile(r'build-\d+'), 'build-N'),
           (re.compile(r'1\.17\.0\.\d+'), '1.17.0.N'))
_UNSTABLE = re.compile(r'(vmware(-\d+)?\.log|\.lck|\.scoreboard|\.plist)')
_LIST = 'Total running VMs:'
_COMPARED = ('argv', 'rc', 'out', 'err', 'files')


def normalise(text, folder):
    """Take out of a text what differs from run to run."""
    for name in (os.path.realpath(folder), folder):
        text = text.replace(name, '{dir}')
    for pattern, replacement in _RANDOM:
        text = pattern.sub(replacement, text)
    return text


def _sort_list(text):
    """Put what ``vmrun list`` printed in order; the products have none.

    VMs that are not of the test are left out.
    """
    if not text.startswith(_LIST):
        return text
    lines = sorted(line for line in text.splitlines()[1:]
                   if line.startswith('{dir}'))
    return '\n'.join(['%s %d' % (_LIST, len(lines))] + lines) + '\n'


def is_compared(name):
    """Whether changes of a file are a part of a transcript.

    :param name: path within the folder of a test
    """
    return not _UNSTABLE.search(name)


def snapshot_of(folder):
    """Return {relative path: (size, mtime)} of the files in a folder.

    The fakes' own state is left out; no product has one.
    """
    found = {}
    for parent, folders, names in os.walk(folder):
        if parent == folder and STATE in folders:
            folders.remove(STATE)
        for name in names:
            path = os.path.join(parent, name)
            relative = os.path.relpath(path, folder)
            if is_compared(relative):
                with contextlib.suppress(FileNotFoundError):
                    status = os.lstat(path)
                    found[relative] = status.st_size, status.st_mtime_ns
    return found


def changes(before, after):
    """Return the sorted ``+ name``, ``- name``, ``~ name`` lines."""
    lines = ['+ ' + name for name in after if name not in before]
    lines += ['- ' + name for name in before if name not in after]
    lines += ['~ ' + name for name in after
              if name in before and after[name] != before[name]]
    return sorted(lines)


def entry(result, program, arguments, before, after, folder):
    """Describe one call as a dict that JSON can hold."""
    return {
        'program': program,
        'argv': [normalise(word, folder) for word in arguments],
        'rc': result.rc,
        'out': _sort_list(normalise(result.out, folder)),
        'err': normalise(result.err, folder),
        'files': [normalise(line, folder)
                  for line in changes(before, after)],
        'seconds': round(result.seconds, 3)}


def path_to_write():
    """Where this run writes its transcript; None when it writes none."""
    said = os.environ.get('NOVA_VMRUN_TRANSCRIPT')
    if said or not tools.is_real():
        return said
    return os.path.join(tempfile.gettempdir(), 'nova-vmrun-%s.jsonl'
                        % tools.real_product())


def append(test, entries):
    """Add one test's calls to the transcript, if one is written."""
    path = path_to_write()
    if path and entries:
        line = json.dumps({'test': test, 'calls': entries}, sort_keys=True)
        with open(path, 'a', encoding='utf-8') as f:
            f.write(line + '\n')


@functools.lru_cache(None)
def load(folder=FOLDER):
    """Return {test: {transcript: calls}} of all transcripts in a folder.

    A folder that is empty or missing holds none.
    """
    found = {}
    for path in sorted(glob.glob(os.path.join(folder, '*.jsonl'))):
        name = os.path.basename(path)
        with open(path, encoding='utf-8') as f:
            for line in f:
                record = json.loads(line)
                found.setdefault(record['test'], {})[name] = record['calls']
    return found


def differences(recorded, calls):
    """Compare what was recorded of a product with the fake's calls.

    :returns: list of str, one for each thing that differs.
    """
    found = []
    for n, (real, fake) in enumerate(zip(recorded, calls)):
        for key in _COMPARED:
            if real[key] != fake[key]:
                found.append('call %d (%s): %s is %r, the fake has %r' % (
                    n + 1, ' '.join(fake['argv']), key, real[key],
                    fake[key]))
    if len(recorded) != len(calls):
        found.append('%d calls were recorded, the fake made %d'
                     % (len(recorded), len(calls)))
    return found
