// Every word that the page shows: Spanish first, English second. Elements name theirs in data-text/-label/-alt.
const TEXTS = {
  es: {
    skip: 'Ir al contenido', language: 'Idioma', robotView: 'Vista del robot', close: 'Cerrar',
    connected: 'Conectado', connecting: 'Conectando…', disconnected: 'Sin conexión: lo intento otra vez…',
    listen: 'Escuchar', microphoneOn: 'Usar este micrófono', microphoneOff: 'Soltar el micrófono',
    microphoneTaken: 'Otra página usa ya el micrófono. Ciérralo allí primero.',
    microphoneInsecure: 'El micrófono está apagado: el navegador solo lo permite con HTTPS o en localhost.',
    microphoneDenied: 'El navegador no deja usar el micrófono. Revisa el permiso de la página.',
    pause: 'Pausar la escucha', resume: 'Seguir escuchando', level: 'Nivel de sonido',
    voice: 'Hay voz', silence: 'Silencio', speaking: 'El robot habla', history: 'Lo que se ha oído',
    latency: 'retraso', confidence: 'confianza', realTimeFactor: 'factor de tiempo real',
    write: 'Escribir', tools: 'Herramientas', pen: 'Lápiz', eraser: 'Goma', undo: 'Deshacer', clear: 'Borrar todo',
    kind: 'Qué es', kindAuto: 'Automático', kindSymbol: 'Un símbolo', kindExpression: 'Una expresión',
    canvas: 'Papel para escribir con el dedo, el lápiz o el ratón', emptyCanvas: 'Escribe algo en el papel.',
    readIt: 'Esto es lo que leo:', nothingFound: 'No reconozco nada aquí. Escribe más grande.', recognise: 'Reconocer', send: 'Enviar al robot',
    sent: 'Enviado al robot.', picture: 'O una foto:', pictureRead: 'Leído en la foto', copy: 'Copiar LaTeX',
    copied: 'Copiado.', download: 'Descargar .tex', rectified: 'El símbolo enderezado por la red',
    candidates: 'Otras lecturas', correctLabel: 'Lo correcto (LaTeX)', correctSave: 'Guardar corrección',
    correctionKept: 'Corrección guardada en este equipo.', noModel: 'No hay modelo para reconocer escritura.',
    state: 'Estado', now: 'Ahora', why: 'Por qué', says: 'Dice', typeInstead: 'Escribir en vez de hablar',
    sayIt: 'Decir', eventName: 'Suceso', fire: 'Lanzar', graph: 'Diálogo', events: 'Últimos sucesos',
    health: 'Salud de los nodos', healthy: 'funciona bien', stale: 'sin noticias', drops: 'perdidos',
    since: 'desde', heard: 'oyó', saw: 'vio', said: 'dijo', entered: 'pasa a', asked: 'pide',
  },
  en: {
    skip: 'Skip to content', language: 'Language', robotView: 'Robot view', close: 'Close',
    connected: 'Connected', connecting: 'Connecting…', disconnected: 'No connection: trying again…',
    listen: 'Listen', microphoneOn: 'Use this microphone', microphoneOff: 'Release the microphone',
    microphoneTaken: 'Another page uses the microphone already. Release it there first.',
    microphoneInsecure: 'The microphone is off: browsers allow it only over HTTPS or on localhost.',
    microphoneDenied: 'The browser does not allow the microphone. Check the permission of this page.',
    pause: 'Pause listening', resume: 'Listen again', level: 'Sound level',
    voice: 'Voice', silence: 'Silence', speaking: 'The robot speaks', history: 'What was heard',
    latency: 'latency', confidence: 'confidence', realTimeFactor: 'real-time factor',
    write: 'Write', tools: 'Tools', pen: 'Pen', eraser: 'Eraser', undo: 'Undo', clear: 'Clear',
    kind: 'What it is', kindAuto: 'Automatic', kindSymbol: 'One symbol', kindExpression: 'An expression',
    canvas: 'Paper to write on with finger, pen or mouse', emptyCanvas: 'Write something on the paper.',
    readIt: 'This is what I read:', nothingFound: 'Nothing recognised here. Write larger.', recognise: 'Recognise', send: 'Send to the robot',
    sent: 'Sent to the robot.', picture: 'Or a photo:', pictureRead: 'Read in the photo', copy: 'Copy LaTeX',
    copied: 'Copied.', download: 'Download .tex', rectified: 'The symbol as rectified by the network',
    candidates: 'Other readings', correctLabel: 'What is right (LaTeX)', correctSave: 'Keep correction',
    correctionKept: 'Correction kept on this computer.', noModel: 'There is no model for handwriting.',
    state: 'State', now: 'Now', why: 'Why', says: 'Says', typeInstead: 'Type instead of speaking',
    sayIt: 'Say', eventName: 'Event', fire: 'Fire', graph: 'Dialogue', events: 'Last events',
    health: 'Health of the nodes', healthy: 'works well', stale: 'no news', drops: 'dropped',
    since: 'since', heard: 'heard', saw: 'saw', said: 'said', entered: 'goes to', asked: 'asks for',
  },
};
const STORAGE = 'robot_ai.language';
let language = 'es';
const listeners = [];

export function text(key) { return TEXTS[language][key]; }

/** Call `listener` now and whenever the language changes, for texts that the page writes itself. */
export function onLanguage(listener) { listeners.push(listener); listener(); }

export function setLanguage(wanted) {
  language = wanted in TEXTS ? wanted : 'es';
  try { localStorage.setItem(STORAGE, language); } catch { /* private windows may refuse: then it is not kept */ }
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = text(element.dataset.text);
  for (const element of document.querySelectorAll('[data-label]')) element.setAttribute('aria-label', text(element.dataset.label));
  for (const element of document.querySelectorAll('[data-alt]')) element.alt = text(element.dataset.alt);
  for (const listener of listeners) listener();
}

export function storedLanguage() {
  try { return localStorage.getItem(STORAGE) || 'es'; } catch { return 'es'; }
}

/** Give an element a text by key, kept when the language changes. */
export function label(element, key) { element.dataset.text = key; element.textContent = text(key); }
