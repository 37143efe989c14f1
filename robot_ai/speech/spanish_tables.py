"""Tables of Spanish spelling that `spanish.py` and `spanish_numbers.py` apply; data only, sources in each comment.

RAE means the Ortografía de la lengua española (2010) of the Real Academia Española with its appendices of
abbreviations and symbols. Values are written as they are said, in lower case.
"""

def _words(text):
    return frozenset(text.split())


# Names of the letters (RAE 2010, chapter I); the vowels are their own names, and 'y' alone is the conjunction.
LETTER_NAMES = {
    'a': 'a', 'b': 'be', 'c': 'ce', 'd': 'de', 'e': 'e', 'f': 'efe', 'g': 'ge', 'h': 'hache', 'i': 'i', 'j':
    'jota',
    'k': 'ka', 'l': 'ele', 'm': 'eme', 'n': 'ene', 'ñ': 'eñe', 'o': 'o', 'p': 'pe', 'q': 'cu', 'r': 'erre',
    's': 'ese', 't': 'te', 'u': 'u', 'v': 'uve', 'w': 'uve doble', 'x': 'equis', 'y': 'ye', 'z': 'zeta'}

# Abbreviations that are read the same in every context (RAE, appendix 1), matched in any case if two of their
# letters stand together and as written if not; a space inside stands for any space or none.
ABBREVIATIONS = {
    'Sr.': 'señor', 'Sra.': 'señora', 'Srta.': 'señorita', 'Sres.': 'señores', 'Sras.': 'señoras',
    'Srtas.': 'señoritas', 'Sr.ª': 'señora', 'Sr.ta': 'señorita', 'Dr.': 'doctor', 'Dra.': 'doctora',
    'Dr.ª': 'doctora', 'Dres.': 'doctores', 'Dras.': 'doctoras', 'D.ª': 'doña', 'Dña.': 'doña', 'Dª.': 'doña',
    'Dª': 'doña', 'Ud.': 'usted', 'Uds.': 'ustedes', 'Vd.': 'usted', 'Vds.': 'ustedes', 'Vm.': 'vuestra merced',
    'V. M.': 'vuestra majestad', 'S. M.': 'su majestad', 'SS. MM.': 'sus majestades', 'S. A.': 'sociedad anónima',
    'S. A. R.': 'su alteza real', 'SS. AA. RR.': 'sus altezas reales', 'S. E.': 'su excelencia',
    'S. S.': 'su santidad', 'S. L.': 'sociedad limitada', 'V. E.': 'vuestra excelencia', 'S. R. C.':
    'se ruega contestación', 'Excmo.': 'excelentísimo', 'Excma.': 'excelentísima', 'Ilmo.': 'ilustrísimo',
    'Ilma.': 'ilustrísima', 'Rvdo.': 'reverendo', 'Rvda.': 'reverenda', 'Rdo.': 'reverendo', 'Rda.': 'reverenda',
    'Mons.': 'monseñor', 'Pbro.': 'presbítero', 'Hno.': 'hermano', 'Hna.': 'hermana', 'Hnos.': 'hermanos',
    'Hnas.': 'hermanas', 'Fr.': 'fray', 'Sto.': 'santo', 'Sta.': 'santa', 'Stos.': 'santos', 'Stas.': 'santas',
    'N. S.': 'nuestro señor', 'Ntra. Sra.': 'nuestra señora', 'Ntro. Sr.': 'nuestro señor', 'Prof.': 'profesor',
    'Prof.ª': 'profesora', 'Profa.': 'profesora', 'Profs.': 'profesores', 'Lic.': 'licenciado',
    'Lcdo.': 'licenciado', 'Lcda.': 'licenciada', 'Licda.': 'licenciada', 'Ldo.': 'licenciado',
    'Lda.': 'licenciada', 'Ing.': 'ingeniero', 'Arq.': 'arquitecto', 'Abg.': 'abogado', 'Mtro.': 'maestro',
    'Mtra.': 'maestra', 'Gral.': 'general', 'Cnel.': 'coronel', 'Tte.': 'teniente', 'Tte. Cnel.':
    'teniente coronel', 'Sgto.': 'sargento', 'Cap.': 'capitán', 'Cmdte.': 'comandante', 'Alm.': 'almirante',
    'Pdte.': 'presidente', 'Pdta.': 'presidenta', 'Dir.': 'director', 'Dir.ª': 'directora', 'Admón.':
    'administración', 'Admor.': 'administrador', 'Dpto.': 'departamento', 'Depto.': 'departamento',
    'Avda.': 'avenida', 'Av.': 'avenida', 'Pza.': 'plaza', 'Plza.': 'plaza', 'Ctra.': 'carretera',
    'C/': 'calle ', 'Urb.': 'urbanización', 'P.º': 'paseo', 'Edif.': 'edificio', 'Apdo.': 'apartado',
    'C. P.': 'código postal', 'Esq.': 'esquina', 'Izda.': 'izquierda', 'Izdo.': 'izquierdo', 'Izq.': 'izquierda',
    'Izqda.': 'izquierda', 'Dcha.': 'derecha', 'Dcho.': 'derecho', 'Ent.º': 'entresuelo', 'Pral.': 'principal',
    'EE. UU.': 'estados unidos', 'EE.UU': 'estados unidos', 'FF. AA.': 'fuerzas armadas',
    'CC. OO.': 'comisiones obreras', 'RR. HH.':
    'recursos humanos', 'JJ. OO.': 'juegos olímpicos', 'FF. CC.': 'ferrocarriles', 'RR. PP.':
    'relaciones públicas', 'CC. AA.': 'comunidades autónomas', 'Bs. As.': 'buenos aires', 'Bs. Aires':
    'buenos aires', 'R. U.': 'reino unido', 'U. S. A.': 'u ese a', 'C.ía': 'compañía', 'Cía.': 'compañía',
    'n.º': 'número', 'N.º': 'número', 'N.os': 'números', 'n.os': 'números', 'nº': 'número',
    'núm.': 'número',
    'núms.': 'números', 'n°': 'número', 'n.°': 'número', 'p. ej.': 'por ejemplo', 'p.ej.': 'por ejemplo',
    'v. gr.': 'verbigracia', 'v. g.': 'verbigracia', 'etc.': 'etcétera', 'i. e.': 'esto es',
    'p. d.': 'posdata', 'P. D.': 'posdata', 'P. S.': 'post scriptum', 'N. B.': 'nota bene',
    'q. e. p. d.': 'que en paz descanse',
    'R. I. P.': 'requiéscat in pace', 'D. E. P.': 'descanse en paz', 'Q. D. G.': 'que dios guarde',
    'a. C.': 'antes de cristo', 'a. de C.': 'antes de cristo', 'a. J. C.': 'antes de jesucristo',
    'a. de J. C.': 'antes de jesucristo', 'd. C.': 'después de cristo', 'd. de C.': 'después de cristo',
    'd. J. C.': 'después de jesucristo', 'd. de J. C.': 'después de jesucristo', 'a. m.': 'a eme',
    'p. m.': 'pe eme', 'm. n.': 'moneda nacional', 'aprox.': 'aproximadamente', 'atte.': 'atentamente',
    'afmo.': 'afectísimo', 'affmo.': 'afectísimo', 'afma.': 'afectísima', 'caps.':
    'capítulos', 'cf.': 'confer', 'cfr.': 'confer', 'dto.': 'descuento', 'ed.': 'edición', 'edit.': 'editorial',
    'ej.': 'ejemplo', 'entlo.': 'entresuelo', 'fasc.': 'fascículo', 'fdo.': 'firmado', 'fig.': 'figura',
    'figs.': 'figuras', 'hab.': 'habitantes', 'ibíd.': 'ibídem', 'impr.': 'imprenta',
    'ms.': 'manuscrito', 'mss.': 'manuscritos', 'párr.': 'párrafo', 'pág.': 'página', 'págs.': 'páginas',
    'pp.': 'páginas', 'ppal.': 'principal', 'prov.': 'provincia', 'ref.': 'referencia', 'sig.': 'siguiente',
    'sigs.': 'siguientes', 'tel.': 'teléfono', 'teléf.': 'teléfono', 'tels.': 'teléfonos', 'tfno.': 'teléfono',
    'tlf.': 'teléfono', 'trad.': 'traducción', 'vol.': 'volumen', 'vols.': 'volúmenes',
    'art.': 'artículo', 'arts.': 'artículos', 'máx.': 'máximo', 'mín.': 'mínimo', 'bco.': 'banco',
    'cta.': 'cuenta', 'c. c.': 'centímetros cúbicos', 'b. l. m.': 'besa la mano', 'q. b. s. m.':
    'que besa su mano', 'q. b. s. p.': 'que besa sus pies', 's. s. s.': 'su seguro servidor', 's. n.':
    'sin número', 's/n': 'sin número', 'D. m.': 'dios mediante', 'vto.': 'vencimiento', 'gob.': 'gobernador',
    'c/u': 'cada uno', 'v.º b.º': 'visto bueno', 'V.º B.º': 'visto bueno', 'op. cit.': 'opere citato',
    'loc. cit.': 'loco citato',
    'et al.': 'et álii', 'vs.': 'versus', 'cent.': 'centavos', 'ctvs.': 'centavos', 'cts.': 'céntimos',
    'pta.': 'peseta', 'ptas.': 'pesetas', 'pts.': 'pesetas', 'mill.': 'millones', 'ene.': 'enero', 'feb.':
    'febrero', 'abr.': 'abril', 'ago.': 'agosto', 'sept.': 'septiembre', 'oct.': 'octubre', 'nov.':
    'noviembre', 'dic.': 'diciembre', 'Kg.': 'kilogramos', 'cód.': 'código', 'gr.': 'gramos', 'dna.': 'docena',
    'S. L. U.': 'sociedad limitada unipersonal', 'N.ª S.ª': 'nuestra señora',
    'RR. MM.': 'reyes magos', 'AA. VV.': 'autores varios', 'VV. AA.': 'varios autores', 'nro.': 'número',
    'nros.': 'números', 'y ss.': 'y siguientes', 's. f.': 'sin fecha',
    's. e. u o.': 'salvo error u omisión', 'Q. E. P. D.': 'que en paz descanse', 'Q. E. D.': 'quod erat demonstrandum',
    'q. D. g.': 'que dios guarde', 'q. s. g. h.': 'que santa gloria haya', 'N. del T.': 'nota del traductor',
    'N. del A.': 'nota del autor', 'N. del E.': 'nota del editor', 'N. de la R.': 'nota de la redacción',
    'p. e.': 'por ejemplo', 'Pl.': 'plaza', 'Ltda.': 'limitada', 'Ltdo.': 'limitado', 'Vda.': 'viuda', 'Vdo.': 'viudo',
    'Exmo.': 'excelentísimo', 'Exma.': 'excelentísima', 'Excmos.': 'excelentísimos', 'Excmas.': 'excelentísimas',
    'Ilmos.': 'ilustrísimos', 'Ilmas.': 'ilustrísimas', 'Iltmo.': 'ilustrísimo', 'Iltma.': 'ilustrísima',
    'lín.': 'línea', 'lám.': 'lámina', 'láms.': 'láminas', 'cta. cte.': 'cuenta corriente',
    'univ.': 'universidad', 'cént.': 'céntimo', 'cénts.': 'céntimos', 'jul.': 'julio', 'jun.': 'junio',
    'lun.': 'lunes', 'mié.': 'miércoles', 'jue.': 'jueves', 'sáb.': 'sábado',
    'k. o.': 'ka o', 'o. k.': 'o ka', 'mts.': 'metros', 'hrs.': 'horas',
    'Gta.': 'glorieta', 'Pje.': 'pasaje', 'Trav.': 'travesía', 'Pol. Ind.':
    'polígono industrial', 'Fco.': 'francisco', 'Mª': 'maría',
    'M.ª': 'maría', 'Fdez.': 'fernández', 'Glez.': 'gonzález', 'Gzlez.': 'gonzález', 'Hdez.': 'hernández',
    'Mtnez.': 'martínez', 'Rguez.': 'rodríguez', 'Jr.': 'júnior', 'Km.': 'kilómetro'}

