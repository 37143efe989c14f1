// The review page: a list of which only the visible rows are drawn, and one fragment's sound with its borders.
'use strict';

const ROW = 44; // px, as in review.css
const AROUND = 1.5; // s of sound shown before and after the fragment
const STEP = 0.02; // s that a key moves a border
const SIGNS = { open: '·', accepted: '✓', rejected: '✗' };
const NAMES = { open: 'sin decidir', accepted: 'aceptado', rejected: 'rechazado' };
const $ = (id) => document.getElementById(id);

let all = []; // every fragment, worst score first
let shown = []; // those that the filter lets through
let current = -1; // index into shown
let undone = []; // {row, before}: what to put back
let region = null;
let offset = 0; // s, where the shown sound begins in the recording
let saving = Promise.resolve(); // changes are sent one after the other

const wave = WaveSurfer.create({
  container: '#wave', height: 158, waveColor: '#7a9cc6', progressColor: '#1769aa', normalize: true,
  cursorColor: '#b3261e',
});
const regions = wave.registerPlugin(WaveSurfer.Regions.create());

const value = (row) => ({ begin: row.begin, end: row.end, text: row.text, ...row.decision });

function say(text, error = false) {
  $('status').textContent = text;
  $('status').className = error ? 'error' : '';
}

function draw() {
  const list = $('list');
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 5);
  const last = Math.min(shown.length, first + Math.ceil(list.clientHeight / ROW) + 10);
  $('rows').style.height = `${shown.length * ROW}px`;
  $('rows').replaceChildren(...shown.slice(first, last).map((row, k) => {
    const item = document.createElement('div');
    item.className = 'row';
    item.id = `row-${first + k}`;
    item.style.top = `${(first + k) * ROW}px`;
    item.setAttribute('role', 'option');
    item.setAttribute('aria-selected', String(first + k === current));
    item.setAttribute('aria-posinset', String(first + k + 1));
    item.setAttribute('aria-setsize', String(shown.length));
    const state = row.decision.state || 'open';
    for (const [text, style] of [[SIGNS[state], state], [row.score.toFixed(2), 'score'], [value(row).text, '']]) {
      const cell = document.createElement('span');
      cell.textContent = text;
      cell.className = style;
      item.append(cell);
    }
    item.onclick = () => select(first + k);
    return item;
  }));
  list.setAttribute('aria-activedescendant', `row-${current}`);
  const count = (state) => all.filter((row) => (row.decision.state || 'open') === state).length;
  $('progress').textContent = `${all.length} fragmentos: ${count('accepted')} aceptados, ` +
    `${count('rejected')} rechazados, ${count('open')} sin decidir`;
}

function filter() {
  const kept = shown[current];
  const wanted = $('filter').value;
  shown = all.filter((row) => wanted === 'all' || (row.decision.state || 'open') === wanted);
  current = shown.indexOf(kept);
  if (current < 0 && shown.length) select(0); else draw();
}

async function select(index) {
  if (index < 0 || index >= shown.length) return;
  current = index;
  const list = $('list');
  if (index * ROW < list.scrollTop) list.scrollTop = index * ROW;
  if ((index + 1) * ROW > list.scrollTop + list.clientHeight) list.scrollTop = (index + 1) * ROW - list.clientHeight;
  draw();
  await show();
}

async function show() {
  const row = shown[current];
  const { begin, end, text, state = 'open' } = value(row);
  $('text').value = text;
  $('place').textContent = `${row.recording} · ${row.id} · ${row.score <= -9 || !row.read ? 'no encontrado · ' : ''}` +
    `puntuación ${row.score.toFixed(3)} · ${NAMES[state]}`;
  offset = Math.max(0, begin - AROUND);
  const until = Math.min(row.seconds, end + AROUND, offset + 110);
  const address = `api/sound/${encodeURIComponent(row.recording)}?begin=${offset}&end=${until}`;
  try {
    await wave.load(address);
  } catch (error) {
    if (error.name !== 'AbortError') say(`No se puede cargar el sonido: ${error.message}`, true);
    return;
  }
  if (row !== shown[current]) return; // another was chosen meanwhile
  drawRegion(row);
}

