// What the robot thinks and does: state, sayings, actions, graph, health; and the robot's full-screen view.
import { on, send } from './socket.js';
import { addLine, clock } from './listen.js';
import { onLanguage, text } from './texts.js';

const STALE_MS = 5000;
const LEVELS = ['good', 'warn', 'bad', 'bad'];
const byId = (id) => document.getElementById(id);
const health = new Map();
let current = '';

function event(words, stamp) {
  const line = document.createElement('li');
  line.textContent = `${stamp ? clock(stamp) : new Date().toLocaleTimeString(document.documentElement.lang)} ${words}`;
  addLine(byId('events'), line);
}

function light() {
  for (const state of byId('graph').querySelectorAll('[data-state]')) {
    state.toggleAttribute('data-current', state.dataset.state === current);
    if (state.dataset.state === current) state.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }
}

function showHealth() {
  byId('health').replaceChildren(...[...health.values()].sort((a, b) => a.name.localeCompare(b.name)).map((node) => {
    const stale = Date.now() - node.seen > STALE_MS;
    const line = document.createElement('li'), name = document.createElement('strong'), words = document.createElement('span');
    name.textContent = node.name.replace(/^\//, '');
    words.className = stale ? 'warn' : LEVELS[node.level];
    const facts = stale ? text('stale') : node.level ? node.message : text('healthy');
    const factor = node.values['real-time factor'];
    words.textContent = ` ${facts}${factor ? ` · ${text('realTimeFactor')} ${factor}` : ''}`;
    line.append(name, words);
    return line;
  }));
}

function showGraph({ svg, events }) {
  // Parsed as an image document of its own: only drawing elements come over, never scripts or handlers.
  const parsed = new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement;
  byId('graph-box').hidden = parsed.nodeName !== 'svg';
  if (parsed.nodeName !== 'svg') return;
  for (const bad of parsed.querySelectorAll('script, foreignObject, a, style')) bad.remove();
  byId('graph').replaceChildren(document.importNode(parsed, true));
  byId('event-names').replaceChildren(...(events ?? []).map((name) => Object.assign(document.createElement('option'), { value: name })));
  light();
}

export function setUpState() {
  byId('graph-box').hidden = true;
  on('state', (state, remembered) => {
    current = state.state;
    byId('state-name').textContent = state.state;
    byId('state-why').textContent = [state.last_event, state.why].filter(Boolean).join(' · ') || '–';
    if (!remembered) event(`${text('entered')} ${state.state}`, state.since);
    light();
  });
  on('say', (words, remembered) => {
    byId('says').textContent = words;
    if (!remembered) event(`${text('said')}: ${words}`);
  });
  on('action', (action) => event(`${text('asked')}: ${action.name}`));
  on('graph', showGraph);
  on('show', ({ picture, words, alt }) => {
    byId('show-picture').hidden = !picture;
    byId('show-picture').alt = alt ?? '';
    if (picture) byId('show-picture').src = picture;
    byId('show-text').textContent = words ?? '';
  });
  on('diagnostics', (status) => { health.set(status.name, { ...status, seen: Date.now() }); showHealth(); });
  on('fresh', () => { byId('events').replaceChildren(); });
  setInterval(showHealth, STALE_MS);
  byId('say-form').onsubmit = (submitted) => {
    submitted.preventDefault();
    const words = byId('utterance').value.trim();
    if (words && send('utterance', words)) byId('utterance').value = '';
  };
  byId('event-form').onsubmit = (submitted) => {
    submitted.preventDefault();
    const name = byId('event').value.trim();
    if (name && send('dialogue/event', { event: name })) byId('event').value = '';
  };
  byId('robot-view-open').onclick = () => { byId('robot-view').showModal(); byId('robot-view').requestFullscreen?.().catch(() => {}); };
  byId('robot-view-close').onclick = () => byId('robot-view').close();
  byId('robot-view').onclose = () => { if (document.fullscreenElement) document.exitFullscreen(); };
  onLanguage(showHealth);
}
