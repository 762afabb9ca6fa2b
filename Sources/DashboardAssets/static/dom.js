// Elements without innerHTML: every text becomes a text node, so nothing that a body says is ever markup.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'class') element.setAttribute('class', value);
    else if (name === 'style') for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    else if (name === 'value' || name === 'checked' || name === 'disabled' || name === 'open') element[name] = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  append(element, children);
  return element;
}

export function append(element, children) {
  for (const child of [children].flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

/** `h('button.primary', {type: 'button', onclick}, 'Text', child, …)` */
export function h(selector, attributes = {}, ...children) {
  const [tag, ...classes] = selector.split('.');
  if (attributes instanceof Node || typeof attributes !== 'object' || Array.isArray(attributes) || attributes === null) {
    children.unshift(attributes);
    attributes = {};
  }
  const element = document.createElement(tag || 'div');
  if (classes.length) element.className = classes.join(' ');
  return fill(element, attributes, children);
}

export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

export function replace(element, ...children) {
  element.replaceChildren();
  return append(element, children);
}

/** A message where content could be: `kind` is loading, empty or error. */
export function notice(kind, title, text, ...actions) {
  return h(`div.notice.${kind}`, { role: kind === 'error' ? 'alert' : 'status' },
    h('p.notice-title', title), text && h('p', text), actions.length ? h('p.notice-actions', actions) : null);
}

export function toast(text, kind = '') {
  const box = document.getElementById('toasts');
  const item = h('div.toast' + (kind ? '.' + kind : ''), text);
  box.append(item);
  setTimeout(() => item.remove(), 4000);
}

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without TLS browsers offer the clipboard on loopback only.
    const area = h('textarea.offscreen', { readonly: true });
    area.value = text;
    document.body.append(area);
    area.select();
    const worked = document.execCommand('copy');
    area.remove();
    if (!worked) return toast('The browser did not allow copying', 'bad');
  }
  toast(`${what} copied`);
}

let serial = 0;
export const uid = prefix => `${prefix}-${++serial}`;

/** Tabs by the ARIA pattern. `items`: [{id, label, count, view}]; `view` makes a node when the tab is first shown. */
export function tabs(label, items, chosen, onchoose) {
  const base = uid('tab');
  const panel = h('div.tabpanel', { role: 'tabpanel', tabindex: '0', id: base + '-panel' });
  const buttons = items.map(item => h('button.tab', {
    type: 'button', role: 'tab', id: `${base}-${item.id}`, 'aria-controls': panel.id,
    onclick: () => choose(item.id, true),
  }, item.label, item.count ? h('span.count', item.count) : null));
  const made = new Map();
  function choose(id, byUser) {
    const at = Math.max(0, items.findIndex(item => item.id === id));
    buttons.forEach((button, index) => {
      button.setAttribute('aria-selected', String(index === at));
      button.tabIndex = index === at ? 0 : -1;
    });
    panel.setAttribute('aria-labelledby', buttons[at].id);
    if (!made.has(at)) made.set(at, items[at].view());
    panel.replaceChildren(made.get(at));
    if (byUser) onchoose?.(items[at].id);
  }
  const list = h('div.tabs', {
    role: 'tablist', 'aria-label': label,
    onkeydown: event => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const at = buttons.indexOf(document.activeElement);
      if (!step || at < 0) return;
      event.preventDefault();
      const next = (at + step + buttons.length) % buttons.length;
      choose(items[next].id, true);
      buttons[next].focus();
    },
  }, buttons);
  choose(chosen, false);
  return { list, panel, choose };
}
