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

"""Files of checksums, in which publishers say what an image must be."""

import hashlib
import re

from nova_vmrun.cmd.launch import catalogue
from nova_vmrun import exception

_PLAIN = re.compile(r'([0-9A-Fa-f]+) [ *](.+)')
_TAGGED = re.compile(r'([A-Za-z0-9]+) \((.+)\) = ([0-9A-Fa-f]+)')
_BARE = re.compile(r'[0-9A-Fa-f]+')


def find(text: str, form: catalogue.ChecksumFormat, algorithm: str,
         name: str) -> str:
    """Return the digest of a file, in lower case.

    Lines may be as sha256sum writes them, with or without --tag. Text between
    them, such as a signature, is skipped. Signatures are not checked.

    :param text: the file of checksums
    :param algorithm: of the digests, as hashlib names it
    :param name: of the image, without a folder
    :raises InvalidInput: there is no digest for it, or there are two
    """
    length = 2 * hashlib.new(algorithm, usedforsecurity=False).digest_size
    is_single = form is catalogue.ChecksumFormat.SINGLE
    found = set()
    for line in text.splitlines():
        digest, of = _parse(line.strip(), algorithm)
        if len(digest) == length and (is_single or of in (name, './' + name)):
            found.add(digest.lower())
    if len(found) != 1:
        raise exception.InvalidInput(
            'The publisher has %s for %s.' % (
                'several checksums' if found else 'no checksum', name),
            'The file of checksums was read as a "%s" of %s.'
            % (form.value, algorithm),
            'If the publisher has changed something, correct the image in '
            'your own catalogue.')
    return found.pop()


def _parse(line: str, algorithm: str) -> tuple[str, str | None]:
    """Return the digest in a line, or an empty text, and the file name."""
    if match := _TAGGED.fullmatch(line):
        return (match[3] if match[1].lower() == algorithm else ''), match[2]
    if match := _PLAIN.fullmatch(line):
        return match[1], match[2]
    return (line, None) if _BARE.fullmatch(line) else ('', None)