# Abbreviations that are also words, or ends of sentences: read only where the pattern after them agrees.
# key (matching case) -> (what follows, as a regular expression; reading)
ABBREVIATIONS_BEFORE = {
    'cap.': (r'\s*(?:\d|[IVXLC]+\b)', 'capítulo'), 'nos.': (r'\s*\d', 'números'),
    'D.': (r'\s*(?!(?:[A-ZÁÉÍÓÚÑ]\.|$))[A-ZÁÉÍÓÚÑ][a-záéíóúñü]+', 'don'),
    'S.': (r'\s*(?:Juan|Pedro|Pablo|José|Francisco|Antonio|Fernando|Lorenzo|Miguel|Agustín|Jerónimo|Vicente|Martín'
           r'|Andrés|Sebastián|Luis|Isidro|Ignacio|Mateo|Marcos|Lucas|Bartolomé|Esteban|Jorge|Marcial)\b', 'san'),
    'St.': (r'\s*[A-ZÁÉÍÓÚÑ][a-záéíóúñü]+', 'saint'),
    's.': (r'\s*[IVX]+\b', 'siglo'), 'ss.': (r'\s*[IVX]+\b', 'siglos'),
    'p.': (r'\s*\d', 'página'), 'pgs.': (r'\s*\d', 'páginas'), 'pg.': (r'\s*\d', 'página'),
    't.': (r'\s*(?:\d|[IVXL]+\b)', 'tomo'), 'v.': (r'\s*\d', 'verso'), 'vv.': (r'\s*\d', 'versos'),
    'ca.': (r'\s*\d', 'circa'), 'c.': (r'\s*\d{3,4}\b', 'circa'), 'h.': (r'\s*\d{3,4}\b', 'hacia'),
    'lib.': (r'\s*(?:\d|[IVXL]+\b)', 'libro'), 'C.': (r'\s*\d{5}\b', 'código'), 'No.': (r'\s*\d', 'número'),
    'no.': (r'\s*\d', 'número'), 'it.': (r'\s*\d', 'ítem'), 'esc.': (r'\s*(?:\d|[IVXL]+\b)', 'escena'),
    'núm': (r'\s*\d', 'número'), 'pág': (r'\s*\d', 'página'), 'art': (r'\s*\d', 'artículo'),
    'S. A.': (r' (?:el|la) (?:[Pp]r[ií]nc|[Ii]nfant|[Gg]ran|[Aa]rchi|[Dd]uque)', 'su alteza'),
    'c/': (r'\.?\s*[A-ZÁÉÍÓÚÑ]', 'calle'), 'Pº': (r' (?:de|del)\b', 'paseo'), 'Min.': (r'\s*de\b', 'ministerio'),
    'min.': (r'(?=$|\W)(?!\s*[A-ZÁÉÍÓÚÑ])', 'minutos'), 'seg.': (r'(?=$|\W)(?!\s*[A-ZÁÉÍÓÚÑ])', 'segundos'),
    'T.': (r'\s*(?:\d|[IVXL]+\b(?!\.))', 'tomo'), 'el P.': (r'\s*[A-ZÁÉÍÓÚÑ][a-záéíóúñü]+', 'el padre'),
    'km': (r'\s*\d', 'kilómetro'), 'Km': (r'\s*\d', 'kilómetro'), 'Esc.': (r'\s*(?:\d|[IVXL]+\b)', 'escena'),
    'Bach.': (r' [A-ZÁÉÍÓÚÑ][a-záéíóúñü]+', 'bachiller'), 'Br.': (r' [A-ZÁÉÍÓÚÑ][a-záéíóúñü]+', 'bachiller'),
    'EE UU': (r'', 'estados unidos'), 'p. ': (r'(?:[IVXL]{2,})\b', 'página'), 'pár.': (r'\s*\d', 'párrafo'),
    'N.': (r'\s*\d', 'número'), 'N': (r'\s*[º°]\s*\d', 'número')}

