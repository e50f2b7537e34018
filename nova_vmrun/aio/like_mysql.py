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

"""Patch that makes SQLite store and compare values as MySQL does.

OpenStack runs on MySQL nearly everywhere. There, times have whole seconds, and
names that differ only in case are equal: in filters, in regular expressions
and where a name must be unique. Columns for which a project requests a binary
comparison from MySQL keep it.
"""

from typing import Any

import sqlalchemy
from sqlalchemy.dialects.sqlite import base as dialect
from sqlalchemy import event
from sqlalchemy import pool

from nova_vmrun.aio import linear_regex

_WHOLE_SECONDS = ('%(year)04d-%(month)02d-%(day)02d '
                  '%(hour)02d:%(minute)02d:%(second)02d.000000')
_FLAG = 'nova_vmrun_regexp'


def install() -> None:
    """Patch SQLAlchemy's SQLite dialect, once for the process.

    It has no options for this; tests/unit/aio/test_like_mysql.py fails if the
    replaced names disappear.
    """
    dialect.DATETIME._storage_format = _WHOLE_SECONDS
    compiler = dialect.SQLiteDDLCompiler
    if not getattr(compiler, _FLAG, False):
        setattr(compiler, _FLAG, True)
        setattr(compiler, 'get_column_specification', _ignoring_case(
            compiler.get_column_specification))
        event.listen(pool.Pool, 'checkout', _on_checkout)


def _ignoring_case(specify: Any) -> Any:
    def wrapper(self: Any, column: sqlalchemy.Column[Any],
                **options: Any) -> str:
        text: str = specify(self, column, **options)
        if (isinstance(column.type, sqlalchemy.String)
                and not column.type.collation and not _is_binary(column)):
            text += ' COLLATE NOCASE'
        return text
    return wrapper


def _is_binary(column: sqlalchemy.Column[Any]) -> bool:
    collation = column.table.kwargs.get('mysql_collate', '')
    return bool(collation.endswith('_bin'))


def _on_checkout(connection: Any, record: Any, proxy: Any) -> None:
    # oslo.db defines REGEXP for each new connection after all other listeners,
    # so it can be replaced only when a connection is checked out.
    if hasattr(connection, 'create_function') and _FLAG not in record.info:
        connection.create_function('regexp', 2, _regexp)
        record.info[_FLAG] = True


def _regexp(expression: str, item: Any) -> bool:
    return linear_regex.matches(expression, str(item))
