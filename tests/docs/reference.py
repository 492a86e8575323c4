"""Write the page of all steps and options from the tables of steps and settings.

task reference
"""

from pathlib import Path

from tracer_nb.magics.reference import page

PAGE = Path(__file__).parents[2] / "notebooks" / "reference.md"

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