# Read as abbreviations even when the point was forgotten (never words of their own in Spanish).
BARE_ABBREVIATIONS = {'sr': 'señor', 'sra': 'señora', 'srta': 'señorita', 'sres': 'señores', 'dr': 'doctor',
                      'dra': 'doctora', 'etc': 'etcétera', 'cía': 'compañía',
                      'eeuu': 'estados unidos', 'eua': 'estados unidos de américa', 'vs': 'versus'}
# Units without a number: (after a word of SINGULAR_BEFORE, else).
BARE_UNITS = {'km': ('kilómetro', 'kilómetros'), 'kg': ('kilogramo', 'kilogramos'),
              'cm': ('centímetro', 'centímetros'), 'mm': ('milímetro', 'milímetros'),
              'kms': ('kilómetros', 'kilómetros'), 'kgs': ('kilogramos', 'kilogramos')}
SINGULAR_BEFORE = _words('un el al del por cada medio este ese aquel ningún primer último')

# Initialisms said letter by letter in any case; all-consonant capitals are spelled without standing here.
SPELLED = _words('cd dvd tv usb dni adn arn gps sms html www pdf http https pc wc fbi nba bbc ia ue url rtve '
              'ceo atm pvc '
              'ot cpu hp dj mp tdt tnt uci oea itv ibm ong adsl irpf lgtbi vih ugt erc tve')

