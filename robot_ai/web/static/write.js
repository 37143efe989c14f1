// The paper: strokes with pen, eraser and undo; readings while one writes; LaTeX out; corrections.
import { on, send } from './socket.js';
import { addLine, clock } from './listen.js';
import { label, text } from './texts.js';

const PAUSE_MS = 350, WIDTH = 5, ERASER = 14, SHOWN = 5, MAX_POINTS = 20000;
const byId = (id) => document.getElementById(id);
let strokes = [], history = [], current = null, erasing = false, timer = 0, asked = 0, answer = null, keepsSamples = false;
let canvas, ink;

function fit() {
  for (const each of [canvas, byId('boxes')]) {
    const scale = window.devicePixelRatio || 1;
    each.width = Math.round(canvas.clientWidth * scale);
    each.height = Math.round(canvas.clientHeight * scale);
    each.getContext('2d').setTransform(scale, 0, 0, scale, 0, 0);
  }
  draw();
}

function draw() {
  ink.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  ink.strokeStyle = ink.fillStyle = '#16202a';
  ink.lineCap = ink.lineJoin = 'round';
  for (const stroke of strokes) {
    ink.beginPath();
    ink.arc(stroke[0][0], stroke[0][1], WIDTH / 2, 0, 2 * Math.PI);
    ink.fill();
    for (let i = 1; i < stroke.length; i++) {
      ink.beginPath();
      ink.lineWidth = WIDTH * (0.6 + 0.8 * (stroke[i][2] ?? 0.5));
      ink.moveTo(stroke[i - 1][0], stroke[i - 1][1]);
      ink.lineTo(stroke[i][0], stroke[i][1]);
      ink.stroke();
    }
  }
}

function drawBoxes(items) {
  const context = byId('boxes').getContext('2d');
  context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  context.strokeStyle = '#14507a';
  context.setLineDash([4, 4]);
  for (const { box: [x, y, width, height] } of items) context.strokeRect(x - 4, y - 4, width + 8, height + 8);
}

function point(event) {
  const area = canvas.getBoundingClientRect();
  const round = (value) => Math.round(value * 10) / 10;
  return [round(event.clientX - area.left), round(event.clientY - area.top), round(event.pressure || 0.5)];
}

function eraseAt([x, y]) {
  const kept = strokes.filter((stroke) => !stroke.some((p) => Math.hypot(p[0] - x, p[1] - y) < ERASER));
  if (kept.length !== strokes.length) { strokes = kept; changed(); }
}

function changed() {
  draw();
  clearTimeout(timer);
  if (strokes.length) timer = setTimeout(() => ask(false), PAUSE_MS);
  else showNothing('emptyCanvas');
}

function showNothing(why) {
  asked++;
  answer = null;
  drawBoxes([]);
  byId('result').hidden = true;
  label(byId('write-hint'), why);
}

function ask(forRobot) {
  clearTimeout(timer);
  if (!strokes.length) { showNothing('emptyCanvas'); return; }
  const flat = strokes.map((stroke) => stroke.map(([x, y]) => [x, y]));
  send('writing', { id: ++asked, strokes: flat, mode: byId('mode').value, send: forRobot });
  if (forRobot) label(byId('write-hint'), 'sent');
}

function render(latex) {
  const target = byId('rendered');
  try { window.katex.render(latex, target, { throwOnError: true, displayMode: true, trust: false, maxExpand: 200 }); }
  catch { target.textContent = latex; }
}

function choose(latex) {
  byId('latex').textContent = latex;
  byId('correct').value = latex;
  render(latex);
}

function show(detail, rectified) {
  answer = detail;
  if (!detail.latex) { showNothing('nothingFound'); return; }
  byId('result').hidden = false;
  if (byId('write-hint').dataset.text !== 'sent') label(byId('write-hint'), 'readIt');
  choose(detail.latex);
  drawBoxes(detail.items);
  byId('rectified').hidden = !rectified;
  if (rectified) byId('rectified').src = rectified;
  const candidates = detail.kind === 'symbol' && detail.items.length === 1 ? detail.items[0].candidates : [];
  byId('candidates').replaceChildren(...candidates.slice(0, SHOWN).map(({ latex, score }) => {
    const line = document.createElement('li'), button = document.createElement('button');
    button.type = 'button';
    button.textContent = `${latex}   ${Math.round(100 * score)} %`;
    button.onclick = () => choose(latex);
    line.append(button);
    return line;
  }));
  byId('correction').hidden = !keepsSamples;
}

