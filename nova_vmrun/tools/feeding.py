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

"""Write the standard input of a program while it runs."""

from collections.abc import Callable
import logging
import threading
from typing import BinaryIO

LOG = logging.getLogger(__name__)

# Seconds for the thread to notice that the program has ended.
_END_SECONDS = 30


class Feeding:
    """The standard input of one program.

    :param write: gets the standard input, and runs in a thread; None: the
        input is empty
    """

    def __init__(self, write: Callable[[BinaryIO], None] | None) -> None:
        self._write = write
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    def begin(self, stdin: BinaryIO) -> None:
        """Begin to write, or close the input if there is nothing to write.

        :param stdin: of the program, which nobody else writes to or closes
        """
        if self._write is None:
            stdin.close()
            return
        # Its file may be on a drive that does not answer: wait for no thread.
        self._thread = threading.Thread(target=self._run, args=(stdin,),
                                        name='vmrun-feed', daemon=True)
        self._thread.start()

    def _run(self, stdin: BinaryIO) -> None:
        assert self._write is not None
        try:
            with stdin:
                self._write(stdin)
        except BrokenPipeError:
            # The program has ended; its output says why.
            LOG.debug('A program has not read all of its input')
        except Exception as error:
            self._error = error

    def end(self) -> None:
        """Raise what has gone wrong, once the program has ended.

        :raises Exception: what the function has raised, except that the
            program no longer read
        """
        if self._thread is None:
            return
        self._thread.join(_END_SECONDS)
        if self._error is not None:
            raise self._error
