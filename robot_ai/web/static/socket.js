// The one WebSocket: topics both ways, reconnects by itself with growing pauses.
const FIRST_PAUSE_MS = 500, LONGEST_PAUSE_MS = 8000;
const handlers = new Map();
let socket = null, pause = FIRST_PAUSE_MS;

export function on(topic, handler) {
  if (!handlers.has(topic)) handlers.set(topic, []);
  handlers.get(topic).push(handler);
}

export function send(topic, data) {
  if (socket?.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify({ topic, data }));
  return true;
}

/** Send sound; frames that the network cannot take are dropped, since old sound is of no use. */
export function sendAudio(buffer) {
  if (socket?.readyState === WebSocket.OPEN && socket.bufferedAmount < 64000) socket.send(buffer);
}

function deliver({ topic, data }, remembered) {
  for (const handler of handlers.get(topic) ?? []) handler(data, remembered);
}

export function connect() {
  deliver({ topic: 'connection', data: 'connecting' });
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  socket = new WebSocket(`${scheme}://${location.host}/ws`);
  socket.onopen = () => { pause = FIRST_PAUSE_MS; deliver({ topic: 'connection', data: 'connected' }); };
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.topic !== 'remembered') { deliver(message, false); return; }
    deliver({ topic: 'fresh', data: null });
    for (const old of message.data) deliver(old, true);
  };
  socket.onclose = () => {
    deliver({ topic: 'connection', data: 'disconnected' });
    setTimeout(connect, pause);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  };
}
