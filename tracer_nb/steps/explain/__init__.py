"""What ``gaps`` does, and all that charts, tables and panels show."""

__all__: list[str] = []