# Words that look like initialisms without vowels but are interjections.
CONSONANT_WORDS = _words('mmm mm hm hmm pst psst sh shh shhh brr brrr grr grrr zzz pss chst chss ss sss rrr jm '
                         'pfff pff tch ts tsk')

# symbol -> (singular, plural, feminine); case matters (RAE, appendix 2; SI brochure).
UNITS = {
    'km': ('kilómetro', 'kilómetros', False), 'hm': ('hectómetro', 'hectómetros', False),
    'm': ('metro', 'metros', False), 'dm': ('decímetro', 'decímetros', False),
    'cm': ('centímetro', 'centímetros', False), 'mm': ('milímetro', 'milímetros', False),
    'µm': ('micrómetro', 'micrómetros', False), 'nm': ('nanómetro', 'nanómetros', False),
    't': ('tonelada', 'toneladas', True), 'kg': ('kilogramo', 'kilogramos', False),
    'Kg': ('kilogramo', 'kilogramos', False), 'KG': ('kilogramo', 'kilogramos', False),
    'kgs': ('kilogramo', 'kilogramos', False), 'Km': ('kilómetro', 'kilómetros', False),
    'KM': ('kilómetro', 'kilómetros', False), 'kms': ('kilómetro', 'kilómetros', False),
    'Kms': ('kilómetro', 'kilómetros', False), 'mts': ('metro', 'metros', False),
    'KM/H': ('kilómetro por hora', 'kilómetros por hora', False),
    'g': ('gramo', 'gramos', False), 'gr': ('gramo', 'gramos', False),
    'mg': ('miligramo', 'miligramos', False), 'µg': ('microgramo', 'microgramos', False),
    'l': ('litro', 'litros', False), 'L': ('litro', 'litros', False), 'hl': ('hectolitro', 'hectolitros', False),
    'dl': ('decilitro', 'decilitros', False), 'cl': ('centilitro', 'centilitros', False),
    'ml': ('mililitro', 'mililitros', False), 'mL': ('mililitro', 'mililitros', False),
    'cc': ('centímetro cúbico', 'centímetros cúbicos', False), 'ha': ('hectárea', 'hectáreas', True),
    'h': ('hora', 'horas', True), 'hs': ('hora', 'horas', True), 'hrs': ('hora', 'horas', True),
    'min': ('minuto', 'minutos', False), 's': ('segundo', 'segundos', False), 'seg': ('segundo', 'segundos',
    False),
    'ms': ('milisegundo', 'milisegundos', False), 'W': ('vatio', 'vatios', False),
    'kW': ('kilovatio', 'kilovatios', False), 'MW': ('megavatio', 'megavatios', False),
    'GW': ('gigavatio', 'gigavatios', False), 'kWh': ('kilovatio hora', 'kilovatios hora', False),
    'V': ('voltio', 'voltios', False), 'kV': ('kilovoltio', 'kilovoltios', False),
    'A': ('amperio', 'amperios', False), 'mA': ('miliamperio', 'miliamperios', False),
    'mAh': ('miliamperio hora', 'miliamperios hora', False), 'Hz': ('hercio', 'hercios', False),
    'kHz': ('kilohercio', 'kilohercios', False), 'MHz': ('megahercio', 'megahercios', False),
    'GHz': ('gigahercio', 'gigahercios', False), 'N': ('newton', 'newtons', False),
    'J': ('julio', 'julios', False), 'kJ': ('kilojulio', 'kilojulios', False),
    'cal': ('caloría', 'calorías', True), 'kcal': ('kilocaloría', 'kilocalorías', True),
    'Pa': ('pascal', 'pascales', False), 'hPa': ('hectopascal', 'hectopascales', False),
    'mmHg': ('milímetro de mercurio', 'milímetros de mercurio', False), 'mcg': ('microgramo', 'microgramos', False),
    'UI': ('unidad internacional', 'unidades internacionales', True),
    'dB': ('decibelio', 'decibelios', False), 'Ω': ('ohmio', 'ohmios', False),
    'kB': ('kilobyte', 'kilobytes', False), 'KB': ('kilobyte', 'kilobytes', False),
    'MB': ('megabyte', 'megabytes', False), 'GB': ('gigabyte', 'gigabytes', False),
    'TB': ('terabyte', 'terabytes', False), 'Mbps': ('megabit por segundo', 'megabits por segundo', False),
    'CV': ('caballo de vapor', 'caballos de vapor', False), 'rpm': ('revolución por minuto',
                                                                   'revoluciones por minuto', True),
    '°C': ('grado celsius', 'grados celsius', False), 'ºC': ('grado celsius', 'grados celsius', False),
    '°F': ('grado fahrenheit', 'grados fahrenheit', False), 'ºF': ('grado fahrenheit', 'grados fahrenheit', False),
    '°': ('grado', 'grados', False), '′': ('minuto', 'minutos', False), '″': ('segundo', 'segundos', False),
    '%': ('por ciento', 'por ciento', False), '‰': ('por mil', 'por mil', False)}
