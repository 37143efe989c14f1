// Browser sound at any rate -> 16 kHz mono int16 blocks of 50 ms. The AudioContext is asked for 16 kHz, and the
// browser then resamples with its own filter; this only gathers and rounds.
const BLOCK = 800;

class Microphone extends AudioWorkletProcessor {
  constructor() { super(); this.block = new Int16Array(BLOCK); this.filled = 0; this.power = 0; }

  process([input]) {
    if (!input.length) return true;
    for (let i = 0; i < input[0].length; i++) {
      let sample = 0;
      for (const channel of input) sample += channel[i];
      sample = Math.max(-1, Math.min(1, sample / input.length));
      this.power += sample * sample;
      this.block[this.filled++] = Math.round(sample * 32767);
      if (this.filled === BLOCK) {
        const level = 10 * Math.log10(this.power / BLOCK + 1e-10);
        this.port.postMessage({ sound: this.block.buffer, level }, [this.block.buffer]);
        this.block = new Int16Array(BLOCK); this.filled = 0; this.power = 0;
      }
    }
    return true;
  }
}
registerProcessor('microphone', Microphone);
