"""Manners of answering: where the label stands in a reply, and what stands around it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tracer_nb.standin.manners.manner import Manner, Occasion, Refusal, write

__all__ = ["READINGS"]

_READ = "read; its form is recorded as text"
_NONE = "no label, paid; nothing is guessed, and the reason says what came"


def _content(make: Callable[[Occasion], Any]) -> Callable[[dict[str, Any], Occasion], None]:
    """Let the content be what ``make`` gives."""
    return lambda said, occasion: write(said, make(occasion))


def _object(occasion: Occasion) -> dict[str, str]:
    return {"label": occasion.label}


def _call(name: str, arguments: Any) -> list[dict[str, Any]]:
    function = {"name": name, "arguments": arguments}
    return [{"id": "call-1", "type": "function", "function": function}]


def _called(name: str, make: Callable[[Occasion], Any]) -> Any:
    return lambda said, o: write(said, None, tool_calls=_call(name, make(o)))


def _thinking(occasion: Occasion) -> str:
    return f"First I thought {occasion.wrong}. But no, it must be something else."


def _parts(occasion: Occasion) -> list[dict[str, Any]]:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": _thinking(occasion)}]}
    return [thought, {"type": "text", "text": occasion.content}]


def _babbled(said: dict[str, Any], occasion: Occasion) -> None:
    write(said, f"<think>\n{_thinking(occasion)} And yet, and yet, and yet")
    said["choices"][0]["finish_reason"] = "length"


def _half_a_character(said: dict[str, Any], occasion: Occasion) -> None:
    write(said, f"{occasion.content}\n\ud83d")
    said["model"] = "m\ud83d"


def _only_functions(occasion: Occasion) -> Refusal | None:
    if "response_format" not in occasion.body:
        return None
    said = "response_format is not supported, on purpose"
    return Refusal(400, {"error": {"message": said, "type": "invalid_request_error"}})


READINGS = (
    Manner(
        name="parsed",
        does="gives the object in `message.parsed`, and no content",
        who=("gateways that parse",),
        we="read as the answer in the form asked for",
        say=lambda said, o: write(said, None, parsed=_object(o)),
    ),
    Manner(
        name="content-object",
        does="gives the content as an object, not as text",
        who=("Cloudflare Workers AI",),
        we="read as the answer in the form asked for",
        say=_content(_object),
    ),
    Manner(
        name="content-parts",
        does="gives the content in parts, thoughts first",
        who=("Mistral",),
        we="the parts that are text are read, thoughts are not",
        say=_content(_parts),
    ),
    Manner(
        name="encoded-twice",
        does="encodes the object twice",
        who=("small models", "gateways that encode what is encoded"),
        we=_READ,
        say=_content(lambda o: json.dumps(o.content)),
    ),
    Manner(
        name="arguments-twice",
        does="takes functions only, and encodes their arguments twice",
        who=("gateways that encode what is encoded",),
        we="read as a function call",
        refuse=_only_functions,
        say=_called("answer", lambda o: json.dumps(json.dumps(_object(o)))),
    ),
    Manner(
        name="arguments-object",
        does="takes functions only, and gives their arguments as an object",
        who=("proxies of Ollama's own protocol",),
        we="read as a function call",
        refuse=_only_functions,
        say=_called("answer", _object),
    ),
    Manner(
        name="call-unasked",
        does="answers a schema with a call of a function that nobody named",
        who=("LiteLLM proxy",),
        we=_READ,
        say=_called("json_tool_call", lambda o: json.dumps(_object(o))),
    ),
    Manner(
        name="call-written",
        does="writes the function call into the content",
        who=("llama.cpp", "small models"),
        we=_READ,
        say=_content(lambda o: json.dumps({"name": "answer", "arguments": _object(o)})),
    ),
    Manner(
        name="schema-ignored",
        does="takes the schema and answers with the bare label",
        who=("Anthropic", "FastFlowLM"),
        we=_READ,
        say=_content(lambda o: o.label),
    ),
    Manner(
        name="fences",
        does="puts the object into a code fence",
        who=("Venice", "FastFlowLM"),
        we=_READ,
        say=_content(lambda o: f"```json\n{o.content}\n```"),
    ),
    Manner(
        name="prose",
        does="writes sentences around a code fence with the object",
        who=("models without a grammar",),
        we=_READ,
        say=_content(lambda o: f"Sure! Here it is:\n\n```json\n{o.content}\n```\n\nShall I go on?"),
    ),
    Manner(
        name="in-a-sentence",
        does="writes the object into a sentence",
        who=("models without a grammar",),
        we=_READ,
        say=_content(lambda o: f"My answer is {json.dumps(_object(o))}, as asked."),
    ),
    Manner(
        name="marks",
        does="leaves the marks of its template around the object",
        who=("llama.cpp", "vLLM"),
        we=_READ,
        say=_content(lambda o: f"\ufeff<|im_start|>assistant\n{json.dumps(_object(o))}<|im_end|>"),
    ),
    Manner(
        name="named",
        does="writes `**Label:** X`",
        who=("models without a grammar",),
        we=_READ,
        say=_content(lambda o: f"**Label:** {o.label}"),
    ),
    Manner(
        name="said-twice",
        does="gives the same object twice",
        who=("small models",),
        we=_READ,
        say=_content(lambda o: f"{json.dumps(_object(o))}\n{json.dumps(_object(o))}"),
    ),
    Manner(
        name="nested",
        does="puts the object into another one, with fields of its own",
        who=("models without a grammar",),
        we=_READ,
        say=_content(lambda o: json.dumps({"answer": {**_object(o), "sure": 0.9}, "n": 1})),
    ),
    Manner(
        name="thoughts",
        does="thinks aloud first, and weighs another label",
        who=("vLLM", "llama.cpp", "Ollama"),
        we="what stands before the end of the last thought is not read",
        say=_content(lambda o: f"<think>\n{_thinking(o)}\n</think>\n\n{o.content}"),
    ),
    Manner(
        name="thoughts-headless",
        does="thinks aloud, and leaves out where that begins",
        who=("vLLM", "SGLang"),
        we="what stands before the end of the last thought is not read",
        say=_content(lambda o: f"{_thinking(o)}\n</think>\n\n{o.content}"),
    ),
    Manner(
        name="reasoning-content",
        does="gives the object in `reasoning_content`, and `null` as content",
        who=("vLLM", "SGLang"),
        we=_READ,
        say=lambda said, o: write(said, None, reasoning_content=json.dumps(_object(o))),
    ),
    Manner(
        name="reasoning-empty",
        does='gives the object in `reasoning_content`, and "" as content',
        who=("vLLM",),
        we=_READ,
        say=lambda said, o: write(said, "", reasoning_content=json.dumps(_object(o))),
    ),
    Manner(
        name="reasoning-prose",
        does="gives thoughts in `reasoning_content`, and `null` as content",
        who=("vLLM", "SGLang"),
        we=_NONE,
        ends="none",
        say=lambda said, o: write(said, None, reasoning_content=f"It may be {o.label}."),
    ),
    Manner(
        name="thoughts-endless",
        does="thinks until the limit on the answer",
        who=("llama.cpp", "small models"),
        we="no label, paid; after a few the run stops, with advice",
        ends="none",
        say=_babbled,
    ),
    Manner(
        name="two-labels",
        does="gives two objects with different labels",
        who=("small models",),
        we=_NONE,
        ends="none",
        say=_content(lambda o: f"{json.dumps(_object(o))} or {json.dumps({'label': o.other})}"),
    ),
    Manner(
        name="talk",
        does="talks about labels, and names none as its answer",
        who=("small models",),
        we=_NONE,
        ends="none",
        say=_content(lambda o: f"It could be {o.label}, but then again {o.other}."),
    ),
    Manner(
        name="denied",
        does="says what the label is not",
        who=("small models",),
        we=_NONE,
        ends="none",
        say=_content(lambda o: f"not {o.label}"),
    ),
    Manner(
        name="content-deep",
        does="nests its content 480 deep",
        we=_NONE,
        ends="none",
        say=_content(lambda _: "[" * 480 + "]" * 480),
    ),
    Manner(
        name="surrogate",
        does="writes half of a character beside the label, and in the name of the model",
        who=("servers that cut text between bytes",),
        we="read; what cannot be stored is replaced, and blocks no other row",
        say=_half_a_character,
    ),
)  # fmt: skip
"""Places and surroundings of a label."""
