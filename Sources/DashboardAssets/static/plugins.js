// The libraries that are loaded, what they were called for, and how they are configured.
import { h, replace, notice, copy } from './dom.js';
import { api } from './api.js';
import { count, ms, percent } from './format.js';
import { treeBox } from './jsontree.js';
import { link } from './route.js';

/** Of milliseconds, the very short ones too. */
const short = time => time === undefined ? '–' : time < 1 ? `${(time * 1000).toFixed(1)} µs` : ms(time);

export function make() {
  const body = h('div', notice('loading', 'Loading…'));
  const element = h('div.page', h('div.page-head', h('h1', 'Plugins')), body);

  async function load() {
    try {
      draw((await api.plugins()).plugins ?? []);
    } catch (error) {
      replace(body, notice(error.status === 501 ? 'empty' : 'error', error.status === 501 ? 'Not available' : 'The plugins cannot be read', error.message, h('button', { type: 'button', onclick: load }, 'Try again')));
    }
  }

  function abi(versions) {
    if (!versions) return '–';
    return versions.built === versions.needed && versions.built === versions.granted ? versions.built : `built ${versions.built}, needs ${versions.needed}, gets ${versions.granted}`;
  }

  function card(plugin) {
    const figure = (label, value, kind = '') => h(`div.figure${kind}`, h('dt', label), h('dd', value));
    const mean = plugin.calls ? plugin.total_ms / plugin.calls : undefined;
    return h('section.card.plugin', { 'aria-label': plugin.name },
      h('h2', plugin.name ?? plugin.id, h('span.muted', ` ${plugin.version}`), plugin.state && plugin.state !== 'active' ? h('span.flag.warn', plugin.state) : null, (plugin.provides ?? []).map(one => h('span.tag', one.name ? `${one.kind} ${one.name}` : one.kind))),
      h('p.sub', h('code', plugin.id)),
      h('dl.figures',
        figure('ABI', abi(plugin.abi)), figure('Calls', count(plugin.calls)), figure('Errors', plugin.errors ? `${count(plugin.errors)} (${percent(plugin.errors, plugin.calls)})` : count(plugin.errors), plugin.errors ? '.bad' : ''),
        figure('Time per call', short(mean)), figure('Longest', plugin.calls ? short(plugin.max_ms) : '–'), figure('Over 50 ms', count(plugin.slow), plugin.slow ? '.bad' : ''), plugin.stalls ? figure('Stalls', count(plugin.stalls), '.bad') : null, plugin.instances === undefined ? null : figure('Instances', count(plugin.instances)), plugin.exchanges === undefined ? null : figure('Exchanges under way', count(plugin.exchanges))),
      h('dl.rows',
        h('div', h('dt', 'File'), h('dd', h('code', plugin.file ?? plugin.path))),
        h('div', h('dt', 'SHA-256'), h('dd', h('button.id.copyable', { type: 'button', title: 'Copy', onclick: () => copy(plugin.sha256, 'Hash') }, plugin.sha256))),
        (plugin.used_by ?? []).length ? h('div', h('dt', 'Used by'), h('dd', plugin.used_by.map(name => h('a.tag', { href: link('requests', { model: name }) }, name)))) : null,
        (plugin.notes ?? []).length ? h('div', h('dt', 'Did'), h('dd', plugin.notes.map(note => h('span.tag', `${note.kind.replace(/_/g, ' ')} ×${count(note.count)}`)))) : null),
      (plugin.functions ?? []).length ? h('details.fold', h('summary', 'Calls by function'), functions(plugin.functions)) : null,
      plugin.config_schema ? h('details.fold', { ontoggle: event => { if (event.target.open && event.target.children.length < 2) event.target.append(schema(plugin.config_schema), treeBox(plugin.config_schema)); } }, h('summary', 'Configuration')) : null);
  }

  /** Where its time goes. Buckets: up to 10 µs, 100 µs, 1 ms, 10 ms, 100 ms, longer. */
  function functions(list) {
    const bounds = ['≤ 10 µs', '≤ 100 µs', '≤ 1 ms', '≤ 10 ms', '≤ 100 ms', 'longer'];
    return h('div.scroll-x', { tabindex: '0', role: 'region', 'aria-label': 'Calls by function' }, h('table.data.functions',
      h('thead', h('tr', ['Function', 'Calls', 'Errors', 'Mean', 'Longest', ...bounds].map((text, index) => h(index ? 'th.num' : 'th', { scope: 'col' }, text)))),
      h('tbody', list.map(one => h('tr', h('th', { scope: 'row' }, h('code', one.name)), h('td.num', count(one.calls)), h(`td.num${one.errors ? '.bad' : ''}`, count(one.errors)),
        h('td.num', short(one.total_ms / one.calls)), h('td.num', short(one.max_ms)), bounds.map((_, place) => h('td.num', one.buckets?.[place] ? count(one.buckets[place]) : '·')))))));
  }

  function schema(of) {
    const members = Object.entries(of.properties ?? {});
    if (!members.length) return h('p.muted', 'It has none.');
    return h('div.scroll-x', h('table.data', h('thead', h('tr', ['Key', 'Type', 'Default', 'What it does'].map(text => h('th', { scope: 'col' }, text)))),
      h('tbody', members.map(([name, member]) => h('tr', h('th', { scope: 'row' }, h('code', name), (of.required ?? []).includes(name) ? h('span.flag.warn', 'needed') : null, member['x-secret'] ? h('span.flag.plain', 'secret') : null),
        h('td', [member.type ?? (member.enum ? 'one of' : 'any')].flat().join(' or '), member.enum ? h('div.muted', member.enum.join(', ')) : null), h('td', member.default === undefined ? '–' : h('code', JSON.stringify(member.default))), h('td', member.description ?? ''))))));
  }

  function draw(plugins) {
    if (!plugins.length) return replace(body, notice('empty', 'No plugins are loaded', 'Put libraries into plugins.d and restart.'));
    replace(body, h('div.plugins', plugins.map(card)));
  }

  return { element, start: load, update() {}, stop() {} };
}
