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

"""A forked process that reports its steps and may be killed at one."""

from collections import abc
import gc
import json
import os
import traceback
from typing import Any, NoReturn


def run(call: abc.Callable[[int], None],
        report: str) -> tuple[bool, list[dict[str, Any]]]:
    """Run a function in a process of its own.

    :param call: gets a file descriptor to write a line of JSON to for each
        step; see steps.Watch
    :param report: path of the file that the lines are written to
    :returns: whether the process survived, and its steps
    :raises AssertionError: if the function raised an exception
    """
    with open(report, 'wb') as file:
        # A copy of this process is cheap as long as neither writes.
        gc.freeze()
        child = os.fork()
        if not child:
            gc.disable()
            _run_and_exit(call, file.fileno())
        _child, status = os.waitpid(child, 0)
    with open(report) as lines:
        steps = [json.loads(line) for line in lines]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise AssertionError('The operation failed: %s' % steps[-1])
    return os.WIFEXITED(status), steps


def _run_and_exit(call: abc.Callable[[int], None], report: int) -> NoReturn:
    try:
        call(report)
        os._exit(0)
    except BaseException:
        os.write(report, json.dumps(traceback.format_exc()).encode())
        os._exit(1)
