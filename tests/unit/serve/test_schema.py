"""What the OpenAPI document says holds, for requests made of it."""

from __future__ import annotations

import schemathesis

# Loaded here, not by the first request that is drawn: pytest rewrites what it imports of its
# plugins, and within hypothesis's deep stack Python 3.11's parser can fail at that.
import schemathesis.generation.body_overrides
import schemathesis.generation.dictionaries
import schemathesis.specs.openapi.object_authorization
import schemathesis.transport.asgi
import schemathesis.transport.wsgi
import schemathesis.wfc.escalation
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tracer_nb.serve.openapi import DOCUMENT

SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
CASES = SCHEMA.as_strategy(generation_mode=GenerationMode.POSITIVE)
WRONG = SCHEMA.as_strategy(generation_mode=GenerationMode.NEGATIVE)
quick = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@quick
@given(case=CASES)
def test_what_fits_the_document_is_answered_by_it(service, case):
    response = case.call(base_url=f"http://127.0.0.1:{service.port}")
    # A vector's width and which router takes texts are the routers', not the document's.
    case.validate_response(response, excluded_checks=[positive_data_acceptance])


@quick
@given(case=WRONG)
def test_what_does_not_fit_it_is_refused_by_it(service, case):
    response = case.call(base_url=f"http://127.0.0.1:{service.port}")
    case.validate_response(response)
