"""The page as the robot's screen: performs the actions `show_picture` and `show_text` on every open page."""
import base64
import mimetypes
from pathlib import Path

from robot_ai.web.hub import Hub

MAX_PICTURE_BYTES = 4_000_000
PICTURES = ('image/svg+xml', 'image/png', 'image/jpeg', 'image/webp', 'image/gif')


class Screen:
    """Shows texts and pictures; pictures come from the dialogue file's own folder and nowhere else."""

    def __init__(self, hub: Hub, folder: str | Path | None = None):
        """Show on the pages of `hub`; without a `folder` no picture can be shown."""
        self._hub = hub
        self._folder = Path(folder).resolve() if folder is not None else None

    def performs(self, name: str) -> bool:
        """Whether an action of this name is the screen's."""
        return name in ('show_picture', 'show_text')

    def perform(self, name: str, arguments: dict) -> str:
        """Do a `show_*` action; return '' when it is shown, else why not."""
        if not self._hub.client_count:
            return 'no page is open'
        shown = {'words': str(arguments.get('text', '')), 'picture': '', 'alt': str(arguments.get('alt', ''))}
        if name == 'show_picture':
            try:
                shown['picture'] = self._picture(str(arguments.get('file', '')))
            except (OSError, ValueError) as error:
                return str(error)
        self._hub.publish('show', shown)
        return ''

    def _picture(self, name):
        if self._folder is None:
            raise ValueError('no folder of pictures is known: give the dialogue file')
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder):
            raise ValueError(f'{name}: pictures lie in the folder of the dialogue file, {self._folder}')
        kind = mimetypes.guess_type(path.name)[0]
        if kind not in PICTURES:
            raise ValueError(f'{name}: expected svg, png, jpeg, webp or gif')
        if path.stat().st_size > MAX_PICTURE_BYTES:
            raise ValueError(f'{name}: {path.stat().st_size} bytes, at most {MAX_PICTURE_BYTES}')
        return f'data:{kind};base64,' + base64.b64encode(path.read_bytes()).decode()
