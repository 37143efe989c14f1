// What the robot hears: level, voice, the growing partial, finals with word confidences; this page's microphone.
import { on, send, sendAudio } from './socket.js';
import { label, onLanguage, text } from './texts.js';

const RATE = 16000, LOW = 0.5, MIDDLE = 0.8, KEPT = 100;
const byId = (id) => document.getElementById(id);
let context = null, stream = null, wanted = false, paused = false, voice = false, robotSpeaking = false;

export function clock(stamp) {
  return new Date(stamp.sec * 1000 + stamp.nanosec / 1e6).toLocaleTimeString(document.documentElement.lang);
}

export function addLine(list, line) {
  list.prepend(line);
  while (list.children.length > KEPT) list.lastChild.remove();
}

function showVoice() {
  const badge = byId('voice');
  badge.className = `badge ${voice ? 'good' : ''}`;
  badge.textContent = robotSpeaking ? text('speaking') : text(voice ? 'voice' : 'silence');
}

function transcriptLine(detail) {
  const line = document.createElement('li');
  const when = document.createElement('time');
  when.textContent = `${clock(detail.stamp)} `;
  line.append(when);
  const words = detail.words.length ? detail.words : [{ text: detail.text, confidence: detail.confidence }];
  words.forEach((word, index) => {
    const span = document.createElement('span');
    span.textContent = word.text;
    span.title = `${text('confidence')} ${Math.round(100 * word.confidence)} %`;
    if (word.confidence < LOW) span.className = 'word-low';
    else if (word.confidence < MIDDLE) span.className = 'word-middle';
    line.append(index ? ' ' : '', span);
  });
  const facts = document.createElement('small');
  const number = (value, digits) => value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: digits });
  facts.textContent = ` · ${text('confidence')} ${Math.round(100 * detail.confidence)} % · ` +
    `${text('latency')} ${number(detail.latency, 2)} s`;
  line.append(facts);
  return line;
}

async function startMicrophone() {
  if (!window.isSecureContext || !navigator.mediaDevices) { label(byId('microphone-hint'), 'microphoneInsecure'); return; }
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true } });
    context = new AudioContext({ sampleRate: RATE });
    await context.audioWorklet.addModule('microphone-worklet.js');
    const node = new AudioWorkletNode(context, 'microphone');
    node.port.onmessage = ({ data }) => { sendAudio(data.sound); byId('level').value = data.level; };
    context.createMediaStreamSource(stream).connect(node);
    await context.resume();
  } catch (error) {
    label(byId('microphone-hint'), 'microphoneDenied');
    byId('microphone-hint').title = String(error);
    send('microphone', false);
  }
}

async function stopMicrophone() {
  stream?.getTracks().forEach((track) => track.stop());
  await context?.close();
  stream = context = null;
}

export function setUpListening() {
  const button = byId('microphone');
  button.onclick = () => {
    wanted = !wanted;
    byId('microphone-hint').textContent = '';
    delete byId('microphone-hint').dataset.text;
    if (wanted && !window.isSecureContext) { wanted = false; label(byId('microphone-hint'), 'microphoneInsecure'); return; }
    send('microphone', wanted);
  };
  on('microphone', (granted) => {
    if (wanted && !granted) label(byId('microphone-hint'), 'microphoneTaken');
    if (granted && !stream) startMicrophone();
    if (!granted) { wanted = false; stopMicrophone(); }
    button.setAttribute('aria-pressed', String(granted));
    label(button, granted ? 'microphoneOff' : 'microphoneOn');
  });
  on('connection', (state) => { if (state === 'connected' && wanted) send('microphone', true); });
  byId('pause').onclick = () => send('listening', paused);
  on('listening', (on_) => {
    paused = !on_;
    byId('pause').setAttribute('aria-pressed', String(paused));
    label(byId('pause'), paused ? 'resume' : 'pause');
  });
  on('level', (level) => { if (!stream) byId('level').value = level; });
  on('voice_activity', (active) => { voice = active; showVoice(); });
  on('robot_speaking', (active) => { robotSpeaking = active; showVoice(); });
  on('transcript/partial', (partial) => { byId('partial').textContent = partial; });
  on('transcript/detail', (detail) => {
    byId('partial').textContent = '';
    addLine(byId('transcripts'), transcriptLine(detail));
  });
  on('fresh', () => byId('transcripts').replaceChildren());
  if (!window.isSecureContext) label(byId('microphone-hint'), 'microphoneInsecure');
  onLanguage(showVoice);
}