SQUARED = {'²': ('cuadrado', 'cuadrados'), '³': ('cúbico', 'cúbicos')}

# sign -> (singular, plural, feminine, singular of the hundredth, its plural)
CURRENCIES = {
    '€': ('euro', 'euros', False, 'céntimo', 'céntimos'), 'EUR': ('euro', 'euros', False, 'céntimo', 'céntimos'),
    'US$': ('dólar', 'dólares', False, 'centavo', 'centavos'), '$': ('dólar', 'dólares', False, 'centavo',
    'centavos'),
    'USD': ('dólar', 'dólares', False, 'centavo', 'centavos'), '£': ('libra', 'libras', True, 'penique',
    'peniques'),
    'GBP': ('libra', 'libras', True, 'penique', 'peniques'), '¥': ('yen', 'yenes', False, 'sen', 'senes'),
    'MXN': ('peso mexicano', 'pesos mexicanos', False, 'centavo', 'centavos'),
    'ARS': ('peso argentino', 'pesos argentinos', False, 'centavo', 'centavos'),
    'COP': ('peso colombiano', 'pesos colombianos', False, 'centavo', 'centavos'),
    'CLP': ('peso chileno', 'pesos chilenos', False, 'centavo', 'centavos'),
    '₧': ('peseta', 'pesetas', True, 'céntimo', 'céntimos'), 'pta': ('peseta', 'pesetas', True, 'céntimo',
    'céntimos'),
    'ptas': ('peseta', 'pesetas', True, 'céntimo', 'céntimos'), 'Pts': ('peseta', 'pesetas', True, 'céntimo',
                                                                     'céntimos'),
    '¢': ('centavo', 'centavos', False, 'centavo', 'centavos'), 'S/': ('sol', 'soles', False, 'céntimo',
    'céntimos'),
    'Bs': ('boliviano', 'bolivianos', False, 'centavo', 'centavos')}

