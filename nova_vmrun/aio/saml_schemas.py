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

"""Patch that loads the XML schemas of SAML when a document needs them.

Keystone imports pysaml2, which compiles eleven schemas at once. That takes a
good part of Keystone's start and of its memory, and only a federation with
identity providers ever validates a document.
"""

import importlib
import sys
import types
from typing import Any

_NAME = 'saml2.xml.schema'


class XMLSchemaError(Exception):
    """A document does not fit its schema."""


def install() -> None:
    """Patch pysaml2 in this process, before Keystone imports it."""
    if _NAME in sys.modules:
        return
    module = types.ModuleType(_NAME, __doc__)
    vars(module).update(validate=_validate, XMLSchemaError=XMLSchemaError)
    sys.modules[_NAME] = module


def _validate(doc: Any, validator: Any = None) -> None:
    """Validate a document as the function of the same name in pysaml2 does.

    :raises XMLSchemaError: it does not fit
    """
    if sys.modules[_NAME].__spec__ is None:
        # It is the stand-in.
        del sys.modules[_NAME]
    schemas: Any = importlib.import_module(_NAME)
    try:
        schemas.validate(doc, validator)
    except schemas.XMLSchemaError as error:
        raise XMLSchemaError(*error.args) from error
