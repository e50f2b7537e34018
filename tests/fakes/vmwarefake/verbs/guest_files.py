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

"""The commands that work on files of the guest."""

from vmwarefake import guestops


def _open(session, words):
    return guestops.files(guestops.open_guest(session, words))


def file_exists(session, words):
    """Sources disagree on the exit code of "does not exist": here 1."""
    with guestops.guest_errors():
        there = _open(session, words).is_file(words[1])
    session.line('The file exists.' if there
                 else 'The file does not exist.')
    return 0 if there else 1


def directory_exists(session, words):
    with guestops.guest_errors():
        there = _open(session, words).is_directory(words[1])
    session.line('The directory exists.' if there
                 else 'The directory does not exist.')
    return 0 if there else 1


def list_directory(session, words):
    with guestops.guest_errors():
        names = _open(session, words).list(words[1])
    session.line('Directory list: %d' % len(names))
    for name in names:
        session.line(name)


def delete_file(session, words):
    with guestops.guest_errors():
        _open(session, words).remove_file(words[1])


def create_directory(session, words):
    with guestops.guest_errors():
        _open(session, words).make_directory(words[1])


def delete_directory(session, words):
    with guestops.guest_errors():
        _open(session, words).remove_directory(words[1])


def rename(session, words):
    with guestops.guest_errors():
        _open(session, words).rename(words[1], words[2])


def create_tempfile(session, words):
    with guestops.guest_errors():
        session.line(_open(session, words).temporary())


def copy_to_guest(session, words):
    with guestops.guest_errors():
        _open(session, words).copy_in(words[1], words[2])


def copy_to_host(session, words):
    with guestops.guest_errors():
        _open(session, words).copy_out(words[1], words[2])