function download() {
  const document_ = `\\documentclass{standalone}\n\\usepackage{amsmath,amssymb}\n\\begin{document}\n` +
    `$\\displaystyle ${byId('latex').textContent}$\n\\end{document}\n`;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([document_], { type: 'application/x-tex' }));
  link.download = 'robot_ai.tex';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function copy() {
  try { await navigator.clipboard.writeText(byId('latex').textContent); label(byId('write-hint'), 'copied'); }
  catch { getSelection().selectAllChildren(byId('latex')); }
}

async function readPicture(event) {
  const [file] = event.target.files;
  if (!file) return;
  const reply = await fetch('api/read', { method: 'POST', body: file });
  const detail = await reply.json().catch(() => ({ error: reply.statusText }));
  event.target.value = '';
  if (!reply.ok) { label(byId('write-hint'), 'nothingFound'); byId('write-hint').textContent = detail.error; return; }
  show(detail, '');
  drawBoxes([]);
}

function setTool(eraser) {
  erasing = eraser;
  byId('pen').setAttribute('aria-pressed', String(!eraser));
  byId('eraser').setAttribute('aria-pressed', String(eraser));
}

function remember() { history.push(strokes.slice()); if (history.length > 100) history.shift(); }

function undo() { if (history.length) { strokes = history.pop(); changed(); } }

function setUpPen() {
  canvas.onpointerdown = (event) => {
    if (event.button !== 0 || current) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    clearTimeout(timer);
    remember();
    current = { id: event.pointerId, points: [point(event)] };
    if (erasing) eraseAt(current.points[0]);
    else { strokes = [...strokes, current.points]; draw(); }
  };
  canvas.onpointermove = (event) => {
    if (current?.id !== event.pointerId) return;
    const events = event.getCoalescedEvents?.().length ? event.getCoalescedEvents() : [event];
    for (const each of events) {
      if (erasing) eraseAt(point(each));
      else if (strokes.reduce((sum, stroke) => sum + stroke.length, 0) < MAX_POINTS) current.points.push(point(each));
    }
    if (!erasing) draw();
  };
  canvas.onpointerup = canvas.onpointercancel = (event) => {
    if (current?.id !== event.pointerId) return;
    current = null;
    if (!erasing) changed();
  };
  canvas.onkeydown = (event) => {
    if (event.key === 'z' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); undo(); }
    if (event.key === 'Delete' || event.key === 'Backspace') { event.preventDefault(); byId('clear').click(); }
    if (event.key === 'Enter') { event.preventDefault(); ask(true); }
  };
}

export function setUpWriting() {
  canvas = byId('canvas');
  ink = canvas.getContext('2d');
  setUpPen();
  new ResizeObserver(fit).observe(canvas);
  byId('pen').onclick = () => setTool(false);
  byId('eraser').onclick = () => setTool(true);
  byId('undo').onclick = undo;
  byId('clear').onclick = () => { if (strokes.length) remember(); strokes = []; changed(); };
  byId('recognise').onclick = () => ask(false);
  byId('send').onclick = () => ask(true);
  byId('mode').onchange = () => { if (strokes.length) ask(false); };
  byId('copy').onclick = copy;
  byId('download').onclick = download;
  byId('picture').onchange = readPicture;
  byId('correction').onsubmit = (event) => {
    event.preventDefault();
    if (strokes.length) send('correction', { label: byId('correct').value, strokes: strokes.map((s) => s.map(([x, y]) => [x, y])) });
  };
  on('correction', () => label(byId('write-hint'), 'correctionKept'));
  on('reading', ({ id, detail, rectified }) => { if (id === asked) show(detail, rectified); });
  on('server', (server) => {
    keepsSamples = server.keeps_samples;
    for (const id of ['recognise', 'send', 'picture']) byId(id).disabled = !server.writing;
    if (!server.writing) label(byId('write-hint'), 'noModel');
  });
  on('characters/detail', (detail) => {
    const line = document.createElement('li');
    line.textContent = `${clock(detail.stamp)} ${text('saw')} ${detail.latex} (${detail.source}, ${Math.round(100 * detail.score)} %)`;
    addLine(byId('events'), line);
  });
}
