// What the lab looks like, as the server tells it: one request that goes on. Fetch
// and not EventSource, which cannot send the token.
import { open, inLab } from './api.js';

// follow calls on with each overview, and gone when the lab is no more. It connects
// again by itself; the function that it returns ends it.
export function follow({ on, down, gone }) {
  const stop = new AbortController();
  run(stop.signal, on, down, gone);
  return () => stop.abort();
}

async function run(signal, on, down, gone) {
  for (let wait = 500; !signal.aborted; wait = Math.min(wait * 2, 8000)) {
    try {
      const answer = await open('GET', inLab('/watch'), undefined, signal);
      wait = 500;
      for await (const [name, data] of events(answer.body)) {
        if (name === 'gone') return gone();
        on(JSON.parse(data));
      }
    } catch (e) {
      if (signal.aborted) return undefined;
      if (e.status === 404) return gone();
      down(e);
      if (e.status === 401) return undefined;
    }
    await new Promise((done) => { setTimeout(done, wait); });
  }
  return undefined;
}

// events reads server-sent events: name and data.
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const parts = rest.split('\n\n');
    rest = parts.pop();
    for (const part of parts) {
      let name = 'message', data = '';
      for (const line of part.split('\n')) {
        if (line.startsWith('event: ')) name = line.slice(7);
        if (line.startsWith('data: ')) data += line.slice(6);
      }
      if (data) yield [name, data];
    }
  }
}
