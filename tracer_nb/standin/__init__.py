"""The stand-in teacher: a small local server that speaks the chat-completions protocol.

It answers with the labels of a table, some of them wrong if asked, with latency, the
faults and the manners of real servers. Demos, tests and benchmarks run on it with no key and no network;
it is not a language model, and everything that shows its answers calls it a stand-in. From the command line::

    python -m tracer_nb.standin --data support --wrong 0.04

or, from Python::

    from tracer_nb.standin import Faults, serve

    with serve(table, wrong=0.04, faults=Faults(rate_limit=0.1)) as standin:
        client = openai.AsyncOpenAI(base_url=standin.base_url, api_key="stand-in")
"""

from tracer_nb.standin.batches import BatchRules
from tracer_nb.standin.faults import Faults
from tracer_nb.standin.server import StandIn, serve

__all__ = ["BatchRules", "Faults", "StandIn", "serve"]