# With these signs a comma may part the thousands, as it does in Mexico.
ENGLISH_THOUSANDS = ('$', 'US$', 'USD', 'MXN', '£', 'GBP')

MONTHS = ('enero', 'febrero', 'marzo', 'abril', 'mayo', 'junio', 'julio', 'agosto', 'septiembre', 'octubre',
          'noviembre', 'diciembre')
SHORT_MONTHS = {name: number + 1 for number, month in enumerate(MONTHS) for name in (month, month[:3])}
SHORT_MONTHS.update(sept=9, set=9)

SYMBOLS = {'&': ' y ', '+': ' más ', '=': ' igual a ', '×': ' por ', '÷': ' entre ', '±': ' más menos ',
           '<': ' menor que ', '>': ' mayor que ', '≤': ' menor o igual que ', '≥': ' mayor o igual que ',
           '≠': ' distinto de ', '≈': ' aproximadamente igual a ', '√': ' raíz cuadrada de ', '∞': ' infinito ',
           '@': ' arroba ', '§': ' párrafo ', '©': ' copyright ', '−': ' menos ', 'π': ' pi ',
           '²': ' al cuadrado ', '³': ' al cubo ', '€': ' euros ',
           '∑': ' suma de ', '∫': ' integral de ',
           '$': ' dólares ', '£': ' libras ', '%': ' por ciento ', '‰': ' por mil ', '™': ' ', '®': ' '}

# Greek letters that stand alone (RAE 2010).
GREEK = {'α': 'alfa', 'β': 'beta', 'γ': 'gamma', 'δ': 'delta', 'ε': 'épsilon', 'ζ': 'dseta', 'η': 'eta', 'θ': 'zeta',
         'ι': 'iota', 'κ': 'kappa', 'λ': 'lambda', 'μ': 'mi', 'ν': 'ni', 'ξ': 'xi', 'ο': 'ómicron', 'π': 'pi',
         'ρ': 'ro', 'σ': 'sigma', 'τ': 'tau', 'υ': 'ípsilon', 'φ': 'fi', 'χ': 'ji', 'ψ': 'psi', 'ω': 'omega'}

# Before a Roman numeral: word -> feminine. With these I is said as an ordinal, the rest as cardinals (RAE: both
# are right up to ten; cardinals are what readers of audiobooks say).
ROMAN_AFTER = {
    'siglo': False, 'siglos': False, 'capítulo': False, 'capítulos': False, 'capitulo': False, 'tomo': False,
    'tomos': False, 'libro': False, 'libros': False, 'volumen': False, 'volúmenes': False, 'parte': True,
    'partes': True, 'acto': False, 'actos': False, 'escena': True, 'escenas': True, 'cuadro': False, 'canto':
    False,
    'cantos': False, 'título': False, 'sección': True, 'secciones': True, 'artículo': False, 'artículos': False,
    'lección': True, 'apartado': False, 'anexo': False, 'apéndice': False, 'fase': True, 'nivel': False,
    'tabla': True, 'tablas': True, 'figuras': True, 'láminas': True, 'lecciones': True, 'tipos': False,
    'lámina': True, 'figura': True, 'grado': False, 'tipo': False, 'tratado': False, 'salmo': False,
    'soneto': False, 'rima': True, 'égloga': True, 'oda': True, 'jornada': True, 'carta': True, 'epístola': True,
    'fábula': True, 'estrofa': True, 'número': False, 'página': True, 'páginas': True, 'episodio': False,
    'dinastía': True, 'sinfonía': True, 'noche': True, 'estancia': True, 'milenio': False, 'división': True,
    'factor': False, 'grupo': False, 'clase': True, 'unidad': True, 'tema': False, 'módulo': False,
    'bloque': False, 'párrafo': False, 'prólogo': False, 'verso': False, 'versos': False, 'versículo': False,
    'mundial': True, 'etapa': True, 'plan': False, 'legislatura': True, 'ley': True, 'serie':
    True}
