"""Objectives as small callables, one formula each."""
