// One line for each endpoint of docs/dashboard-api.md.

export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

let onSignedOut = () => {};
export const whenSignedOut = handler => { onSignedOut = handler; };

async function call(path, { method = 'GET', body, signal, text } = {}) {
  const headers = {};
  if (method !== 'GET') headers['x-kimi-dashboard'] = '1';
  if (body !== undefined) headers['content-type'] = 'application/json';
  let response;
  try {
    response = await fetch('admin/api/' + path, {
      method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body), credentials: 'same-origin',
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, 'unreachable', 'The host does not answer. Is it running?');
  }
  if (!response.ok) {
    let told = {};
    try { told = (await response.json()).error ?? {}; } catch { /* not ours */ }
    if (response.status === 401) onSignedOut();
    throw new ApiError(response.status, told.code ?? 'http', told.message ?? `HTTP ${response.status}`);
  }
  if (response.status === 204) return null;
  if (!text) return response.json();
  return { text: await response.text(), total: Number(response.headers.get('x-total-length')) || 0 };
}

export function query(values) {
  const pairs = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== '' && value !== false);
  return pairs.length ? '?' + new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])) : '';
}

const at = id => 'requests/' + encodeURIComponent(id);

export const api = {
  me: () => call('me'),
  signIn: key => call('session', { method: 'POST', body: { key } }),
  signOut: () => call('session', { method: 'DELETE' }),
  requests: (values, signal) => call('requests' + query(values), { signal }),
  events: values => new EventSource('admin/api/requests/events' + query(values)),
  request: (id, signal) => call(at(id), { signal }),
  body: (id, { kind, attempt, place }) => call(at(id) + '/body' + query({ kind, attempt, place }), { text: true }),
  curl: id => call(at(id) + '/curl', { text: true }),
  replay: id => call(at(id) + '/replay', { method: 'POST' }),
  overview: (values, signal) => call('overview' + query(values), { signal }),
  facets: () => call('facets'),
  routes: () => call('routes'),
  plugins: () => call('plugins'),
  clearCooldowns: route => call('cooldowns/clear', { method: 'POST', body: route === undefined ? {} : { route } }),
};
