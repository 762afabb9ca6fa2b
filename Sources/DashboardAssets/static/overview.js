// What happened over time: sums, charts, and a table by model and route.
import { h, replace, notice } from './dom.js';
import { api } from './api.js';
import { go, link } from './route.js';
import { count, short, ms, cost, percent } from './format.js';
import { grouped, percentile, total, emptyPoint, addPoint, stepOf } from './stats.js';
import { chart, legend, spark } from './charts.js';

const SPANS = [['15m', '15 min'], ['1h', '1 h'], ['6h', '6 h'], ['24h', '24 h'], ['7d', '7 d'], ['30d', '30 d']];
const GROUPS = [['total', 'All together'], ['model', 'By model'], ['route', 'By route']];
const SHARES = [['50', 'p50', 0.5], ['95', 'p95', 0.95], ['99', 'p99', 0.99]];
const PERIOD = 15_000;
const SERIES = 6;

export function make(params) {
  let current = params;
  let timer = 0;
  let abort = new AbortController();
  let charts = [];
  let sorting = { key: 'requests', down: true };
  const body = h('div.overview-body', notice('loading', 'Loading…'));
  const spans = h('div.segments', { role: 'group', 'aria-label': 'Span of time' });
  const group = h('select', { 'aria-label': 'Group by', onchange: () => go('overview', { ...current, by: group.value === 'total' ? '' : group.value }) }, GROUPS.map(([id, text]) => h('option', { value: id }, text)));
  const model = h('select', { 'aria-label': 'Model', onchange: () => go('overview', { ...current, model: model.value }) });
  const quantileOf = h('select', { 'aria-label': 'Percentile', onchange: () => go('overview', { ...current, p: quantileOf.value === '95' ? '' : quantileOf.value }) }, SHARES.map(([id, text]) => h('option', { value: id }, text)));
  const chosen = () => SHARES.find(([id]) => id === current.p) ?? SHARES[1];
  const element = h('div.overview', h('h1.offscreen', 'Overview'), h('div.toolbar', spans, model, group, quantileOf), body);
  api.facets().then(facets => { drawModels(facets.models ?? []); }).catch(() => {});

  function drawModels(names) {
    const value = current.model ?? '';
    replace(model, h('option', { value: '' }, 'All models'), [...new Set([...names, ...(value ? [value] : [])])].map(name => h('option', { value: name }, name)));
    model.value = value;
  }

  function drawTools() {
    const since = current.since ?? '1h';
    replace(spans, SPANS.map(([id, text]) => h('button', { type: 'button', 'aria-pressed': String(id === since), onclick: () => go('overview', { ...current, since: id }) }, text)));
    group.value = current.by ?? 'total';
    quantileOf.value = chosen()[0];
    quantileOf.hidden = group.value === 'total';
    if (![...model.options].some(option => option.value === (current.model ?? ''))) drawModels([]);
    model.value = current.model ?? '';
  }

  /** `again`: nobody asked for it, so an open table of numbers stays as it is. */
  async function load(again = false) {
    clearTimeout(timer);
    abort.abort();
    abort = new AbortController();
    const mine = abort;
    try {
      const overview = await api.overview({ since: current.since ?? '1h', model: current.model }, mine.signal);
      if (!mine.signal.aborted && !(again && body.querySelector('details[open]'))) draw(overview);
    } catch (error) {
      if (error.name === 'AbortError') return;
      replace(body, notice('error', 'The figures cannot be read', error.message, h('button', { type: 'button', onclick: () => load() }, 'Try again')));
    }
    if (!mine.signal.aborted) timer = setTimeout(load, PERIOD, true);
  }

  function draw(overview) {
    charts.forEach(one => one.stop());
    charts = [];
    const bounds = overview.bounds ?? [0, 1];
    const [all] = grouped(overview, 'total');
    if (!all || !total(all.sum)) {
      return replace(body, notice('empty', 'No requests in this time', current.model ? `None for ${current.model}.` : 'Choose a longer span, or send some.'));
    }
    const by = current.by ?? 'total';
    const groups = by === 'total' ? [] : limited(grouped(overview, by), all.points.map(point => point.at));
    replace(body, tiles(all, bounds, overview), groups.length ? h('div.card.legend-box', legend(groups.map((one, index) => ({ name: one.name, tone: toneOf(one, index) })))) : null, h('div.cards', pictures(all, groups, bounds, overview)), routesTable(overview, bounds));
  }

  function pictures(all, groups, bounds, overview) {
    const times = all.points.map(point => point.at);
    const step = stepOf(overview);
    const base = { times, step, hasLegend: !groups.length };
    const add = options => { const made = chart({ ...base, ...options }); charts.push(made); return made.element; };
    const per = (name, tone, read) => ({ name, tone, values: all.points.map(read) });
    const each = (read) => groups.map((one, index) => ({ name: one.name, tone: toneOf(one, index), values: one.points.map(read) }));
    const quantile = (histogram, share) => point => percentile(point[histogram], bounds, share);
    const scale = value => short(value);
    const three = histogram => [['p50', 's0', 0.5], ['p95', 's1', 0.95], ['p99', 's2', 0.99]].map(([name, tone, share]) => per(name, tone, quantile(histogram, share)));
    const some = groups.length > 0;
    return [
      add({ title: 'Requests', note: every(step), kind: 'bar', format: scale, series: some ? each(total) : [per('done', 'good', point => point.ok), per('given up', 'warn', point => point.cancelled), per('failed', 'bad', point => point.failed)] }),
      add({ title: 'Errors', note: 'share of requests', ceiling: 1, format: value => `${Math.round(value * 100)}%`, series: some ? each(share('failed')) : [per('failed', 'bad', share('failed'))] }),
      add({ title: 'Time to first token', note: some ? chosen()[1] : 'p50, p95, p99', format: ms, series: some ? each(quantile('ttft', chosen()[2])) : three('ttft') }),
      add({ title: 'Duration', note: some ? chosen()[1] : 'p50, p95, p99', format: ms, series: some ? each(quantile('latency', chosen()[2])) : three('latency') }),
      add({ title: 'Tokens', note: every(step), kind: 'bar', format: scale, series: some ? each(point => point.input + point.output) : [per('from cache', 's3', point => Math.min(point.cache_read, point.input)), per('fresh input', 's0', point => Math.max(0, point.input - point.cache_read)), per('output', 's1', point => point.output)] }),
      add({ title: 'Cache hits', note: 'share of input tokens', max: 1, format: value => `${Math.round(value * 100)}%`, series: some ? each(hits) : [per('from cache', 's3', hits)] }),
      add({ title: 'Cost', note: every(step), kind: 'bar', format: cost, series: some ? each(point => point.cost) : [per('cost', 's0', point => point.cost)] }),
      add({ title: 'Speed', note: 'tokens a second after the first, p50', format: scale, series: some ? each(quantile('rate', 0.5)) : [per('p50', 's0', quantile('rate', 0.5)), per('p5', 's1', quantile('rate', 0.05))] }),
    ];
  }

  function routesTable(overview, bounds) {
    const rows = (overview.series ?? []).map(series => {
      const sum = (series.points ?? []).reduce(addPoint, emptyPoint(0));
      return { series, sum, requests: total(sum), model: series.model, route: `${series.provider} · ${series.upstream_model}`, errors: total(sum) ? sum.failed / total(sum) : 0, input: sum.input, output: sum.output,
        cache: sum.input ? sum.cache_read / sum.input : 0, cost: sum.cost, ttft: percentile(sum.ttft, bounds, 0.5), ttft95: percentile(sum.ttft, bounds, 0.95), latency95: percentile(sum.latency, bounds, 0.95), repaired: sum.repaired };
    });
    const place = h('div.scroll-x', { tabindex: '0', role: 'region', 'aria-label': 'Models and routes' });
    const columns = [['model', 'Model'], ['route', 'Route'], ['requests', 'Requests', 1], [null, 'Over time'], ['errors', 'Errors', 1], ['repaired', 'Repaired', 1], ['input', 'Input', 1], ['cache', 'Cached', 1], ['output', 'Output', 1], ['cost', 'Cost', 1], ['ttft', 'First p50', 1], ['ttft95', 'First p95', 1], ['latency95', 'Total p95', 1]];
    const drawTable = () => {
      const { key, down } = sorting;
      const sorted = [...rows].sort((a, b) => ((typeof a[key] === 'string' ? a[key].localeCompare(b[key]) : (a[key] ?? -1) - (b[key] ?? -1))) * (down ? -1 : 1));
      replace(place, h('table.data', h('caption.offscreen', 'Models and routes'),
        h('thead', h('tr', columns.map(([id, text, num]) => h(num ? 'th.num' : 'th', { scope: 'col', 'aria-sort': id === key ? down ? 'descending' : 'ascending' : null },
          id ? h('button.sort', { type: 'button', onclick: () => { sorting = { key: id, down: id === key ? !down : Boolean(num) }; drawTable(); } }, text, id === key ? down ? ' ↓' : ' ↑' : '') : text)))),
        h('tbody', sorted.map(row => h('tr',
          h('td.name', row.model ? h('a', { href: link('requests', { model: row.model, since: current.since ?? '1h' }) }, row.model) : h('span.muted', 'not routed')),
          h('td', row.series.provider ? h('a', { href: link('requests', { provider: row.series.provider, upstream_model: row.series.upstream_model, since: current.since ?? '1h' }) }, row.route) : '–'),
          h('td.num', count(row.requests)), h('td', sparkOf(row.series, overview)), h(`td.num${row.errors > 0.05 ? '.bad' : ''}`, percent(row.sum.failed, row.requests)), h('td.num', count(row.repaired)),
          h('td.num', short(row.input)), h('td.num', percent(row.sum.cache_read, row.input)), h('td.num', short(row.output)), h('td.num', cost(row.cost)),
          h('td.num', ms(row.ttft)), h('td.num', ms(row.ttft95)), h('td.num', ms(row.latency95)))))));
    };
    drawTable();
    return h('section.card', h('h2', 'Models and routes'), place);
  }

  return {
    element,
    start() { drawTools(); load(); },
    update(next) { current = next; drawTools(); load(); },
    stop() { clearTimeout(timer); abort.abort(); charts.forEach(one => one.stop()); },
  };
}

