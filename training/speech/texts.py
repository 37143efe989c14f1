"""Spanish sentences to synthesise and to count n-grams of: what people say to a companion robot, numbers, prose.

`sentences(seed, count)` yields generated everyday sentences, so that a model hears thousands of different ones
and not the few of a bundled dialogue; `prose(paths)` reads Debian's fortunes-es, `words(path)` its wspanish list.
None of them is a text of the shared recordings.
"""
import random
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

FORTUNES = Path('/usr/share/games/fortunes/es')  # Debian package fortunes-es
WORDS = Path('/usr/share/dict/spanish')  # Debian package wspanish

NAMES = ('Ana Luis María Carlos Lucía Pedro Elena Javier Sofía Miguel Carmen Pablo Laura Diego Marta Andrés Julia '
         'Daniel Paula Raúl Rosa Tomás Irene Óscar Isabel Manuel Pilar Antonio Teresa José')
DAYS = 'lunes martes miércoles jueves viernes sábado domingo'
MONTHS = 'enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre'
COLOURS = 'rojo azul verde amarillo negro blanco naranja marrón gris rosa violeta'
SLOTS = {
    'name': NAMES.split(),
    'thing': ['la pizarra', 'el cuaderno', 'la puerta', 'la ventana', 'el libro', 'la mesa', 'la lámpara',
              'la pelota', 'el vaso', 'la silla', 'el teléfono', 'las llaves', 'la radio', 'el ordenador',
              'la mochila', 'el lápiz', 'la luz', 'la música', 'las gafas', 'el agua', 'el papel', 'la cámara',
              'el abrigo', 'los zapatos', 'la medicina', 'el desayuno', 'la cena', 'el micrófono'],
    'room': ['la cocina', 'el salón', 'el jardín', 'la clase', 'el dormitorio', 'el baño', 'el pasillo',
             'la oficina', 'la biblioteca', 'la escuela', 'el garaje', 'la calle', 'el parque'],
    'verb': ['mira', 'coge', 'trae', 'busca', 'enseña', 'limpia', 'abre', 'cierra', 'mueve', 'señala', 'deja',
             'enciende', 'apaga', 'guarda', 'lleva', 'prepara', 'dibuja', 'lee'],
    'infinitive': ['dibujar', 'jugar', 'leer', 'escribir', 'bailar', 'cantar', 'aprender', 'descansar', 'sumar',
                   'restar', 'multiplicar', 'dividir', 'contar', 'salir', 'comer', 'dormir', 'hablar contigo',
                   'ver una película', 'escuchar música', 'hacer los deberes', 'practicar matemáticas', 'empezar',
                   'terminar', 'repetir el ejercicio', 'seguir', 'parar un momento', 'aprender una letra nueva'],
    'day': DAYS.split(),
    'month': MONTHS.split(),
    'when': ['hoy', 'mañana', 'ahora', 'luego', 'después', 'esta tarde', 'esta noche', 'el {day}', 'más tarde',
             'a las {hour}', 'dentro de {small} minutos', 'por la mañana', 'ayer', 'anoche'],
    'hour': ['la una', 'las dos', 'las tres y media', 'las cuatro y cuarto', 'las cinco menos cuarto',
             'las seis y diez', 'las siete', 'las ocho y veinte', 'las nueve', 'las diez y media', 'las once',
             'las doce en punto', 'mediodía', 'medianoche'],
    'mood': ['bien', 'mal', 'cansado', 'cansada', 'contento', 'contenta', 'triste', 'aburrido', 'aburrida',
             'nervioso', 'nerviosa', 'feliz', 'enfadado', 'tranquila', 'tranquilo', 'muy bien', 'regular',
             'un poco mal', 'genial', 'así así', 'preocupada', 'preocupado', 'con hambre', 'con sueño'],
    'colour': COLOURS.split(),
    'animal': ['un perro', 'un gato', 'un pájaro', 'un caballo', 'una vaca', 'un pez', 'una tortuga', 'un ratón',
               'un elefante', 'un león', 'una mariposa', 'una araña', 'un conejo'],
    'topic': ['los animales', 'el espacio', 'los números', 'la historia', 'el tiempo', 'los deportes', 'tu familia',
              'la música', 'las plantas', 'las fracciones', 'los planetas', 'el mar', 'los colores', 'la geografía'],
    'letter': ['a', 'be', 'ce', 'de', 'e', 'efe', 'ge', 'hache', 'i', 'jota', 'ka', 'ele', 'eme', 'ene', 'eñe',
               'o', 'pe', 'cu', 'erre', 'ese', 'te', 'u', 'uve', 'equis', 'zeta'],
    'yes': ['sí', 'claro', 'vale', 'por supuesto', 'de acuerdo', 'sí por favor', 'claro que sí', 'eso es',
            'exacto', 'correcto', 'muy bien', 'perfecto', 'está bien', 'bueno', 'sí quiero', 'adelante'],
    'no': ['no', 'no gracias', 'ahora no', 'para nada', 'no quiero', 'mejor no', 'claro que no', 'no está bien',
           'eso no', 'nunca', 'de ninguna manera', 'incorrecto', 'no es eso', 'todavía no'],
    'hello': ['hola', 'buenos días', 'buenas tardes', 'buenas noches', 'hola robot', 'hola pepper', 'oye',
              'oye robot', 'hola qué tal', 'buenas', 'hola otra vez', 'muy buenas', 'qué tal'],
    'bye': ['adiós', 'hasta luego', 'hasta mañana', 'nos vemos', 'chao', 'hasta pronto', 'me voy', 'hasta la vista',
            'nos vemos el {day}', 'adiós robot', 'ya está por hoy'],
    'please': ['por favor', 'si puedes', 'cuando puedas', 'gracias', 'robot', '{name}', 'porfa', 'ya'],
    'math': ['{n} más {n}', '{n} menos {n}', '{n} por {n}', '{n} entre {n}', 'la raíz de {n}', '{n} al cuadrado',
             '{n} dividido entre {n}', 'la mitad de {n}', 'el doble de {n}', 'equis más {n}', 'i griega menos {n}',
             'equis al cuadrado más {n}', '{n} partido por {n}', 'pi por {n}', 'equis igual a {n}',
             'alfa más beta', 'la suma de {n} y {n}', 'la integral de equis', 'el seno de equis'],
    'command': ['para', 'stop', 'sigue', 'espera', 'repite', 'ayuda', 'ven aquí', 'vete', 'cállate', 'escucha',
                'más alto', 'más bajo', 'más despacio', 'más rápido', 'otra vez', 'gira a la izquierda',
                'gira a la derecha', 'avanza', 'retrocede', 'levanta la mano', 'baja los brazos', 'siéntate',
                'levántate', 'mírame', 'sígueme', 'salúdame', 'cuenta un chiste', 'cuéntame un cuento',
                'canta una canción', 'qué ves', 'lee esto', 'lee la pizarra', 'lee lo que he escrito',
                'mira lo que escribo', 'qué pone aquí', 'empieza', 'empezamos', 'vamos', 'siguiente', 'anterior',
                'termina', 'cancela', 'borra eso', 'corrige', 'pausa', 'continúa', 'saluda', 'baila', 'duerme',
                'despierta', 'no te oigo', 'no te entiendo', 'no lo sé', 'no me acuerdo', 'te he dicho que no',
                'qué has dicho', 'cómo te llamas', 'quién eres', 'cuántos años tienes', 'qué sabes hacer',
                'qué hora es', 'qué día es hoy', 'qué tiempo hace', 'dónde estás', 'dime la fecha',
                'muchas gracias', 'de nada', 'perdona', 'lo siento', 'he terminado', 'ya he terminado', 'ya está',
                'estoy listo', 'estoy lista', 'quiero empezar', 'quiero parar', 'necesito ayuda', 'tengo una duda'],
}
TEMPLATES = (
    '{hello}', '{bye}', '{yes}', '{no}', '{command}', '{command}', '{command} {please}', '{hello} {command}',
    '{hello} me llamo {name}', '{hello} {name} qué tal estás', 'soy {name}', 'me llamo {name} y tengo {n} años',
    'mi nombre es {name}', 'yo soy {name} y ella es {name}', '{name} está en {room}', 'me puedes llamar {name}',
    '{verb} {thing}', '{verb} {thing} {please}', '{please} {verb} {thing} de {room}', 'puedes {infinitive} {please}',
    'quiero {infinitive}', 'quiero {infinitive} {when}', 'no quiero {infinitive}', 'me gustaría {infinitive} {when}',
    'vamos a {infinitive}', 'podemos {infinitive} {when}', 'me ayudas a {infinitive}', 'te gusta {infinitive}',
    'prefiero {infinitive}', 'tengo que {infinitive} {when}', 'no sé {infinitive}', 'enséñame a {infinitive}',
    'hoy estoy {mood}', 'estoy {mood}', 'me siento {mood} {when}', '{yes} estoy {mood}', 'cómo estás {when}',
    'me duele la cabeza', 'me duele la barriga {when}', 'dónde está {thing}', 'dónde están {name} y {name}',
    'no encuentro {thing}', 've a {room}', 'vamos a {room} {when}', '{thing} está en {room}', 'quién hay en {room}',
    'háblame de {topic}', 'qué sabes de {topic}', 'cuéntame algo sobre {topic}', 'me gusta el color {colour}',
    'me gusta {animal}', 'tengo {animal} de color {colour}', 'he visto {animal} en {room}', 'es {animal}',
    'mi color favorito es el {colour}', '{when} es {day}', 'hoy es {day} {n} de {month}', 'son {hour}',
    'el {day} {n} de {month}', 'nací el {n} de {month}', 'recuérdame {infinitive} a {hour}', 'quedamos a {hour}',
    'despiértame a {hour}', 'la reunión es el {day} a {hour}', 'pon una alarma {when}', 'pon {thing} en {room}',
    'cuánto es {math}', '{math}', '{math} son {n}', 'el resultado es {n}', 'creo que es {n}', 'son {n}', '{n}',
    'la respuesta es {n}', 'he escrito {math}', 'he dibujado {animal}', 'escribe {math}', 'es la letra {letter}',
    'la letra {letter}', 'he escrito la letra {letter}', 'la {letter} y la {letter}', 'es un {small}',
    'he escrito un {small}', 'es el número {n}', 'el número {n}', 'mi teléfono es el {digits}', '{digits}',
    '{yes} {command}', '{no} {command}', '{no} quiero {infinitive}', '{yes} quiero {infinitive}',
    '{name} quiere {infinitive} en {room}', 'la {name} ha traído {thing}', '{when} vamos a {room} con {name}',
    'mi madre se llama {name} y mi padre {name}', 'mi hermana {name} vive en {room}', 'dile a {name} que venga',
    'llama a {name} {please}', 'sabes dónde está {name}', '{name} me ha dicho que está {mood}', 'adiós {name}',
    'gracias {name}', 'muchas gracias por {infinitive}', 'no entiendo {math}', 'repite el número {n}', 'faltan {n}',
    'dame {small} minutos', 'espera {small} segundos', 'otro ejercicio {please}', 'uno más difícil', 'uno más fácil',
    'cuántos son {math}', 'sabes cuánto es {math}', 'la solución es {math}', 'cuesta {n} euros con {small}',
)


