"""The page may ask for what is in a short table, and for nothing else."""

import pytest

from tracer_nb.errors import InvalidInput
from tracer_nb.widgets.panel.actions import read_message


def test_a_message_is_read():
    message = read_message({"do": "stop", "number": 3, "run": 2})
    assert (message.do, message.number, message.run, message.values) == ("stop", 3, 2, {})
    message = read_message({"do": "draft", "number": 3, "run": 2, "values": {"target": "0.9"}})
    assert message.values == {"values": {"target": "0.9"}}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "which is no message"),
        ("stop", "which is no message"),
        ({}, "no action of the panel 'None'"),
        ({"do": "__class__", "number": 1, "run": 1}, "no action of the panel '__class__'"),
        ({"do": ["stop"], "number": 1, "run": 1}, "no action of the panel"),
        ({"do": "stop", "run": 1}, "without its number"),
        ({"do": "stop", "number": 1, "run": "1"}, "without its number"),
        ({"do": "stop", "number": True, "run": 1}, "without its number"),
        ({"do": "draft", "number": 1, "run": 1}, "values=None, which should be a dict"),
        ({"do": "draft", "number": 1, "run": 1, "values": "x"}, "values='x', which should be"),
    ],
)
def test_anything_else_is_refused(content, says):
    with pytest.raises(InvalidInput, match=says):
        read_message(content)
