"""The exchange about one text: ask, read, ask once more if need be, and count the cost."""

from __future__ import annotations

from tracer_nb.records import Answer
from tracer_nb.teachers.bill import Bill
from tracer_nb.teachers.costs import CUT, Costs
from tracer_nb.teachers.endpoint import Endpoint
from tracer_nb.teachers.failures import RequestFailed
from tracer_nb.teachers.forms import Form
from tracer_nb.teachers.notices import Notices
from tracer_nb.teachers.prompt import ChatPrompt
from tracer_nb.teachers.reading import quoted, read_label
from tracer_nb.teachers.reply import Reply

__all__ = ["converse", "read_once"]


async def converse(
    endpoint: Endpoint,
    prompt: ChatPrompt,
    costs: Costs,
    text: str,
    turn: int = 0,
    *,
    notices: Notices,
) -> Answer:
    """Get one answer for ``text``; ``turn`` counts its repeats.

    What is odd about a reply beyond this text goes to ``notices``.

    An answer that is no label is repaired once. A refusal is not, nor one cut short by the
    token limit, which would only be cut short again: both are paid answers and are kept.

    Raises
    ------
    TeacherError
        No text would get an answer.
    """
    bill = Bill(costs, text)
    wrong: Reply | None = None
    order = prompt.order(text, turn)

    def compose(form: Form) -> list[dict[str, str]]:
        if wrong is None:
            return prompt.messages(text, form, turn)
        return prompt.repair(text, form, wrong.said, turn)

    while True:
        try:
            reply = await endpoint.ask(compose, bill)
        except RequestFailed as e:
            return bill.answer(None, reason=str(e), keep=False)
        found = read_label(reply, order, prompt.match)
        if wrong is None and not turn:
            notices.note_prompt(reply, prompt, text)
        notices.note_reading(reply, found)
        if found.label is not None and not reply.refused:
            mode = found.mode if wrong is None else f"{found.mode}, repaired"
            return bill.answer(found.label, mode=mode, probabilities=found.probabilities)
        is_final = reply.refused or reply.truncated
        if is_final or wrong is not None or not bill.left:
            return bill.answer(None, reason=_reason(reply))
        wrong = reply


def read_once(
    reply: Reply | None, prompt: ChatPrompt, costs: Costs, text: str, notices: Notices
) -> Answer:
    """Answer in the one reply there is; None stands for one that cannot be read.

    What a second question might repair is not to be kept as an answer.
    """
    bill = Bill(costs, text)
    if reply is None:
        bill.add_unread()
        return bill.answer(None, reason="the reply was not readable", keep=False)
    bill.add(reply)
    if reply.failed:
        return bill.answer(None, reason=f"the server failed: {reply.failed}", keep=False)
    found = read_label(reply, prompt.order(text), prompt.match)
    notices.note_prompt(reply, prompt, text)
    notices.note_reading(reply, found)
    if found.label is not None and not reply.refused:
        return bill.answer(found.label, mode=found.mode, probabilities=found.probabilities)
    is_final = reply.refused or reply.truncated
    return bill.answer(None, reason=_reason(reply), keep=is_final)


def _reason(reply: Reply) -> str:
    if reply.refused:
        return "refused"
    if reply.truncated:
        return CUT
    if reply.empty:
        return "the reply holds no choice"
    if not reply.said.strip():
        return "the answer is empty"
    return f"answer is not one of the labels: {quoted(reply.said)}"
