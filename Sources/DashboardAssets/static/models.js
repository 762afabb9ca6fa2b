// Models, the routes that serve them, how these fare, and how to have a cold one tried again.
import { h, replace, notice, toast } from './dom.js';
import { api } from './api.js';
import { link } from './route.js';
import { ms } from './format.js';

const PERIOD = 3000;
const WORDS = { ok: 'well', failing: 'failing', cold: 'cooling down', probing: 'being tried' };

/** [{name, profile, routes}] in the order of the file. */
function byModel(routes) {
  const models = new Map();
  for (const route of routes ?? []) {
    const key = JSON.stringify([route.model, route.profile ?? '']);
    if (!models.has(key)) models.set(key, { name: route.model, profile: route.profile, routes: [] });
    models.get(key).routes.push(route);
  }
  return [...models.values()];
}

export function make(params, me) {
  let timer = 0;
  let stopped = false;
  let last = '';
  const body = h('div', notice('loading', 'Loading…'));
  const actions = h('div.toolbar-end');
  const element = h('div.page', h('div.page-head', h('h1', 'Models and routes'), actions), body);

  async function load() {
    clearTimeout(timer);
    try {
      const found = await api.routes();
      if (stopped) return;
      // Times to go change with each look; the rest is drawn anew only when something else has.
      const text = JSON.stringify(found.routes);
      if (text !== last) draw(found);
      last = text;
    } catch (error) {
      last = '';
      if (!stopped) replace(body, notice(error.status === 501 ? 'empty' : 'error', error.status === 501 ? 'Not available' : 'The routes cannot be read', error.message, h('button', { type: 'button', onclick: load }, 'Try again')));
    }
    if (!stopped) timer = setTimeout(load, PERIOD);
  }

  async function clear(route, what) {
    try {
      const { cleared } = await api.clearCooldowns(route);
      toast(cleared ? `${what}: tried again from now on` : 'Nothing was cooling down');
      load();
    } catch (error) { toast(error.message, 'bad'); }
  }

  const isTroubled = route => route.state !== 'ok' || (route.keys ?? []).some(key => key.state !== 'ok');
  const button = (label, long, act) => h('button', { type: 'button', 'aria-label': long, disabled: me.read_only, title: me.read_only ? 'This dashboard is for looking only' : null, onclick: act }, label);

  function state(one) {
    return h(`span.state.${one.state in WORDS ? one.state : 'cold'}`, WORDS[one.state] ?? one.state, one.cooldown_ms > 0 ? h('span.num', ` ${ms(one.cooldown_ms)}`) : null);
  }

  /** An entry none of whose keys may be used now is not well, whatever its upstream is like. */
  function whole(route) {
    const keys = route.keys ?? [];
    if (route.state !== 'ok' || !keys.length || !keys.every(key => key.state === 'cold')) return state(route);
    return h('span.state.cold', keys.length > 1 ? 'all keys cooling down' : 'key cooling down', h('span.num', ` ${ms(Math.min(...keys.map(key => key.cooldown_ms ?? 0)))}`));
  }

  function routeRow(model, route) {
    const keys = (route.keys ?? []).length > 1 ? h('ul.keys-list', route.keys.map(key => h('li', `key ${key.key} `, state(key)))) : null;
    return h('tr',
      h('td', whole(route), route.reason ? h('div.reason', route.reason) : null, keys),
      h('td', h('a', { href: link('requests', { provider: route.provider, upstream_model: route.upstream_model }) }, `${route.provider} · ${route.upstream_model}`)),
      h('td.num', route.weight === 0 ? h('span.flag.drop', 'off') : String(route.weight ?? 1)),
      h('td.num', ms(route.latency_ms?.first_token)), h('td.num', ms(route.latency_ms?.whole)), h('td.num', String(route.failures ?? 0)), h('td.num', route.max_concurrent ? `${route.in_flight} of ${route.max_concurrent}` : String(route.in_flight ?? 0)),
      h('td', isTroubled(route) ? button('Try now', `Try ${route.provider} ${route.upstream_model} of ${model.name} now`, () => clear(route.route, route.upstream_model)) : null));
  }

  function draw({ routes = [], queued }) {
    const models = byModel(routes);
    const troubled = routes.filter(isTroubled).length;
    replace(actions, h('span.muted', `${models.length} models, ${routes.length} routes${queued ? `, ${queued} requests wait` : ''}`), troubled ? button(`Clear all cooldowns (${troubled})`, null, () => clear(undefined, 'All routes')) : null);
    if (!models.length) return replace(body, notice('empty', 'No models are configured', 'Add some to model-config.yaml; kimi-host check says what is wrong with it.'));
    replace(body, models.map(model => h('section.card',
      h('h2', h('a', { href: link('requests', { model: model.name, profile: model.profile }) }, model.name), model.profile ? h('span.tag', `profile ${model.profile}`) : null),
      h('div.scroll-x', { tabindex: '0', role: 'region', 'aria-label': `Routes of ${model.name}` }, h('table.data.routes',
        h('thead', h('tr', ['State', 'Route', 'Weight', 'First token', 'Whole', 'Failures', 'Under way', ''].map((text, index) => h(index > 1 && index < 7 ? 'th.num' : 'th', { scope: 'col' }, text || h('span.offscreen', 'Action'))))),
        h('tbody', (model.routes ?? []).map(route => routeRow(model, route))))))));
  }

  return { element, start: load, update() {}, stop() { stopped = true; clearTimeout(timer); } };
}
