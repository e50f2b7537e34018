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

from nova_vmrun.formats import sha512_crypt
from tests.unit import base


class Sha512CryptTestCase(base.TestCase):

    def test_hashes_that_libcrypt_makes(self):
        for password, expected in (
                ('Hello world!',
                 '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnI'
                 'FNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1'),
                ('p\xe4"\'w',
                 '$6$./09AZaz$n6qT.HfYtzYu1NXA/qX/H/hb3L31tbu.UhTbmm1vIafB2Doy'
                 'BBcCJd8mYUWTIB1sV2kxJoIFCKWtHhucEEkhU1'),
                ('x' * 511,
                 '$6$0123456789abcdef$4LTRE3t9o5znFveBTJaNJz6VjLuFKOqwNLGZiQU8'
                 '/TAB0WunYqYSz5QTYg.rFny8JdN7QD.FLHvfZbTgF0abo.'),
                ('y' * 64,
                 '$6$z$tCCuprkLzIRHuczxVcC/NZNtXnaS5ql21mos7qkKzJhflOiGyER7wKZ'
                 'PuXPgIj4gHmd/Nfca50PDfLsG/BMt4/')):
            salt = expected.split('$')[2]
            self.assertEqual(expected,
                             sha512_crypt.hashed(password, salt))

    def test_each_hash_has_a_salt_of_its_own(self):
        first, second = (sha512_crypt.hashed('x') for _ in range(2))
        self.assertNotEqual(first, second)
        self.assertRegex(first, r'^\$6\$[./0-9A-Za-z]{16}\$[./0-9A-Za-z]{86}$')
        self.assertEqual(first,
                         sha512_crypt.hashed('x', first.split('$')[2]))
