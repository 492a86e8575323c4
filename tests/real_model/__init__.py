"""A real language model on this machine's processor, from packages of PyPI alone."""
