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

"""Requests to web servers that nobody here trusts."""

import dataclasses
import email.message
import http.client
import time
from typing import IO
import urllib.error
from urllib import parse
import urllib.request

from nova_vmrun import exception

# Where a network has no internet, people still have files.
_OFFLINE = ('Check the network and the proxy (https_proxy). Without internet, '
            'get the image in another way, and run "nova-vmrun launch FILE".')
_USER_AGENT = 'nova-vmrun'
# Bytes of a file of checksums; Fedora's and Debian's have some kilobytes.
_LONGEST_TEXT = 1 << 20


@dataclasses.dataclass(frozen=True)
class Limits:
    """How long we put up with a bad server.

    :ivar timeout: seconds within which a server must send something
    :ivar window: seconds over which the speed is measured
    :ivar slowest: bytes per second
    :ivar attempts: how often to try without getting anything new
    :ivar pause: seconds between two attempts
    :ivar reserve: bytes to leave free on the file system
    """

    timeout: float = 30
    window: float = 60
    slowest: int = 1024
    attempts: int = 5
    pause: float = 2
    reserve: int = 256 << 20


LIMITS = Limits()


class DownloadFailed(exception.VmrunError):
    """A file could not be downloaded."""


class Interrupted(DownloadFailed):
    """A transfer broke off; another attempt may help."""


class Unreachable(Interrupted):
    """There is no connection to the server."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a few redirects, and none from https to http."""

    max_redirections = 6
    max_repeats = 2

    def redirect_request(self, req: urllib.request.Request, fp: IO[bytes],
                         code: int, msg: str,
                         headers: http.client.HTTPMessage, newurl: str
                         ) -> urllib.request.Request | None:
        new = parse.urlsplit(newurl)
        if req.type == 'https' and new.scheme != 'https':
            raise DownloadFailed(
                '%s cannot be downloaded safely.' % req.full_url,
                'The server redirects to %s, which is not encrypted.' % newurl,
                'Name another address of the image.')
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """Return an opener for http and https only.

    It obeys http_proxy, https_proxy and no_proxy.
    """
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.ProxyHandler(),
                    urllib.request.UnknownHandler(),
                    urllib.request.HTTPHandler(),
                    urllib.request.HTTPSHandler(), _Redirects(),
                    urllib.request.HTTPDefaultErrorHandler(),
                    urllib.request.HTTPErrorProcessor()):
        opener.add_handler(handler)
    return opener


def get(address: str, limits: Limits = LIMITS,
        headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
    """Open an address.

    :param address: http or https
    :raises urllib.error.HTTPError: the server answers with a status of 416;
        the caller asked for a part that there is not
    :raises Unreachable: there is no connection
    :raises Interrupted: the server or the network has a problem that may pass
    :raises DownloadFailed: there is no use in trying again
    """
    request = urllib.request.Request(address, headers={
        'User-Agent': _USER_AGENT, 'Accept-Encoding': 'identity',
        **(headers or {})})
    try:
        response: http.client.HTTPResponse = _opener().open(
            request, timeout=limits.timeout)
        return response
    except urllib.error.HTTPError as error:
        if error.code == 416:
            raise
        error.close()
        raise _refused(address, error) from None
    except urllib.error.URLError as error:
        raise Unreachable(
            'Cannot reach %s.' % parse.urlsplit(address).hostname,
            '%s.' % error.reason, _OFFLINE) from None
    except (OSError, http.client.HTTPException) as error:
        raise broke_off(address, error) from None


def broke_off(address: str, error: Exception) -> Interrupted:
    """Return the error for a connection that failed."""
    return Interrupted(
        'The download of %s broke off.' % address,
        '%s: %s.' % (type(error).__name__, error), _OFFLINE)


def text(address: str, limits: Limits = LIMITS) -> str:
    """Return a short text.

    :raises DownloadFailed: it cannot be downloaded, or is long
    """
    for _ in range(limits.attempts - 1):
        try:
            return _text(address, limits)
        except Unreachable:
            raise
        except Interrupted:
            time.sleep(limits.pause)
    return _text(address, limits)


def _text(address: str, limits: Limits) -> str:
    with get(address, limits) as response:
        try:
            data = response.read(_LONGEST_TEXT + 1)
        except (OSError, http.client.HTTPException) as error:
            raise broke_off(address, error) from None
        expected = length(response.headers)
    if len(data) > _LONGEST_TEXT:
        raise DownloadFailed(
            '%s is too long.' % address,
            'It has more than %d bytes.' % _LONGEST_TEXT,
            'Name the address of a file of checksums.')
    if expected is not None and len(data) < expected:
        raise Interrupted('The download of %s broke off.' % address,
                          'It has %d bytes, and %d came.'
                          % (expected, len(data)), _OFFLINE)
    return data.decode('utf-8', 'replace')


def length(headers: email.message.Message) -> int | None:
    """Return the Content-Length, or None if there is no sensible one."""
    value = headers.get('Content-Length', '').strip()
    return int(value) if value.isascii() and value.isdigit() else None


def _refused(address: str, error: urllib.error.HTTPError) -> DownloadFailed:
    if 300 <= error.code < 400:
        return DownloadFailed(
            '%s cannot be downloaded.' % address,
            'Its redirects lead nowhere: %s.'
            % ' '.join(str(error.reason).split()).rstrip('.'),
            'Name another address of the image.')
    kind = (Interrupted if error.code in (408, 425, 429) or error.code >= 500
            else DownloadFailed)
    return kind(
        '%s cannot be downloaded.' % address,
        'The server answers %d %s.' % (error.code, error.reason),
        'If the publisher has moved the image, name its new address, or '
        'correct it in your own catalogue.')
