// One row of the list.
import { h } from './dom.js';
import { time, ms, short, cost, speed, tone, DIALECTS } from './format.js';

export const COLUMNS = [
  ['time', 'Time'], ['status', 'Status'], ['model', 'Model'], ['route', 'Route'], ['client', 'Client'], ['api', 'API'],
  ['in', 'In', 'Input tokens'], ['cached', 'Cached', 'Share of the input that came from the cache'], ['out', 'Out', 'Output tokens'],
  ['ttft', 'First', 'Time to first token'], ['speed', 'Tok/s', 'Output tokens a second after the first'], ['duration', 'Total', 'Duration'], ['cost', 'Cost'], ['flags', 'Notes'],
];

export function header() {
  return h('div.vhead', { role: 'row', 'aria-rowindex': '1' },
    COLUMNS.map(([id, text, long]) => h(`div.c-${id}`, { role: 'columnheader', title: long }, text)));
}

export function makeRow() {
  return h('div.vrow', { role: 'row' }, COLUMNS.map(([id]) => h(`div.c-${id}`, { role: 'gridcell' })));
}

export function drawRow(element, row, openId) {
  const cells = element.children;
  if (!row) {
    element.className = 'vrow ghost' + (element.classList.contains('active') ? ' active' : '');
    for (const cell of cells) cell.textContent = '';
    element.shown = null;
    return;
  }
  const isOpen = String(row.sequence) === openId || row.id === openId;
  element.classList.toggle('open', isOpen);
  if (element.shown === row) return;
  element.shown = row;
  element.classList.remove('ghost', 'good', 'warn', 'bad');
  element.classList.add(tone(row));
  const rate = speed(row);
  const texts = [
    time(row.ended), String(row.status), row.model || '–', row.provider ? `${row.provider} · ${row.upstream_model ?? ''}` : '–',
    row.client ?? '–', DIALECTS[row.dialect] ?? row.dialect, short(row.input),
    row.input && row.cache_read !== undefined ? `${Math.round(100 * row.cache_read / row.input)}%` : '–',
    short(row.output), ms(row.first_token_ms), rate === undefined ? '–' : short(Math.round(rate)), ms(row.duration_ms), cost(row.cost),
  ];
  texts.forEach((text, index) => { if (cells[index].textContent !== text) cells[index].textContent = text; });
  cells[2].title = row.model + (row.profile ? ` (profile ${row.profile})` : '');
  cells[3].title = texts[3];
  cells[13].replaceChildren(...flags(row));
}

function flags(row) {
  const flags = [];
  const flag = (kind, text, title) => flags.push(h(`span.flag.${kind}`, { title }, text));
  if (row.error) flag('bad', row.error.category.replace(/_/g, ' '), row.error.message);
  else if (row.outcome === 'cancelled') flag('warn', 'given up', 'The client went away before the reply was complete');
  if (row.attempts > 1) flag('warn', `${row.attempts} tries`, 'Attempts at upstreams');
  if (row.repairs) flag('fix', `${row.repairs} fixed`, 'Repairs');
  if (row.dropped) flag('drop', `${row.dropped} dropped`, 'Members of the request that the upstream was not told');
  if (row.finish === 'tool_calls') flag('plain', 'tools', 'Ended with tool calls');
  else if (row.finish && row.finish !== 'stop') flag('plain', row.finish.replace(/_/g, ' '), 'Finish reason');
  return flags;
}
