"""Keep C libraries' chatter off the terminal: ALSA and JACK print 90 lines where there is no sound card."""
import contextlib
import os
import tempfile

CHATTER = (b'ALSA lib', b'Cannot connect to server', b'jack server is not running', b'JackShm', b'Expression \'',
           b'[ WARN:', b'[ERROR:')  # the last two are OpenCV's


@contextlib.contextmanager
def without_chatter():
    """Hold back what is written to file descriptor 2 and let all but CHATTER's lines through at the end.

    Whatever other threads write meanwhile comes through too, a little late.
    """
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            for line in held:
                if not line.startswith(CHATTER):
                    with contextlib.suppress(OSError):
                        os.write(2, line)
