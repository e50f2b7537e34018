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

"""Make a transcript of the report of ``nova-vmrun doctor --try``.

``python -m tests.contract.from_report REPORT`` writes what VMware's programs
said in each step to tests/fixtures/transcripts. From then on
tests/contract/test_trial.py compares the fakes with it.
"""

import argparse
import json
import os
import re
import sys
from typing import NamedTuple

from tests.contract import tools
from tests.contract import transcripts

_FORMAT = 2
#: Where the report has the folder of the trial.
_FOLDER = '{dir}'
_KEY = re.compile(r'doctor --try of (ws|player|fusion) '
                  r'(\d+(?:\.\d+){2}|unknown): (.+)')
# Programs that are not of VMware; the fakes do not stand for them.
_HELPERS = ('qemu-img', 'qemu-storage-daemon', 'fusermount3', 'losetup')
# The guest and FUSE change these files whenever they like.
_UNTIMED = re.compile(r'serial\.log|fuse-flat\.vmdk')


class BadReport(Exception):
    """A file that cannot become a transcript."""


class Key(NamedTuple):
    """What a step's calls are filed under in a transcript."""

    kind: str
    version: str
    step: str

    def __str__(self):
        return 'doctor --try of %s %s: %s' % self

    @classmethod
    def parse(cls, text):
        """Return the key that a transcript names; None: it is a test's."""
        match = _KEY.fullmatch(text)
        return cls(*match.groups()) if match else None


def records(report):
    """Return {:class:`Key`: calls} of a report.

    Steps that were not asked, made no calls, or used a VMware program
    that the fakes do not have, are left out.

    :raises BadReport: it is not a report of a known product and format
    """
    try:
        return _records(report)
    except (AttributeError, KeyError, TypeError) as error:
        raise BadReport('It is no report of "nova-vmrun doctor --try": %r'
                        % error) from error


def _records(report):
    if report['format'] != _FORMAT:
        raise BadReport('It has format %r instead of %d.' % (
            report['format'], _FORMAT))
    product = report['product']
    found = {}
    for step in report['steps']:
        key = Key(product['kind'], product['version'], step['name'])
        if Key.parse(str(key)) != key:
            raise BadReport('This product is unknown: %r' % (key,))
        calls = [call for call in report['calls']
                 if call['step'] == step['name'] and
                 call['argv'][0] not in _HELPERS]
        if (calls and step['outcome'] != 'not asked' and
                all(call['argv'][0] in tools.NAMES for call in calls)):
            found[key] = [_entry(call) for call in calls]
    return found


def _entry(call):
    """Return a call as the contract suite writes it."""
    program, *arguments = call['argv']
    code = call['exit_code']
    before, after = {}, {}
    for line in call['files']:
        sign, name = line.split(' ', 1)
        if transcripts.is_compared(name) and not _UNTIMED.search(name):
            if sign in '-~':
                before[name] = 'before'
            if sign in '+~':
                after[name] = 'after'
    result = tools.Result([program], code or 0, call['out'], call['err'],
                          call['seconds'])
    # None: the program was killed.
    return dict(transcripts.entry(result, program, arguments, before, after,
                                  _FOLDER),
                rc=None if code is None else result.rc)


def write(report, folder):
    """Write a transcript and return its path.

    :raises BadReport: as records() does
    """
    found = records(report)
    if not found:
        raise BadReport('It has no step with calls of VMware.')
    key = next(iter(found))
    path = os.path.join(folder, '%s-%s-%s-try.jsonl' % (
        key.kind, key.version,
        re.sub(r'\W', '', str(report['host']['system'])).lower()))
    with open(path, 'w', encoding='utf-8') as f:
        for key, calls in found.items():
            f.write(json.dumps({'test': str(key), 'calls': calls},
                               sort_keys=True) + '\n')
    return path


def main(arguments):
    parser = argparse.ArgumentParser(
        prog='python -m tests.contract.from_report',
        description='Make a transcript of the report of "nova-vmrun doctor '
                    '--try", with which the fakes will be compared.')
    parser.add_argument('report', help='the file that --try wrote')
    parser.add_argument('--folder', default=transcripts.FOLDER,
                        help='where to write it (default: %(default)s)')
    options = parser.parse_args(arguments)
    try:
        with open(options.report, encoding='utf-8') as f:
            report = json.load(f)
        if (records(report) and report['product']['is_fake'] and
                options.folder == transcripts.FOLDER):
            raise BadReport('The fakes made it, and would be compared with '
                            'themselves.')
        print(write(report, options.folder))
    except (BadReport, OSError, ValueError) as error:
        return 'Cannot make a transcript of %s. %s' % (options.report, error)
    return None


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
