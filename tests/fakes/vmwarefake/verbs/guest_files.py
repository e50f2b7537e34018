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

"""Commands for files in the guest."""

from __future__ import annotations

from vmwarefake import guestops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake.guest import filesystem
    from vmwarefake import session as sessions


def _open(session: sessions.Session,
          words: list[str]) -> filesystem.FileSystem:
    return guestops.files(guestops.open_guest(session, words))


def file_exists(session: sessions.Session, words: list[str]) -> int:
    """Print whether a file exists.

    Sources disagree on the exit code if it does not; here it is 1.
    """
    with guestops.guest_errors():
        there = _open(session, words).is_file(words[1])
    session.line('The file exists.' if there
                 else 'The file does not exist.')
    return 0 if there else 1


def directory_exists(session: sessions.Session, words: list[str]) -> int:
    with guestops.guest_errors():
        there = _open(session, words).is_directory(words[1])
    session.line('The directory exists.' if there
                 else 'The directory does not exist.')
    return 0 if there else 1


def list_directory(session: sessions.Session, words: list[str]) -> None:
    with guestops.guest_errors():
        names = _open(session, words).list(words[1])
    session.line('Directory list: %d' % len(names))
    for name in names:
        session.line(name)


def delete_file(session: sessions.Session, words: list[str]) -> None:
    with guestops.guest_errors():
        _open(session, words).remove_file(words[1])


def create_directory(session: sessions.Session, words: list[str]) -> None:
    with guestops.guest_errors():
        _open(session, words).make_directory(words[1])


def delete_directory(session: sessions.Session, words: list[str]) -> None:
    with guestops.guest_errors():
        _open(session, words).remove_directory(words[1])


def rename(session: sessions.Session, words: list[str]) -> None:
    with guestops.guest_errors():
        _open(session, words).rename(words[1], words[2])


def create_tempfile(session: sessions.Session, words: list[str]) -> None:
    with guestops.guest_errors():
        session.line(_open(session, words).temporary())


def copy_to_guest(session: sessions.Session, words: list[str]) -> None:
    with guestops.guest_errors():
        _open(session, words).copy_in(words[1], words[2])


def copy_to_host(session: sessions.Session, words: list[str]) -> None:
    with guestops.guest_errors():
        _open(session, words).copy_out(words[1], words[2])
