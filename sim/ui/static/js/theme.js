// The theme, before anything is painted: what was chosen, else what the system has.
(function () {
  const system = matchMedia('(prefers-color-scheme: dark)');
  function chosen() { try { return localStorage.getItem('infinisim.theme'); } catch { return null; } }
  function apply() {
    const theme = chosen() || (system.matches ? 'dark' : 'light');
    document.documentElement.dataset.theme = theme;
  }
  system.addEventListener('change', apply);
  document.addEventListener('infinisim:theme', apply);
  apply();
})();
