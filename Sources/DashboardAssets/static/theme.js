// Before the first paint, so that nothing flashes. Classic script: modules come later.
(function () {
  'use strict';
  var chosen = null;
  try { chosen = localStorage.getItem('kimi.theme'); } catch (_) { /* private mode: follow the system */ }
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
})();