def sentences(seed: int, count: int) -> Iterator[str]:
    """Yield `count` generated sentences in lower case, numbers spelled out; the same for the same seed."""
    rng = random.Random(seed)
    for _ in range(count):
        text = rng.choice(TEMPLATES)
        while '{' in text:
            text = re.sub(r'\{(\w+)\}', lambda match: _fill(match.group(1), rng), text, count=1)
        yield text.lower()


def _fill(slot, rng):
    if slot == 'n':
        return number(rng.randrange(10 ** rng.choice((1, 1, 2, 2, 3, 4))))
    if slot == 'small':
        return number(rng.randrange(2, 31))
    if slot == 'digits':
        return ' '.join(number(rng.randrange(10)) for _ in range(rng.randrange(3, 8)))
    return rng.choice(SLOTS[slot])


def number(value: int) -> str:
    """Return a number in Spanish words."""
    from num2words import num2words
    return num2words(value, lang='es')


def prose(folder: Path = FORTUNES) -> list[str]:
    """Return the sentences, 3 to 16 words each, of Debian's fortunes-es (not of `off/`: insults in ROT13)."""
    found = []
    for path in sorted(folder.glob('*.fortunes')):
        raw = path.read_bytes()
        try:
            text = raw.decode('utf-8')
        except UnicodeDecodeError:
            text = raw.decode('latin-1')
        for quote in re.split(r'\n%\n', text):
            quote = re.split(r'\n\s*--|\n\s{4,}', quote)[0]
            for sentence in re.split(r'[.!?;:…]+\s+|\n\n', quote.replace('\n', ' ')):
                if 3 <= len(sentence.split()) <= 16:
                    found.append(' '.join(sentence.split()))
    return found


def words(path: Path = WORDS) -> list[str]:
    """Return the lower-case words of Debian's wspanish list."""
    return [word for word in path.read_text(encoding='utf-8').split() if word.isalpha() and word.islower()]


def dialogue_examples(path: Path, seed: int = 0) -> list[str]:
    """Return the example utterances of a dialogue file's intents, their slots filled with its names or numbers."""
    rng = random.Random(seed)
    document = yaml.safe_load(path.read_text(encoding='utf-8'))
    names = {slot: [phrase for phrases in values.values() for phrase in phrases]
             for slot, values in (document.get('names') or {}).items()}
    found = []
    for intent in document['intents'].values():
        slots = intent.get('slots') or {}
        for example in intent.get('examples') or []:
            found += [_fill_example(example, slots, names, rng) for _ in range(4 if '{' in example else 1)]
    return found


def _fill_example(example, slots, names, rng):
    def value(match):
        slot = slots.get(match.group(1))
        return rng.choice(names[slot]) if slot in names else number(rng.randrange(31))
    return re.sub(r'\{(\w+)\}', value, example)
