// What upstreams and clients exchange, as bytes that were kept: events, lines of JSON, or one document.

/** [{event, data, json}] of a text/event-stream; a last event without its blank line counts. */
export function events(text) {
  const found = [];
  let event = '';
  let data = [];
  const flush = () => {
    if (data.length) {
      const joined = data.join('\n');
      found.push({ event, data: joined, json: parse(joined) });
    }
    event = '';
    data = [];
  };
  for (const line of text.split(/\r\n|\n|\r/)) {
    if (line === '') flush();
    else if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5));
    else if (line.startsWith('event:')) event = line.slice(6).trim();
  }
  flush();
  return found;
}

export function parse(text) {
  try { return JSON.parse(text); } catch { return undefined; }
}

const isStream = text => /^\s*(?:(?:data|event|id|retry):|:)/.test(text);

/** The JSON values that a body is made of, in order. */
export function values(text) {
  if (isStream(text)) return events(text).map(event => event.json).filter(value => value !== undefined);
  const whole = parse(text);
  if (whole !== undefined) return Array.isArray(whole) ? whole : [whole];
  return text.split('\n').map(parse).filter(value => value !== undefined);
}

/** For the tree: one document, or the list of events. */
export function document_(text) {
  if (isStream(text)) return events(text).map(event => event.json ?? event.data);
  return parse(text);
}