function drawRegion(row) {
  const { begin, end } = value(row);
  regions.clearRegions();
  region = regions.addRegion({ start: begin - offset, end: Math.max(end, begin + 0.05) - offset,
    color: 'rgba(23, 105, 170, .2)', drag: false, resize: true });
  region.on('update-end', () => move(region.start + offset, region.end + offset));
  $('times').textContent = `${begin.toFixed(3)} – ${end.toFixed(3)} s (${(end - begin).toFixed(2)} s)`;
}

function change(row, decision) {
  undone.push({ row, before: row.decision });
  return store(row, decision);
}

function store(row, decision) {
  const before = row.decision;
  row.decision = decision;
  draw();
  saving = saving.then(async () => {
    const answer = await fetch(`api/fragments/${encodeURIComponent(row.recording)}/${row.id}`, {
      method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(decision) });
    if (!answer.ok) throw new Error((await answer.json()).error || answer.statusText);
    say('Guardado');
  }).catch((error) => {
    row.decision = before;
    draw();
    say(`No se ha guardado: ${error.message}`, true);
  });
  return saving;
}

function decide(state) {
  const row = shown[current];
  if (!row) return;
  change(row, { ...row.decision, state });
  if (current + 1 < shown.length) select(current + 1); else show();
}

function move(begin, end) {
  const row = shown[current];
  begin = Math.max(0, begin);
  end = Math.min(row.seconds, end);
  if (end - begin < 0.02) return;
  change(row, { ...row.decision, begin: +begin.toFixed(3), end: +end.toFixed(3), state: row.decision.state || 'open' });
  drawRegion(row);
}

function nudge(begin, end) {
  const at = value(shown[current]);
  move(at.begin + begin, at.end + end);
}

function undo() {
  const last = undone.pop();
  if (!last) return say('No hay nada que deshacer');
  store(last.row, last.before).then(() => say('Deshecho'));
  const index = shown.indexOf(last.row);
  if (index >= 0) select(index);
}

function saveText() {
  const row = shown[current];
  const text = $('text').value.trim().replace(/\s+/g, ' ');
  if (!row || text === value(row).text) return;
  if (!text) { $('text').value = value(row).text; return say('Un fragmento necesita texto; rechácelo si sobra', true); }
  change(row, { ...row.decision, text, state: row.decision.state || 'open' });
}

function play() {
  if (wave.isPlaying()) wave.pause(); else if (region) region.play(true);
}

const keys = {
  ' ': play, a: () => decide('accepted'), r: () => decide('rejected'), u: undo, e: () => $('text').focus(),
  j: () => select(current + 1), k: () => select(current - 1),
  ArrowDown: () => select(current + 1), ArrowUp: () => select(current - 1),
  PageDown: () => select(Math.min(current + 10, shown.length - 1)), PageUp: () => select(Math.max(current - 10, 0)),
  Home: () => select(0), End: () => select(shown.length - 1),
  n: () => select(shown.findIndex((row, k) => k > current && (row.decision.state || 'open') === 'open')),
  ',': () => nudge(-STEP, 0), '.': () => nudge(STEP, 0), ';': () => nudge(0, -STEP), ':': () => nudge(0, STEP),
};

document.addEventListener('keydown', (event) => {
  if (event.target.id === 'text') {
    if (event.key === 'Escape' || (event.key === 'Enter' && !event.shiftKey)) {
      event.preventDefault();
      $('list').focus();
    }
    return;
  }
  if (event.target.tagName === 'SELECT' || event.altKey || event.metaKey) return;
  if (event.ctrlKey && event.key !== 'z') return;
  const action = event.ctrlKey ? undo : keys[event.key];
  if (!action || !shown.length || (event.key === ' ' && event.target.tagName === 'SUMMARY')) return;
  event.preventDefault();
  action();
});
$('text').addEventListener('blur', saveText);
$('list').addEventListener('scroll', draw);
window.addEventListener('resize', draw);
$('filter').onchange = filter;
$('play').onclick = play;
$('accept').onclick = () => decide('accepted');
$('reject').onclick = () => decide('rejected');
$('undo').onclick = undo;

fetch('api/fragments').then((answer) => answer.json()).then((book) => {
  document.title = `Revisión: ${book.title}`;
  $('title').textContent = book.title;
  all = book.fragments;
  filter();
  $('list').focus();
}).catch((error) => say(`No se puede leer el libro: ${error.message}`, true));
