"""Runs through every fault: the tests judge what is measured here, a script prints it."""
