// Takes up the colours chosen before, ahead of the first paint.
(() => {
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "dark" || chosen === "light") {
      document.documentElement.dataset.theme = chosen;
    }
  } catch { /* no storage: as the system has it */ }
})();
