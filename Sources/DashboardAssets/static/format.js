// Numbers and times as people read them. Everything answers '–' for what is not known.

const NONE = '–';
const group = new Intl.NumberFormat('en-US');

export const count = value => value === undefined || value === null ? NONE : group.format(value);

/** 950, 12.3k, 4.56M */
export function short(value) {
  if (value === undefined || value === null) return NONE;
  const size = Math.abs(value);
  if (size < 1000) return Number.isInteger(value) ? String(value) : value.toFixed(size < 10 ? 1 : 0);
  for (const [limit, unit] of [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']]) {
    if (size >= limit * 0.9995) {
      const scaled = value / limit;
      return scaled.toFixed(Math.abs(scaled) < 9.995 ? 2 : Math.abs(scaled) < 99.95 ? 1 : 0) + unit;
    }
  }
  return String(value);
}

/** Milliseconds: 85 ms, 1.24 s, 2 m 05 s */
export function ms(value) {
  if (value === undefined || value === null) return NONE;
  if (value < 1) return value === 0 ? '0 ms' : `${value.toFixed(2)} ms`;
  if (value < 1000) return `${Math.round(value)} ms`;
  if (value < 60000) return `${(value / 1000).toFixed(value < 10000 ? 2 : 1)} s`;
  const seconds = Math.round(value / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, '0')} s`;
  return `${Math.floor(seconds / 3600)} h ${String(Math.floor(seconds % 3600 / 60)).padStart(2, '0')} m`;
}

export function bytes(value) {
  if (value === undefined || value === null) return NONE;
  if (value < 1000) return `${value} B`;
  if (value < 1e6) return `${(value / 1e3).toFixed(value < 1e4 ? 1 : 0)} kB`;
  return `${(value / 1e6).toFixed(1)} MB`;
}

/** In whatever currency the upstream or the price table uses. */
export function cost(value) {
  if (value === undefined || value === null) return NONE;
  if (value === 0) return '0';
  if (value < 0.01) return value.toFixed(5).replace(/0+$/, '');
  return value.toFixed(value < 1 ? 4 : 2);
}

export const percent = (part, whole) => whole ? `${(100 * part / whole).toFixed(part && part / whole < 0.1 ? 1 : 0)}%` : NONE;

const two = value => String(value).padStart(2, '0');

/** 14:03:27; with the day before it when that is not today. */
export function time(at, now = Date.now()) {
  if (!at) return NONE;
  const date = new Date(at);
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return date.toDateString() === new Date(now).toDateString() ? clock : `${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock}`;
}

export function dateTime(at) {
  const date = new Date(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** For the axis of a chart with that span. */
export function tick(at, span) {
  const date = new Date(at);
  if (span <= 2 * 86400000) return `${two(date.getHours())}:${two(date.getMinutes())}`;
  return `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

export const rate = value => value === undefined || value === null || !isFinite(value) ? NONE : `${short(value < 10 ? Math.round(value * 10) / 10 : Math.round(value))} tok/s`;

/** Tokens a second after the first one; undefined if it cannot be known. */
export function speed(row) {
  const span = row.duration_ms - row.first_token_ms;
  return row.stream && row.output > 1 && span > 0 ? row.output * 1000 / span : undefined;
}

export const DIALECTS = {
  'openai.chat': 'Chat', 'openai.responses': 'Responses', 'anthropic.messages': 'Messages',
  'anthropic.count_tokens': 'Count tokens', 'openai.completions': 'Completions', 'openai.embeddings': 'Embeddings',
};

/** good, warn or bad. */
export function tone(row) {
  if (row.outcome === 'failed') return 'bad';
  if (row.outcome === 'cancelled') return 'warn';
  return 'good';
}
