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

"""Regular expressions that users write, matched in a time that is bounded.

"openstack server list --name" takes one. With Python's engine, an expression
such as (a+)+$ can take years for a name of 40 letters, and nothing else runs
in the process meanwhile: one project would stop the API of all. RE2 needs time
in proportion to the text. It knows no lookaround and no back-references, so
these are refused.
"""

import functools
from typing import Any

import re2

_CACHED = 128


@functools.lru_cache(_CACHED)
def _compiled(expression: str) -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    return re2.compile(expression, options)


def matches(expression: str, text: str) -> bool:
    """Return whether an expression matches a part of a text, in any case.

    :raises re2.error: RE2 does not know the expression
    """
    return _compiled(expression).search(text) is not None


def install() -> None:
    """Let Nova's API refuse what RE2 does not know, with status 400."""
    from nova.api.validation import validators

    checker = validators._FORMAT_CHECKER
    accepts, _errors = checker.checkers['regex']
    checker.checks('regex')(_accepted_by_both(accepts))


def _accepted_by_both(accepts: Any) -> Any:
    def check(value: object) -> bool:
        if not accepts(value):
            return False
        try:
            _compiled(str(value))
        except re2.error:
            return False
        return True
    return check
