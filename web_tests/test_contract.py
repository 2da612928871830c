"""The API answers as its own description says, whatever it is asked; Schemathesis asks."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_what_the_api_answers_is_what_its_description_says(
    application: FastAPI, mode: GenerationMode
) -> None:
    described = schemathesis.openapi.from_asgi("/api/openapi.json", application)
    operations = [each.ok() for each in described.get_all_operations()]
    assert len(operations) > 6
    asked = 0
    for operation in operations:

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
        def ask(case: Any) -> None:
            case.call_and_validate(checks=CHECKS)

        # What takes no parameter, or any text, cannot be asked wrongly.
        with suppress(*([Unsatisfiable] if mode is GenerationMode.NEGATIVE else [])):
            ask()
            asked += 1
    assert asked >= (len(operations) if mode is GenerationMode.POSITIVE else 3)
