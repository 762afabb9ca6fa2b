// The filters of the list: a search field, selects, and two switches. Their values are the URL's parameters.
import { h, replace } from './dom.js';
import { api } from './api.js';
import { DIALECTS } from './format.js';

export const NAMES = ['q', 'model', 'provider', 'upstream_model', 'profile', 'client', 'dialect', 'status', 'since', 'until', 'repaired', 'error'];
const WORDS = { model: 'model', provider: 'provider', route: 'upstream_model', upstream: 'upstream_model', profile: 'profile', client: 'client', dialect: 'dialect', status: 'status', since: 'since', until: 'until' };
const SPANS = [['', 'Any time'], ['15m', 'Last 15 min'], ['1h', 'Last hour'], ['6h', 'Last 6 h'], ['24h', 'Last 24 h'], ['7d', 'Last 7 days'], ['30d', 'Last 30 days']];
const STATUSES = [['', 'Any status'], ['ok', 'Done'], ['failed', 'Failed'], ['cancelled', 'Given up'], ['2xx', '2xx'], ['4xx', '4xx'], ['429', '429'], ['5xx', '5xx']];

export const only = params => Object.fromEntries(NAMES.filter(name => params[name]).map(name => [name, params[name]]));

/** `status:429 model:kimi-k2 some words` → the fields and the words that are left. Quotes keep words together. */
export function split(text) {
  const fields = {};
  const rest = text.replace(/(^|\s)(\w+):("[^"]*"|\S+)/g, (all, before, name, value) => {
    if (!WORDS[name]) return all;
    fields[WORDS[name]] = value.replace(/^"|"$/g, '');
    return before;
  });
  return { fields, text: rest.replace(/\s+/g, ' ').trim() };
}

/** `change(values)` is called with all filters when one changes. */
export function filterBar(params, change, canSearch) {
  let values = only(params);
  let facets = {};
  const set = part => {
    // Always in the same order, so that the same view has the same URL.
    change(only({ ...values, ...part }));
  };
  const search = h('input', {
    id: 'search', type: 'search', placeholder: canSearch ? 'Search in bodies, or model:… status:429 client:…' : 'model:… status:429 client:…',
    'aria-label': 'Search', spellcheck: 'false', autocomplete: 'off',
    onkeydown: event => { if (event.key === 'Escape' && search.value) { event.stopPropagation(); search.value = ''; submit(); } },
  });
  const submit = () => {
    const { fields, text } = split(search.value);
    search.value = text;
    set({ ...fields, q: text });
  };
  const select = (label, name, onchange) => h('select', {
    'aria-label': label, 'data-filter': name,
    onchange: event => onchange ? onchange(event.target.value) : set({ [name]: event.target.value }),
  });
  const selects = {
    model: select('Model', 'model'),
    route: select('Route', 'route', value => {
      const [provider, ...rest] = value.split('\u0000');
      set({ provider, upstream_model: rest.join('\u0000') });
    }),
    status: select('Status', 'status'),
    client: select('Client', 'client'),
    dialect: select('API', 'dialect'),
    since: select('Time', 'since', value => set({ since: value, until: '' })),
  };
  const toggle = (label, name) => h('button.toggle', { type: 'button', 'aria-pressed': 'false', 'data-filter': name, onclick: () => set({ [name]: values[name] ? '' : '1' }) }, label);
  const switches = { error: toggle('Errors', 'error'), repaired: toggle('Repaired', 'repaired') };
  const clear = h('button.quiet', { type: 'button', onclick: () => { search.value = ''; change({}); } }, 'Clear');
  const more = h('button.toggle.narrow-only', {
    type: 'button', 'aria-expanded': 'false',
    onclick: () => more.setAttribute('aria-expanded', String(element.classList.toggle('open'))),
  }, 'Filters');
  const element = h('form.filters', { role: 'search', onsubmit: event => { event.preventDefault(); submit(); } },
    search, more, h('div.filter-set', Object.values(selects), Object.values(switches), clear));

  const fillSelect = (element, value, any, options) => {
    const entries = [['', any], ...options];
    if (value && !entries.some(([key]) => key === value)) entries.push([value, value.replace('\u0000', ' · ') || value]);
    replace(element, entries.map(([key, text]) => h('option', { value: key }, text)));
    element.value = value;
    element.classList.toggle('set', Boolean(value));
  };
  const names = list => (list ?? []).map(name => [name, name]);
  const draw = () => {
    fillSelect(selects.model, values.model ?? '', 'All models', names(facets.models));
    const route = values.provider ? `${values.provider}\u0000${values.upstream_model ?? ''}` : values.upstream_model ? `\u0000${values.upstream_model}` : '';
    fillSelect(selects.route, route, 'All routes', (facets.routes ?? []).map(route => [`${route.provider}\u0000${route.upstream_model}`, `${route.provider} · ${route.upstream_model}`]));
    fillSelect(selects.client, values.client ?? '', 'All clients', names(facets.clients));
    fillSelect(selects.dialect, values.dialect ?? '', 'All APIs', (facets.dialects ?? []).map(name => [name, DIALECTS[name] ?? name]));
    fillSelect(selects.status, values.status ?? '', STATUSES[0][1], STATUSES.slice(1));
    fillSelect(selects.since, values.since ?? '', SPANS[0][1], SPANS.slice(1));
    if (/^\d{9,}$/.test(values.since ?? '')) {
      const option = [...selects.since.options].find(option => option.value === values.since);
      option.textContent = 'From ' + new Date(Number(values.since)).toLocaleString() + (values.until ? ' …' : '');
    }
    for (const [name, button] of Object.entries(switches)) button.setAttribute('aria-pressed', String(Boolean(values[name])));
    const used = Object.keys(values).filter(name => name !== 'q').length;
    clear.hidden = !Object.keys(values).length;
    more.textContent = used ? `Filters (${used})` : 'Filters';
    if (document.activeElement !== search) search.value = values.q ?? '';
  };
  draw();
  api.facets().then(found => { facets = found; draw(); }).catch(() => { /* the lists stay short */ });
  return { element, update(next) { values = only(next); draw(); } };
}
