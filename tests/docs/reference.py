"""Write the page of all steps and options, and that for coding agents, from the tables.

task reference
"""

from pathlib import Path

from tests.docs import agents
from tracer_nb.magics.reference import page

PAGE = Path(__file__).parents[2] / "notebooks" / "reference.md"

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    agents.PAGE.write_text(agents.agents_page(), encoding="utf-8")
