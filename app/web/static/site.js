// What every page does with script: switch colours, drop a file, send a filter at once.
(() => {
  "use strict";
  const root = document.documentElement;

  function dark() {
    if (root.dataset.theme) return root.dataset.theme === "dark";
    return matchMedia("(prefers-color-scheme: dark)").matches;
  }

  const button = document.getElementById("theme");
  if (button) {
    const label = () => { button.textContent = dark() ? "Light" : "Dark"; };
    button.hidden = false;
    label();
    button.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      try { localStorage.setItem("theme", root.dataset.theme); } catch { /* none */ }
      label();
      document.dispatchEvent(new CustomEvent("theme"));
    });
  }

  for (const zone of document.querySelectorAll("[data-drop]")) {
    const input = document.getElementById(zone.dataset.drop);
    for (const name of ["dragover", "dragleave", "drop"]) {
      zone.addEventListener(name, (event) => {
        event.preventDefault();
        zone.classList.toggle("over", name === "dragover");
        if (name === "drop" && event.dataTransfer.files.length) {
          input.files = event.dataTransfer.files;
          input.dispatchEvent(new Event("change", { bubbles: true }));
        }
      });
    }
  }

  // A value that is shown once is copied with a press.
  for (const copy of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) break;
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      const field = document.getElementById(copy.dataset.copy);
      const said = document.querySelector("[data-copied]");
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
        said.textContent = "Copied.";
      } catch { said.textContent = "It is selected: press Ctrl+C."; }
    });
  }

  // "?" lays the list of keys over the page; without script it is a page of its own.
  async function shortcuts(link) {
    const asked = await fetch(link.href, { headers: { "HX-Request": "true" } });
    if (!asked.ok || asked.redirected) { location.assign(link.href); return; }
    const over = document.createElement("dialog");
    over.setAttribute("aria-labelledby", "shortcuts-title");
    const title = document.createElement("h2");
    title.id = "shortcuts-title";
    title.textContent = "Keys of the keyboard";
    const part = document.createElement("div");
    part.innerHTML = await asked.text();
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "Close";
    close.addEventListener("click", () => over.close());
    over.append(title, part, close);
    over.addEventListener("close", () => over.remove());
    document.body.append(over);
    const box = part.querySelector("[data-keys-on]");
    box.closest("[data-keys]").hidden = false;
    box.checked = on();
    box.addEventListener("change", () => {
      for (const other of document.querySelectorAll("[data-keys-on]")) other.checked = box.checked;
      try { localStorage.setItem("keys", box.checked ? "on" : "off"); } catch { /* none */ }
    });
    over.showModal();
  }

  function on() {
    try { return localStorage.getItem("keys") !== "off"; } catch { return true; }
  }

  const list = document.querySelector("a[data-shortcuts]");
  if (list) {
    document.addEventListener("keydown", (event) => {
      if (event.key !== "?" || event.ctrlKey || event.metaKey || event.altKey) return;
      if (!on() || document.querySelector("dialog[open]")) return;
      if (event.target.closest("textarea, select, input:not([type=radio], [type=checkbox])")) return;
      event.preventDefault();
      shortcuts(list);
    });
  }

  // A select of a filter sends it as soon as it is changed.
  for (const form of document.querySelectorAll("form[data-at-once]")) {
    form.addEventListener("change", () => form.requestSubmit());
  }
})();
