// Keys of a page: an enhancement, shown on screen, and switched off where they annoy.
(() => {
  "use strict";
  const shown = document.querySelector("[data-keys]");
  const box = document.querySelector("[data-keys-on]");
  const kept = () => {
    try { return localStorage.getItem("keys") !== "off"; } catch { return true; }
  };
  if (shown) {
    shown.hidden = false;
    box.checked = kept();
    box.addEventListener("change", () => {
      try { localStorage.setItem("keys", box.checked ? "on" : "off"); } catch { /* none */ }
    });
  }

  // Act on single keys, but not while somebody writes or chooses.
  window.keys = (acts) => document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (document.querySelector("dialog[open]")) return;
    if (box ? !box.checked : !kept()) return;
    if (event.target.closest("textarea, select, input:not([type=radio], [type=checkbox])")) return;
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
})();
