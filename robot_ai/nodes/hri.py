"""REP-155's voices (ROS4HRI): what is heard, as `hri_msgs`, where that package is installed.

`/humans/voices/tracked` lists the voice while somebody speaks; `/humans/voices/ID/speech` carries the texts and
`/humans/voices/ID/is_speaking` the activity. These names are absolute, as the REP asks.
"""
from std_msgs.msg import Bool

from robot_ai.nodes.common import STATE_QOS

VOICES = '/humans/voices'


def available() -> bool:
    """Return whether hri_msgs can be imported."""
    try:
        import hri_msgs.msg  # noqa: F401
    except ImportError:
        return False
    return True


class HriVoice:
    """Publishes one voice: the microphone's, whoever speaks."""

    def __init__(self, node, voice_id: str, locale: str):
        """Create the publishers; ImportError where hri_msgs is absent (ask `available`)."""
        from hri_msgs.msg import IdsList, LiveSpeech
        self._node, self._id, self._locale = node, voice_id, locale
        self._ids, self._speech = IdsList, LiveSpeech
        self._tracked = node.create_publisher(IdsList, f'{VOICES}/tracked', STATE_QOS)
        self._live = node.create_publisher(LiveSpeech, f'{VOICES}/{voice_id}/speech', 10)
        self._speaking = node.create_publisher(Bool, f'{VOICES}/{voice_id}/is_speaking', 10)

    def destroy(self):
        """Destroy the publishers."""
        for publisher in (self._tracked, self._live, self._speaking):
            self._node.destroy_publisher(publisher)

    def activity(self, active: bool, stamp):
        """Say that the voice began or ended to speak at `stamp` (builtin_interfaces/Time)."""
        if active:
            self.track(True, stamp)
        self._speaking.publish(Bool(data=active))

    def track(self, tracked: bool, stamp):
        """List the voice as tracked, or no longer."""
        message = self._ids(ids=[self._id] if tracked else [])
        message.header.stamp = stamp
        self._tracked.publish(message)

    def partial(self, text: str, stamp):
        """Publish an incremental result."""
        self._publish(stamp, incremental=text)

    def final(self, text: str, confidence: float, stamp):
        """Publish a final result."""
        self._publish(stamp, incremental=text, final=text, confidence=confidence)

    def _publish(self, stamp, **fields):
        message = self._speech(**fields)
        message.header.stamp = stamp
        # 'locale' since hri_msgs 2.1; 'language' before.
        for name in ('locale', 'language'):
            if hasattr(message, name):
                setattr(message, name, self._locale)
        self._live.publish(message)