# With these I is a cardinal too: "tipo uno", "tabla uno".
ROMAN_ONE = _words('tipo tipos fase nivel grado factor anexo tabla figura lámina apartado módulo bloque tema unidad '
                   'etapa grupo clase división plan número página párrafo verso versículo')
# Only with these can a lone L, C, D or M be a number ("capítulo L", but "vitamina C", "plan D").
ROMAN_LARGE_AFTER = {'capítulo', 'capitulo', 'capítulos', 'salmo', 'soneto', 'rima', 'canto', 'página', 'páginas',
                     'estrofa', 'número'}

# After a Roman numeral: noun -> feminine; the numeral is said as an ordinal before it ("II Guerra Mundial").
ROMAN_BEFORE = {
    'guerra': True, 'congreso': False, 'jornada': True, 'jornadas': True, 'república': True, 'reich': False,
    'internacional': True, 'concilio': False, 'edición': True, 'aniversario': False, 'juegos': False,
    'olimpiada': True, 'encuentro': False, 'encuentros': False, 'cumbre': True, 'conferencia': True,
    'dinastía': True, 'legislatura': True, 'región': True, 'premio': False, 'premios': False, 'feria': True,
    'festival': False, 'certamen': False, 'milenio': False, 'centenario': False, 'bienal': True, 'copa': True,
    'torneo': False, 'asamblea': True, 'curso': False, 'simposio': False, 'foro': False, 'semana': True,
    'exposición': True, 'conde': False, 'condesa': True, 'marqués': False, 'marquesa': True, 'duque': False,
    'duquesa': True, 'señor': False, 'barón': False, 'vizconde': False, 'distrito': False, 'batallón': False,
    'ejército': False, 'división': True, 'cuerpo': False, 'regimiento': False, 'brigada': True, 'concurso': False,
    'campeonato': False, 'plan': False, 'seminario': False, 'coloquio': False, 'carrera': True, 'marcha': True,
    'maratón': False, 'salón': False, 'muestra': True, 'ciclo': False, 'siglo': False, 'trofeo': False,
    'gala': True, 'vuelta': True, 'cruzada': True, 'convención': True, 'reunión': True, 'enmienda': True}

# Names of kings, queens and popes with which even a lone I, V or X is a number; name -> feminine.
REGNAL_NAMES = {name: False for name in _words(
    'alejandro alfonso amadeo benedicto bonifacio carlos clemente cristián darío eduardo enrique ernesto faruk '
    'felipe '
    'fernando francisco federico gregorio guillermo gustavo haakon inocencio jacobo jaime jorge josé juan julio '
    'leopoldo león luis maximiliano nicolás napoleón pablo pedro pío ramiro ramón recaredo ricardo roberto '
    'rodolfo '
    'rodrigo sancho segismundo silvestre sixto ptolomeo ramsés tolomeo urbano víctor manuel pipino otón '
    'carlomagno balduino hugo harald olaf solimán alberto vladislao ladislao esteban luitpoldo humberto '
    'sisebuto ordoño bermudo fruela garcía berenguer borrell iván pablo constantino justiniano teodosio tiberio '
    'jerjes artajerjes ciro mahoma mohamed hasán hasan husein abdul abderramán almanzor muley hakam calixto '
    'adriano '
    'celestino eugenio honorio lucio marcelo martín nicolás pascual esteban')}
REGNAL_NAMES.update({name: True for name in _words(
    'isabel catalina cristina margarita maría juana beatriz leonor victoria ana cleopatra berenguela urraca '
    'blanca '
    'petronila carlota guillermina juliana teodora')})

# Nouns of which people take a half: "1/2 pastilla" is "media pastilla".
HALVED = ('hora', 'minuto', 'día', 'mes', 'año', 'siglo', 'kilo', 'gramo', 'libra', 'tonelada', 'litro', 'docena',
          'taza', 'vaso', 'copa', 'botella', 'cucharada', 'cucharadita', 'pastilla', 'comprimido', 'tableta', 'sobre',
          'dosis', 'metro', 'kilómetro', 'milla', 'legua', 'vuelta', 'página', 'naranja', 'limón', 'manzana', 'cebolla',
          'pan', 'barra', 'euro', 'punto', 'jornada')
