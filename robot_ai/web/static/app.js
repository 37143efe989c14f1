// Joins the panels, the language and the connection.
import { connect, on } from './socket.js';
import { setUpListening } from './listen.js';
import { setUpState } from './state.js';
import { setUpWriting } from './write.js';
import { label, setLanguage, storedLanguage } from './texts.js';

const ERROR_SHOWN_MS = 8000;
const byId = (id) => document.getElementById(id);
let errorTimer = 0;

on('connection', (state) => {
  label(byId('connection'), state);
  byId('connection').className = `badge ${state === 'connected' ? 'good' : 'warn'}`;
});
on('error', (words) => {
  byId('error').textContent = words;
  byId('error').hidden = false;
  clearTimeout(errorTimer);
  errorTimer = setTimeout(() => { byId('error').hidden = true; }, ERROR_SHOWN_MS);
});
setUpListening();
setUpWriting();
setUpState();
byId('language').value = storedLanguage();
byId('language').onchange = (event) => setLanguage(event.target.value);
setLanguage(storedLanguage());
connect();
