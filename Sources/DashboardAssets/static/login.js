import { h, replace } from './dom.js';
import { api } from './api.js';
import { parse } from './route.js';

/** What somebody sees who is not let in: `done` is called when they are. */
export function login(reason, done) {
  const used = parse().params.used;
  const error = h('p.field-error', { id: 'key-error', role: 'alert' });
  const input = h('input', { id: 'key', type: 'password', autocomplete: 'current-password', required: true, 'aria-describedby': 'key-error', spellcheck: 'false' });
  const button = h('button.primary', { type: 'submit' }, 'Sign in');
  const form = h('form.login', {
    onsubmit: async event => {
      event.preventDefault();
      button.disabled = true;
      replace(error);
      try {
        await api.signIn(input.value.trim());
        done();
      } catch (failure) {
        replace(error, failure.message);
        input.focus();
        input.select();
      } finally {
        button.disabled = false;
      }
    },
  }, h('label', { for: 'key' }, 'Admin key'), input, error, button);
  return h('section.login-page', { 'aria-labelledby': 'login-title' },
    h('h1', { id: 'login-title' }, 'Sign in to kimi-host'),
    used ? h('p.callout.warn', 'That link has been used or is too old. Each one works once.') : null,
    form,
    h('p.muted', 'The key is the one of auth.admin_key; clients\' keys do not open the dashboard. A host on this machine without such a key prints a link when it starts: open that one instead. ', h('code', '/admin/login?token=…')));
}
