"""The commands of `robot-ai`: each module has `add_arguments(parser)` and `run(options) -> exit status`.

The module's docstring is the command's help and ends with an example.
"""
