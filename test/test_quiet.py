"""without_chatter: what ALSA and JACK write disappears, everything else comes through, also after an error."""
import os

import pytest

from robot_ai.quiet import without_chatter


def test_chatter_goes_and_the_rest_stays_even_when_the_device_fails(capfd):
    with pytest.raises(OSError, match='no device'), without_chatter():
        os.write(2, b'ALSA lib pcm.c:2666:(snd_pcm_open_noupdate) Unknown PCM dmix\nAviso: queda esto\n')
        os.write(2, b'jack server is not running or cannot be started\n')
        raise OSError('no device')
    os.write(2, b'after\n')
    assert capfd.readouterr().err == 'Aviso: queda esto\nafter\n'
