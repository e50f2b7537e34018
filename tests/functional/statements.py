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


"""SQL statements are compiled once per process, not once per test.

Each test has databases of its own, and SQLAlchemy compiles each statement
again for each of them.
"""

from oslo_db.sqlalchemy import engines
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy import util

# Nova and placement have some hundreds of statements.
_compiled = util.LRUCache(2000)


def share_compiled():
    """Let all databases use the same compiled statements.

    Call this once per process, before oslo.db creates an engine.
    """
    # Statements are kept by dialect. Each engine has an instance of its own,
    # but all have the same settings.
    dialect = pysqlite.SQLiteDialect_pysqlite
    dialect.__eq__ = lambda self, other: type(self) is type(other)
    dialect.__hash__ = lambda self: hash(type(self))
    engines._init_connection_args.dispatch_for('sqlite')(_use_compiled)


def _use_compiled(url, engine_args, options):
    engine_args['execution_options'] = {'compiled_cache': _compiled}
