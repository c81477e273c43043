"""schemathesis against the served document: what it promises is kept for inputs that nobody thought of.

Whether values are taken or refused is the business of other tests (the API forgives more than its schemas say); here it
counts that every answer is documented: its status, its content type, its headers, its shape, and never a 5xx.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from isotope.api.sections import operations
from tests.kit.http import credentials
from tests.kit.server import Served, serve

EXAMPLES = 12
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OPERATIONS = [(operation.method, operation.path) for operation in operations()]


@pytest.fixture(scope="module")
def served(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("api")
    with serve(module_database_url, folder) as running:
        yield running


@pytest.fixture(scope="module")
def schema(served: Served) -> Any:
    return schemathesis.openapi.from_url(f"{served.url}/api/docs/openapi.json")


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[operation.id for operation in operations()])
def test_what_is_promised_is_kept(served: Served, schema: Any, method: str, path: str, mode: GenerationMode) -> None:
    headers = credentials(served.world.key, served.world.secret)

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        if isinstance(case.body, dict) and "user_id" in case.body:
            case.body["user_id"] = served.world.rider.id
        case.call_and_validate(base_url=served.url, headers=headers, checks=CHECKS, timeout=30)

    check()


def test_the_document_is_valid(schema: Any) -> None:
    schema.validate()
