"""The page of teachers, as far as the stand-in's manners decide it: ``python -m tests.docs.manners``."""

from __future__ import annotations

from tests.docs.pages import TEACHERS
from tracer_nb.standin.manners import MANNERS, table_of_manners

__all__ = ["between", "main", "manners_of", "servers", "table", "written"]

COLUMN = "Manners"


def between(text: str, name: str) -> str:
    """What stands between the marks of a block."""
    return text.partition(f"<!-- {name} -->\n")[2].partition(f"<!-- /{name} -->")[0]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def servers(text: str) -> list[list[str]]:
    """Rows of the table of teachers, the head first."""
    lines = between(text, "teachers").splitlines()
    return [cells(line) for i, line in enumerate(lines) if i != 1]


def manners_of(server: str) -> str:
    """Manners that a server was reported to have, as its cell says it."""
    names = [f"`{name}`" for name, manner in MANNERS.items() if server in manner.who]
    return " ".join(names) or "none"


def table(rows: list[list[str]]) -> str:
    """Rows as Markdown, the head first."""
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def written(text: str) -> str:
    """The page with its last column and its table of manners as the stand-in has them."""
    head, *rows = servers(text)
    kept = [name for name in head if name != COLUMN]
    teachers = [[*kept, COLUMN]]
    teachers += [[*row[: len(kept)], manners_of(row[0])] for row in rows]
    manners = table_of_manners()
    told = [list(manners[0]), *([row[name] for name in manners[0]] for row in manners)]
    for name, made in (("teachers", table(teachers)), ("manners", table(told))):
        before, mark, rest = text.partition(f"<!-- {name} -->\n")
        text = before + mark + made + rest[len(between(text, name)) :]
    return text


def main() -> None:
    """Write the page again."""
    TEACHERS.write_text(written(TEACHERS.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
