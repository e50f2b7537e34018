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

import datetime
import ipaddress
import os
import socket
import stat
import subprocess

from cryptography import x509

from nova_vmrun.aio.tls import authority
from tests.unit.aio import base

_DAY = datetime.timedelta(days=1)


class AuthorityTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.settings.listen = '192.0.2.7'
        self.files = authority.Files(self.layout)
        self.now = datetime.datetime.now(datetime.UTC)

    def ensure(self, after=0 * _DAY):
        return authority.ensure(self.layout, self.settings, self.now + after)

    def names(self):
        found = self.certificate().extensions.get_extension_for_class(
            x509.SubjectAlternativeName).value
        return (set(map(str, found.get_values_for_type(x509.IPAddress))),
                set(found.get_values_for_type(x509.DNSName)))

    def certificate(self):
        return x509.load_pem_x509_certificate(self.files.server.read_bytes())

    def test_a_strict_reader_accepts_the_certificate(self):
        self.ensure()
        subprocess.run(
            ['openssl', 'verify', '-x509_strict', '-purpose', 'sslserver',
             '-verify_ip', '192.0.2.7', '-CAfile', self.files.ca,
             self.files.server], check=True, capture_output=True)

    def test_addresses_and_names_of_this_machine(self):
        self.patch(socket, 'gethostname', lambda: 'Lab-1.example')
        self.ensure()
        self.assertEqual(
            ({'192.0.2.7', '127.0.0.1', '::1'},
             {'localhost', 'lab-1.example', 'laptop'}), self.names())

    def test_a_host_that_has_no_name_of_the_dns(self):
        # A pattern once took years to find that this is none.
        self.settings.host = 'workstation-of-the-lab-number-1_x'
        self.patch(socket, 'gethostname', lambda: 'x' * 300)
        self.assertEqual(['localhost'],
                         authority.host_names(self.settings))

    def test_private_keys_are_closed_to_others(self):
        self.ensure()
        self.assertEqual(0o700, stat.S_IMODE(
            os.stat(self.files.folder).st_mode))
        for path in (self.files.authority, self.files.server):
            self.assertEqual(0o600, stat.S_IMODE(path.stat().st_mode))
            self.assertIn('PRIVATE KEY', path.read_text())
        self.assertNotIn('PRIVATE', self.files.ca.read_text())

    def test_nothing_changes_without_a_reason(self):
        self.assertEqual(2, len(self.ensure()))
        before = [path.read_text() for path in (
            self.files.authority, self.files.ca, self.files.server)]
        self.assertEqual([], self.ensure(_DAY))
        self.assertEqual(before, [path.read_text() for path in (
            self.files.authority, self.files.ca, self.files.server)])

    def test_another_address_gets_another_certificate(self):
        self.ensure()
        ca = self.files.ca.read_text()
        self.settings.listen = '192.0.2.8'
        [line] = self.ensure()
        self.assertIn('192.0.2.8', line)
        self.assertIn('192.0.2.8', self.names()[0])
        self.assertNotIn('192.0.2.7', self.names()[0])
        self.assertEqual(ca, self.files.ca.read_text())

    def test_a_certificate_is_renewed_before_it_ends(self):
        self.ensure()
        first = self.certificate()
        left = first.not_valid_after_utc - self.now - authority.RENEWAL
        self.assertEqual([], self.ensure(left - _DAY))
        self.assertEqual(1, len(self.ensure(left + _DAY)))
        self.assertEqual(first.not_valid_after_utc.date() + 337 * _DAY,
                         self.certificate().not_valid_after_utc.date())

    def test_an_authority_is_replaced_before_a_certificate_outlives_it(self):
        self.ensure()
        ca = self.files.ca.read_text()
        made = self.ensure(19 * 365 * _DAY)
        self.assertEqual(2, len(made))
        self.assertIn(str(self.files.ca), made[0])
        self.assertNotEqual(ca, self.files.ca.read_text())
        issuer = x509.load_pem_x509_certificate(self.files.ca.read_bytes())
        self.certificate().verify_directly_issued_by(issuer)

    def test_a_clock_that_was_ahead(self):
        self.ensure(800 * _DAY)
        ca = self.files.ca.read_text()
        self.assertEqual(1, len(self.ensure()))
        self.assertLess(self.certificate().not_valid_before_utc, self.now)
        # Clients know the authority already.
        self.assertEqual(ca, self.files.ca.read_text())
        subprocess.run(
            ['openssl', 'verify', '-x509_strict', '-purpose', 'sslserver',
             '-CAfile', self.files.ca, self.files.server],
            check=True, capture_output=True)

    def test_a_clock_that_was_set_back(self):
        self.ensure()
        ca = self.files.ca.read_text()
        self.assertEqual(1, len(self.ensure(-40 * 365 * _DAY)))
        self.assertEqual(1, len(self.ensure()))
        self.assertEqual(ca, self.files.ca.read_text())

    def test_a_start_that_was_interrupted_at_any_file(self):
        self.ensure()
        ca = self.files.ca.read_text()
        self.files.ca.unlink()
        self.files.server.write_text('half')
        self.assertEqual(1, len(self.ensure()))
        self.assertEqual(ca, self.files.ca.read_text())
        self.assertIn(ipaddress.ip_address('192.0.2.7'), map(
            ipaddress.ip_address, self.names()[0]))

    def test_a_lost_authority_makes_a_new_certificate_too(self):
        self.ensure()
        self.files.authority.unlink()
        self.assertEqual(2, len(self.ensure()))
        issuer = x509.load_pem_x509_certificate(self.files.ca.read_bytes())
        self.certificate().verify_directly_issued_by(issuer)
