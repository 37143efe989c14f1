"""The one family of errors that this package raises for its users' mistakes and the world's faults.

Each message says what was expected, what came and what to do; a command or a node shows it as it is,
without a traceback. Anything else that escapes is a bug.
"""


class RobotAIError(Exception):
    """Base of every error with a message meant for the user."""


class AudioError(RobotAIError):
    """Sound that cannot be used: unreadable file, not PCM, impossible rate or channel count."""


class ImageError(RobotAIError):
    """A picture that cannot be used: unreadable file, unknown encoding, sizes that do not fit the data."""


class ModelError(RobotAIError):
    """A model folder that cannot be used: missing, truncated, altered, of another kind."""


class DialogueError(RobotAIError):
    """A dialogue file that cannot be used; the message lists each fault with line and column."""


class PayloadError(RobotAIError):
    """A JSON message that does not have the form its topic promises."""


class BagError(RobotAIError):
    """A rosbag that cannot be read, written or replayed."""


class DeviceError(RobotAIError):
    """A microphone, camera or loudspeaker that is absent, busy or gone."""


class ConfigurationError(RobotAIError):
    """A parameter, option or configuration file with a value that cannot be used."""


class UsageError(ConfigurationError):
    """A command line whose options do not go together or are out of range: exit status 2."""
