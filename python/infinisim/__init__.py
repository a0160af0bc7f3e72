"""Simulated InfiniBox arrays for Python programs.

The arrays live in a Go process that the first ``Infinibox()`` starts. Their
clock follows the flux timeline of this process, so that a test that sleeps on
a frozen timeline takes no time.
"""
