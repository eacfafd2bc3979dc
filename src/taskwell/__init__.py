"""Taskwell: a multi-user task backend. docs/architecture.md is the way through the code."""

from importlib.metadata import version

__version__ = version("taskwell")
