// Ticks in the table of bins: a box for all, what is ticked so far, and keys.
(() => {
  "use strict";
  const form = document.getElementById("many");
  const boxes = [...document.querySelectorAll('input[form="many"][name="bins"]')];
  if (!form || !boxes.length) return;
  const said = form.querySelector("[data-ticked]");
  const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
  const days = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

  const all = document.createElement("input");
  all.type = "checkbox";
  all.setAttribute("aria-label", "Tick all bins of this page");
  const head = boxes[0].closest("table").querySelector("thead th");
  head.prepend(all);

  function say() {
    const ticked = boxes.filter((box) => box.checked);
    const sum = (name) => ticked.reduce((total, box) => total + Number(box.dataset[name]), 0);
    all.checked = ticked.length === boxes.length;
    all.indeterminate = ticked.length > 0 && !all.checked;
    said.textContent = ticked.length
      ? `${whole.format(ticked.length)} ticked: ${whole.format(sum("size"))} requests, $${whole.format(sum("cents") / 100)}, ${days.format(sum("saved"))} staff-days saved`
      : "Nothing is ticked.";
  }

  function tick(on) {
    for (const box of boxes) box.checked = on;
    say();
  }

  let last = null;
  all.addEventListener("change", () => tick(all.checked));
  for (const box of boxes) {
    box.addEventListener("change", say);
    box.addEventListener("click", (event) => {
      if (event.shiftKey && last && last !== box) {
        const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
        for (const one of boxes.slice(from, to + 1)) one.checked = box.checked;
        say();
      }
      last = box;
    });
  }
  window.addEventListener("pageshow", say);
  say();

  function step(by) {
    const at = boxes.indexOf(document.activeElement);
    const to = at < 0 ? (by > 0 ? 0 : boxes.length - 1) : at + by;
    if (boxes[to]) boxes[to].focus();
  }

  window.keys({
    j: () => step(1),
    k: () => step(-1),
    x: () => { if (boxes.includes(document.activeElement)) document.activeElement.click(); },
    t: () => tick(!all.checked),
    d: () => form.querySelector("input[name=decision]").focus(),
  });
})();
