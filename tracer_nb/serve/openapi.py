"""The service's description for machines, and the page that is made of it for people."""

from __future__ import annotations

import html
import json
from typing import Any

__all__ = ["DOCUMENT", "page"]


def _body(name: str, example: dict[str, Any]) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {
        "required": True,
        "content": {"application/json": {"schema": schema, "example": example}},
    }


def _answer(about: str, name: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"description": about, "content": {"application/json": {"schema": schema}}}


def _refusals(*codes: int) -> dict[str, Any]:
    said = {
        400: "No JSON, or no router is named and there are several.",
        401: "The token is missing or another one.",
        403: "Without a token, only this machine may ask.",
        404: "No router of this name.",
        413: "Above a limit: the body's size, rows, or a text's length.",
        415: "The body is not sent as plain JSON.",
        422: "A row that the router cannot take.",
        502: "The teacher cannot be asked.",
        503: "Too many requests at one time; try again.",
        504: "Not answered in time.",
    }
    return {str(code): _answer(said[code], "Refusal") for code in codes}


_ROUTER = {
    "name": "router",
    "in": "query",
    "required": False,
    "description": "Which router; needed where several are served.",
    "schema": {"type": "string"},
}
_OPEN = _refusals(401, 403, 503, 504)
_POST = _refusals(400, 401, 403, 404, 413, 415, 422, 502, 503, 504)
_CELL = {"type": ["string", "null"]}
_VECTOR = {"type": "array", "items": {"type": "number"}, "minItems": 1}

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "tracer_nb serve",
        "version": "1",
        "description": "Certified routers: the surrogate answers rows that its certificate covers, "
        "the others are deferred to the teacher.",
    },
    "security": [{}, {"token": []}],
    "paths": {
        "/predict": {
            "post": {
                "summary": "Who answers one row, and what.",
                "parameters": [_ROUTER],
                "requestBody": _body("Row", {"text": "where is my parcel?"}),
                "responses": {"200": _answer("One result.", "Results"), **_POST},
            }
        },
        "/predict_batch": {
            "post": {
                "summary": "The same of many rows, in their order.",
                "parameters": [_ROUTER],
                "requestBody": _body("Batch", {"texts": ["where is my parcel?", None]}),
                "responses": {"200": _answer("A result for each row.", "Results"), **_POST},
            }
        },
        "/health": {
            "get": {
                "summary": "Whether the service is up, and, for whoever has the token, what it serves.",
                "responses": {"200": _answer("It is up.", "Health"), **_refusals(403, 503, 504)},
            }
        },
        "/certificate": {
            "get": {
                "summary": "What is promised of the rows that the surrogate answers.",
                "parameters": [_ROUTER],
                "responses": {
                    "200": _answer("The certificate for new rows.", "Certificate"),
                    **_refusals(400, 404),
                    **_OPEN,
                },
            }
        },
        "/metrics": {
            "get": {
                "summary": "Counters for Prometheus.",
                "responses": {
                    "200": {
                        "description": "In its text format.",
                        "content": {"text/plain": {"schema": {"type": "string"}}},
                    },
                    **_OPEN,
                },
            }
        },
        "/openapi.json": {
            "get": {
                "summary": "This document.",
                "responses": {"200": _answer("OpenAPI 3.1.", "Document"), **_OPEN},
            }
        },
        "/docs": {
            "get": {
                "summary": "This document as a page.",
                "responses": {
                    "200": {
                        "description": "HTML without scripts.",
                        "content": {"text/html": {"schema": {"type": "string"}}},
                    },
                    **_OPEN,
                },
            }
        },
    },
    "components": {
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        "schemas": {
            "Row": {
                "type": "object",
                "description": "A text, a vector of the router's own features, or both: then the "
                "vector is routed, and the text is what a teacher reads.",
                "properties": {
                    "text": _CELL,
                    "vector": _VECTOR,
                    "cells": {
                        "type": "object",
                        "description": "Cells of the columns that the prompt names.",
                        "additionalProperties": _CELL,
                    },
                },
                "anyOf": [{"required": ["text"]}, {"required": ["vector"]}],
                "additionalProperties": False,
            },
            "Batch": {
                "type": "object",
                "properties": {
                    "texts": {"type": "array", "items": _CELL},
                    "vectors": {"type": "array", "items": _VECTOR},
                    "cells": {
                        "type": "object",
                        "additionalProperties": {"type": "array", "items": _CELL},
                    },
                },
                "anyOf": [{"required": ["texts"]}, {"required": ["vectors"]}],
                "additionalProperties": False,
            },
            "Result": {
                "type": "object",
                "properties": {
                    "label": {"type": ["string", "null"]},
                    "source": {"enum": ["surrogate", "teacher", "deferred", "abstained", None]},
                    "score": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                    "reason": {
                        "type": "string",
                        "description": 'Why it has its label, or none: "handled: score at least '
                        '0.93", "deferred: score below 0.93; teacher not asked".',
                    },
                },
                "required": ["label", "source", "score", "reason"],
            },
            "Results": {
                "type": "object",
                "properties": {
                    "results": {"type": "array", "items": {"$ref": "#/components/schemas/Result"}}
                },
                "required": ["results"],
            },
            "Health": {
                "type": "object",
                "properties": {"status": {"const": "ok"}, "routers": {"type": "object"}},
                "required": ["status"],
            },
            "Certificate": {
                "type": "object",
                "description": "By tracer_nb.words.certificate_schema().",
            },
            "Document": {"type": "object"},
            "Refusal": {
                "type": "object",
                "properties": {"error": {"type": "string", "description": "Why, in one line."}},
                "required": ["error"],
                "additionalProperties": False,
            },
        },
    },
}
"""OpenAPI 3.1."""

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;"
    "color-scheme:light dark}pre{overflow:auto;padding:.6rem;border:1px solid #8886}"
    "code{font-size:.9em}"
)


def page() -> str:
    """The document as a page: no script, nothing from elsewhere."""
    info = DOCUMENT["info"]
    parts = [f"<h1>{_safe(info['title'])}</h1><p>{_safe(info['description'])}</p>"]
    for path, methods in DOCUMENT["paths"].items():
        for method, about in methods.items():
            parts.append(f"<h2><code>{method.upper()} {_safe(path)}</code></h2>")
            parts.append(f"<p>{_safe(about['summary'])}</p>")
            body = about.get("requestBody")
            if body:
                example = json.dumps(body["content"]["application/json"]["example"])
                parts.append(f"<pre>{_safe(example)}</pre>")
            rows = "".join(
                f"<li>{code}: {_safe(answer['description'])}</li>"
                for code, answer in about["responses"].items()
            )
            parts.append(f"<ul>{rows}</ul>")
    parts.append('<p>For machines: <a href="/openapi.json">/openapi.json</a></p>')
    body = "".join(parts)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{_safe(info["title"])}</title>'
        f"<style>{_STYLE}</style><body>{body}</body></html>\n"
    )


def _safe(text: str) -> str:
    return html.escape(text, quote=True)
