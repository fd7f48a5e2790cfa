// Keys of the queue: an enhancement, shown on screen, and switched off where they annoy.
(() => {
  "use strict";
  const form = document.getElementById("decide");

  function choose(value) {
    const choice = form && form.querySelector(`input[name="decision"][value="${value}"]`);
    if (!choice) return;
    choice.checked = true;
    if (value === "accept") form.requestSubmit();
    else form.querySelector("[name=reason_code]").focus();
  }

  function follow(key) {
    const link = document.querySelector(`a[data-key="${key}"]`);
    if (link) link.click();
  }

  window.keys({
    a: () => choose("accept"), r: () => choose("return"), j: () => choose("reject"),
    n: () => follow("n"), u: () => follow("u"),
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.ctrlKey && form && form.contains(event.target)) {
      form.requestSubmit();
    }
  });
})();
