"""Label a dataframe column with an LLM and let a certified surrogate answer the easy rows."""

__version__ = "0.1.0"
