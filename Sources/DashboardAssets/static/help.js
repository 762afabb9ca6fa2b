import { h } from './dom.js';

const keys = [
  ['/', 'Search'], ['↑ ↓ or k j', 'Move in the list'], ['Enter', 'Open the request'], ['Esc', 'Close it'],
  ['[ ]', 'Newer, older request while one is open'], ['Home End', 'First, last row'], ['1 2 3 4', 'Overview, Requests, Models, Plugins'], ['?', 'This help'],
];

export function shortcuts() {
  const close = () => { dialog.close(); };
  const dialog = h('dialog.help', { 'aria-labelledby': 'help-title', onclose: () => dialog.remove() },
    h('h2', { id: 'help-title' }, 'Keyboard'),
    h('dl.keys', keys.map(([key, what]) => [h('dt', key.split(' ').map(part => part === 'or' ? ' or ' : h('kbd', part))), h('dd', what)])),
    h('p', h('button', { type: 'button', onclick: close }, 'Close')));
  document.body.append(dialog);
  dialog.showModal();
}
