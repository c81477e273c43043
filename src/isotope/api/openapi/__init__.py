"""The OpenAPI 3.1 document, made of the registry."""

from isotope.api.openapi.document import openapi_document
from isotope.api.openapi.schemas import Schemas

__all__ = ["Schemas", "openapi_document"]