# Feminine nouns that begin with a stressed a: "un agua" (RAE).
STRESSED_A = _words('agua águila alba alga alma ama ancla ánfora ansia ánima área arma arpa asa aspa ascua asta aula '
                    'ave habla hacha hada hambre álgebra alza haba haya')

# Nouns with an ending that tells the wrong gender, of those often counted.
FEMININE_NOUNS = _words(
    'aves bases calles carnes clases claves frases fuentes fases flores gentes imágenes leches leyes llaves luces '
    'madres manos mujeres muertes naciones narices naves nieves noches nubes nueces partes paredes pieles '
    'pirámides '
    'plantas raíces redes reses sales sangres sedes señales series serpientes sienes suertes tardes tesis torres '
    'tribus veces vírgenes voces cruces cumbres fotos motos radios dosis crisis sílabas hélices legumbres '
    'hambres costumbres fiebres liebres libras horas síntesis catedrales cárceles vocales capitales '
    'sucursales postales perdices lombrices cicatrices actrices matrices directrices emperatrices raciones '
    'cosechas armas aguas almas águilas hachas aulas áreas hadas aves mieles corrientes vertientes '
    'constantes variables sartenes '
    'aeronaves avideces bisectrices calvicies catástrofes credenciales diagonales elipses escaseces especies '
    'espirales estirpes estupideces fes gripes hoces huestes labores lentes liquideces lucideces madureces mamás '
    'medianoches mentes mercedes metrópolis proles rapideces razones semifinales superficies terminales '
    'toses vacantes valideces variantes vejeces índoles sazones comezones imagen razón')
MASCULINE_NOUNS = _words(
    'días mapas planetas programas problemas sistemas temas poemas idiomas dramas telegramas kilogramas '
    'síntomas teoremas esquemas climas dilemas emblemas fantasmas gramas lemas panoramas diagramas tranvías sofás '
    'papás poetas profetas aromas carismas crucigramas enigmas '
    'estigmas axiomas sistemas plasmas reumas diplomas pijamas '
    'jesuitas patriarcas monarcas piratas '
    'soldados buques bosques años meses corazones camiones aviones leones '
    'balcones ratones melones botones jabones cañones escalones cajones peones millones billones vagones '
    'renglones '
    'limones tiburones galeones pantalones calcetines barones varones salones dragones cinturones sillones '
    'escuadrones eslabones pulmones pabellones bastones cordones gorriones halcones mechones '
    'apéndices cálices matices vértices índices códices bastiones gases deltas hematomas insecticidas paradigmas '
    'prismas mediodías raíles '
    'montones montes puentes dientes peces jueces lápices ases meses dioses reyes bueyes')
# Adjectives without gender that may stand between number and noun.
NEUTRAL_ADJECTIVES = _words('grandes breves largas enormes nuevas veloces felices pobres tristes dulces fuertes '
                            'simples '
                         'diferentes siguientes importantes posibles principales mejores peores mayores menores '
                         'interminables terribles últimas primeras')
# Words in -s that are no plural noun: a number before them stands alone.
NOT_NOUNS = _words('es más tras menos los las nos os sus mis tus entonces después antes unos unas además jamás '
                   'quizás '
                'apenas has estás vas eres somos vamos estamos hemos tenemos les pues nuestros nuestras esos esas '
                'estos estas aquellos aquellas nosotros vosotros ellos ellas ustedes dos tres seis veintidós '
                'veintitrés veintiséis dieciséis cuántos cuántas muchos muchas pocos pocas otros otras todos '
                'todas '
                'eras fuimos lunes martes miércoles jueves viernes atrás detrás través lejos según vez')
# A number after these is a label (page, room, day), not a count.
LABELS = _words('número números capítulo capítulos página páginas artículo artículos tomo habitación línea '
                'canal autobús '
             'siglo siglos año años el del al día días versículo verso versos sala puerta planta piso calle '
             'carretera '
             'kilómetro código postal apartado figura tabla lección talla vuelo tren versión sección volumen '
             'volúmenes figuras párrafo circa hacia punto nivel ejercicio problema')
# After "1": what follows is no noun, the number stands alone ("1 y 2").
NOUNLESS_AFTER_ONE = _words(
    'y o ó e u ni a al de del en con por para sin que se es era son no si sí como pero ha he más '
                         'menos entre sobre hasta desde hacia según cuando donde coma punto le lo la los las')
