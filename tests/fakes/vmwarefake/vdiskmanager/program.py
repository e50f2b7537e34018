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

"""Entry point of vmware-vdiskmanager.

It prints everything, errors too, to standard output; it exits 0 or 1.
"""

from __future__ import annotations

import os
import sys

from vmwarefake import knobs
from vmwarefake import session as sessions
from vmwarefake.vdiskmanager import refusals
from vmwarefake.vdiskmanager import request as requests

FAILED = 1
_BAD_KNOB = 70


def main(argv: list[str] | None = None) -> int:
    """Run an operation and return its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        session = sessions.Session(os.environ, 'vmware-vdiskmanager', argv)
        code = run(session, argv)
    except knobs.BadKnob as e:
        sys.stderr.write('fake vmware-vdiskmanager: %s\n' % e)
        return _BAD_KNOB
    sys.stdout.flush()
    session.call.finish(code)
    return code


def run(session: sessions.Session, argv: list[str]) -> int:
    try:
        request = requests.Request(argv)
        session.delay(request.switch)
        return _perform(session, request)
    except refusals.Usage:
        from vmwarefake import usage
        session.write(usage.vdiskmanager(session.product))
        return FAILED


def _perform(session: sessions.Session, request: requests.Request) -> int:
    from vmwarefake import errors
    from vmwarefake.vdiskmanager import operations
    active = session.strike(request.switch)
    operation = operations.OPERATIONS[request.switch]
    try:
        active.before()
        operation(session, request)
        active.after()
    except errors.Refused as e:         # a fault
        session.line(str(e))
        return e.code and FAILED
    except refusals.Failed as e:
        session.write(str(e))
        return FAILED
    return 0
