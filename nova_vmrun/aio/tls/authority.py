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

"""A certificate authority of our own, and the certificate that it signs.

The authority and its private key are in one file, so that an interrupted start
cannot separate them. The same holds for the certificate of the services. Only
the authority's certificate, which clients need, is a file without a key.
"""

from collections.abc import Iterator
import contextlib
import datetime
import fcntl
import ipaddress
import os
import pathlib
import re
import socket

from cryptography import exceptions
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography import x509
from cryptography.x509 import oid

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings

# Browsers refuse certificates that are valid for more than 398 days.
LIFETIME = datetime.timedelta(days=397)
_AUTHORITY_LIFETIME = datetime.timedelta(days=20 * 365)
# Not the time when it is made: this machine's clock may be ahead then, and an
# authority cannot be replaced without telling all clients.
_AUTHORITY_START = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
#: A certificate that ends earlier than this is replaced.
RENEWAL = datetime.timedelta(days=60)
# Clocks of clients may be slow.
_BACKDATED = datetime.timedelta(days=1)
_LABEL = r'[a-z0-9][a-z0-9-]{0,62}'
_NAME = re.compile(r'%s(\.%s)*' % (_LABEL, _LABEL), re.IGNORECASE)
_LONGEST_NAME = 253
_ALWAYS = (aio_settings.ADDRESS, '::1')


class Files:
    """Paths of certificates below a state directory.

    :ivar authority: the authority's certificate and private key
    :ivar ca: its certificate alone, for clients
    :ivar server: certificate and private key of the services
    """

    def __init__(self, layout: aio_layout.Layout) -> None:
        self.folder = layout.tls
        self.authority = self.folder / 'authority.pem'
        self.ca = layout.ca
        self.server = self.folder / 'server.pem'
        self.lock = self.folder / 'lock'


class _Pair:
    """A certificate and its private key."""

    def __init__(self, certificate: x509.Certificate,
                 key: ec.EllipticCurvePrivateKey) -> None:
        self.certificate = certificate
        self.key = key

    def begins_after(self, now: datetime.datetime) -> bool:
        return self.certificate.not_valid_before_utc > now

    def ends_within(self, period: datetime.timedelta,
                    now: datetime.datetime) -> bool:
        return self.certificate.not_valid_after_utc < now + period

    def text(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()).decode() + _pem(self.certificate)


def host_names(settings: aio_settings.Settings) -> list[str]:
    """Return the names of this machine that a certificate can hold."""
    names = ['localhost', socket.gethostname(), settings.host]
    return sorted({name.lower() for name in names
                   if _NAME.fullmatch(name) and len(name) <= _LONGEST_NAME})


def ensure(layout: aio_layout.Layout, settings: aio_settings.Settings,
           now: datetime.datetime | None = None) -> list[str]:
    """Make what is missing, and replace what ends soon or does not fit.

    :param settings: with an address to listen on
    :param now: the time, if not the clock's
    :returns: a line about each certificate that was made
    :raises AioError: a file cannot be written
    """
    now = now or datetime.datetime.now(datetime.UTC)
    files = Files(layout)
    files.folder.mkdir(mode=0o700, exist_ok=True)
    made = []
    with _held(files.lock):
        authority = _read(files.authority)
        # A certificate must not outlive the authority that signed it.
        if authority is None or authority.ends_within(LIFETIME, now):
            authority = _make_authority(now)
            aio_settings.write_private(files.authority, authority.text())
            made.append('made a certificate authority; clients need %s'
                        % files.ca)
        public = _pem(authority.certificate)
        if not files.ca.exists() or files.ca.read_text() != public:
            aio_settings.write_private(files.ca, public)
        server = _read(files.server)
        names = _alternative_names(settings)
        if (server is None or server.ends_within(RENEWAL, now)
                # The clock was ahead when it was made.
                or server.begins_after(now)
                or not _is_from(server.certificate, authority.certificate)
                or _names_of(server.certificate) != names):
            server = _make_server(authority, settings, names, now)
            aio_settings.write_private(files.server, server.text())
            made.append('made a certificate for %s, valid until %s' % (
                settings.listen,
                server.certificate.not_valid_after_utc.date()))
    return made


@contextlib.contextmanager
def _held(path: pathlib.Path) -> Iterator[None]:
    """Hold a lock, since each service renews what ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read(path: pathlib.Path) -> _Pair | None:
    """Return what is in a file, or None if it is missing or damaged."""
    try:
        content = path.read_bytes()
        key = serialization.load_pem_private_key(content, None)
        certificate = x509.load_pem_x509_certificate(content)
    except (OSError, ValueError, exceptions.UnsupportedAlgorithm):
        return None
    if (not isinstance(key, ec.EllipticCurvePrivateKey)
            or key.public_key() != certificate.public_key()):
        return None
    return _Pair(certificate, key)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _make_authority(now: datetime.datetime) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    # Two authorities of one name would confuse those who trust both.
    name = _called('nova-vmrun CA %08x' % (serial & 0xffffffff))
    builder = _builder(name, name, key.public_key(), serial,
                       min(_AUTHORITY_START, now - _BACKDATED),
                       now + _AUTHORITY_LIFETIME)
    builder = builder.add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(
        _usage(signs_certificates=True), critical=True)
    return _Pair(builder.sign(key, hashes.SHA256()), key)


def _make_server(authority: _Pair, settings: aio_settings.Settings,
                 names: x509.SubjectAlternativeName,
                 now: datetime.datetime) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    start = now - _BACKDATED
    builder = _builder(
        _called(settings.listen), authority.certificate.subject,
        key.public_key(), x509.random_serial_number(), start,
        start + LIFETIME)
    builder = builder.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(
        _usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage(
        [oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(names, critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(
            authority.key.public_key()), critical=False)
    return _Pair(builder.sign(authority.key, hashes.SHA256()), key)


def _builder(subject: x509.Name, issuer: x509.Name,
             key: ec.EllipticCurvePublicKey, serial: int,
             start: datetime.datetime, end: datetime.datetime
             ) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
    ).subject_name(subject).issuer_name(issuer).public_key(key).serial_number(
        serial).not_valid_before(start).not_valid_after(end).add_extension(
        x509.SubjectKeyIdentifier.from_public_key(key), critical=False)


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid.NameOID.COMMON_NAME, name)])


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False)


def _alternative_names(settings: aio_settings.Settings
                       ) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([
        *(x509.IPAddress(ipaddress.ip_address(address))
          for address in (settings.listen, *_ALWAYS)),
        *map(x509.DNSName, host_names(settings))])


def _names_of(certificate: x509.Certificate
              ) -> x509.SubjectAlternativeName | None:
    try:
        return certificate.extensions.get_extension_for_class(
            x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _is_from(certificate: x509.Certificate,
             authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, exceptions.InvalidSignature):
        return False
    return True
