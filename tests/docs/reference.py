"""Write the page of all steps and options from the parser of the magic.

task reference
"""

from pathlib import Path

from tracer_nb.magics.magic import TracerMagics
from tracer_nb.magics.reference import page

PAGE = Path(__file__).parents[2] / "notebooks" / "reference.md"

if __name__ == "__main__":
    PAGE.write_text(page(TracerMagics.tracer.parser), encoding="utf-8")