const toneOf = (one, index) => `s${index % SERIES}${one.rest ? ' rest' : ''}`;
const every = step => step < 3600000 ? `every ${step / 60000} min` : `every ${step / 3600000} h`;
const share = name => point => total(point) ? point[name] / total(point) : undefined;
const hits = point => point.input ? point.cache_read / point.input : undefined;

/** The busiest groups, and one of all others. */
function limited(groups, times) {
  if (groups.length <= SERIES) return groups;
  const rest = { name: 'others', rest: true, sum: emptyPoint(0), points: times.map(emptyPoint) };
  for (const one of groups.slice(SERIES - 1)) one.points.forEach((point, index) => addPoint(rest.points[index], point));
  return [...groups.slice(0, SERIES - 1), rest];
}

function sparkOf(series, overview) {
  const bins = new Array(40).fill(0);
  for (const point of series.points ?? []) {
    const at = Math.floor((point.at - overview.since) / (overview.until - overview.since) * bins.length);
    bins[Math.max(0, Math.min(bins.length - 1, at))] += (point.ok ?? 0) + (point.failed ?? 0) + (point.cancelled ?? 0);
  }
  return spark(bins, 'Requests over time');
}

function tiles(all, bounds, overview) {
  const sum = all.sum;
  const minutes = (overview.until - overview.since) / 60000;
  const tile = (label, value, sub, kind = '') => h(`div.tile${kind}`, h('dt', label), h('dd', h('b', value), sub ? h('span.muted', sub) : null));
  const p = (histogram, at) => ms(percentile(sum[histogram], bounds, at));
  return h('dl.tiles',
    tile('Requests', count(total(sum)), `${short(total(sum) / minutes)} a minute`),
    tile('Errors', percent(sum.failed, total(sum)), `${count(sum.failed)} failed, ${count(sum.cancelled)} given up`, sum.failed / total(sum) > 0.05 ? '.bad' : ''),
    tile('First token', p('ttft', 0.5), `p95 ${p('ttft', 0.95)}`),
    tile('Duration', p('latency', 0.5), `p95 ${p('latency', 0.95)}`),
    tile('Tokens', short(sum.input + sum.output), `${short(sum.input)} in, ${short(sum.output)} out`),
    tile('Cache hits', percent(sum.cache_read, sum.input), `${short(sum.cache_read)} tokens`),
    tile('Cost', cost(sum.cost), sum.ok ? `${cost(sum.cost / sum.ok)} each` : ''),
    tile('Repaired', count(sum.repaired), percent(sum.repaired, total(sum))));
}
