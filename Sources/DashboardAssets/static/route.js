// `#/requests?model=kimi-k2&id=812`: all that a view shows is there, so that it can be shared.

export function parse() {
  const [path, search = ''] = location.hash.replace(/^#\/?/, '').split('?');
  return { name: path || 'requests', params: Object.fromEntries(new URLSearchParams(search)) };
}

export function link(name, params = {}) {
  const pairs = Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== '' && value !== false);
  return `#/${name}` + (pairs.length ? '?' + new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])) : '');
}

export function go(name, params) { location.hash = link(name, params); }

/** Changes the URL without a step in the history. */
export function swap(name, params) {
  history.replaceState(null, '', link(name, params));
  window.dispatchEvent(new HashChangeEvent('hashchange'));
}
