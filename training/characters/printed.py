"""Pages of printed text, in this machine's fonts: pictures in which a reader of handwriting must find nothing."""
from pathlib import Path

import cv2
import numpy as np

from robot_ai.errors import ConfigurationError

FONTS = Path('/usr/share/fonts')
TEXT = """El robot espera delante de la puerta. Buenos días, ¿qué desea tomar hoy? Salida de emergencia 24 horas
Calle Mayor número 7, segundo piso. AVISO: no tocar, recién pintado. Horario de lunes a viernes de 9 a 14
Precio por kilo 3,50 euros. Cuidado con el perro. Cerrado por vacaciones hasta el 31 de agosto. Tirar Empujar
Planta baja Ascensor Biblioteca municipal Silencio por favor Farmacia Entrada libre Total a pagar IVA incluido
Modo de empleo: agitar antes de usar y conservar en lugar fresco. Próxima parada, estación central""".split()  # noqa: SIM905 - a list of quoted words would fill a page


def fonts(folder: Path = FONTS) -> list[Path]:
    """Return the outline fonts under a folder, signs and pictures left out; ConfigurationError where there are none."""
    found = sorted(p for p in folder.rglob('*.[to]tf') if not any(
        word in p.stem.lower() for word in ('symbol', 'emoji', 'math', 'icon', 'dingbat')))
    if not found:
        raise ConfigurationError(f'{folder}: no fonts; install some, such as Debian\'s fonts-dejavu')
    return found


def printed_page(rng: np.random.Generator, faces: list[Path], least: int = 1) -> np.ndarray:
    """Return printed text as a camera sees it: uint8 [480, 640]; `least` to 40 words of one face, a little turned."""
    from PIL import Image, ImageDraw, ImageFont
    size = int(np.exp(rng.uniform(np.log(18), np.log(80))))
    face = ImageFont.truetype(str(faces[rng.integers(len(faces))]), size)
    page = Image.new('L', (640, 480), 255)
    draw, first = ImageDraw.Draw(page), rng.integers(len(TEXT))
    left = x = int(rng.integers(10, 80))
    y = int(rng.integers(5, 120))
    for number in range(int(np.exp(rng.uniform(np.log(least), np.log(41))))):
        word = TEXT[(first + number) % len(TEXT)]
        width = draw.textlength(word, face)
        if x > left and x + width > 630:
            x, y = left, y + int(1.3 * size)
        if y + 1.3 * size > 480:
            break
        draw.text((x, y), word, font=face, fill=0)
        x += int(width + 0.3 * size)
    turn = cv2.getRotationMatrix2D((320, 240), rng.normal(0, 1.5), 1)
    picture = cv2.warpAffine(np.asarray(page), turn, (640, 480), borderValue=255).astype(np.float32)
    picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 1.2))
    paper, ink = rng.uniform(150, 250), rng.uniform(0, 70)
    shade = np.linspace(1, rng.uniform(0.7, 1), 640)[None]
    picture = (ink + picture * ((paper - ink) / 255)) * shade + rng.normal(0, rng.uniform(0, 5), picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)
