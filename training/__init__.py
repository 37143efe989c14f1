"""Offline training of the models that robot_ai runs: from a checkout, `python -m training COMMAND`.

Imports robot_ai (one definition of every preprocessing step), never the reverse.
"""
