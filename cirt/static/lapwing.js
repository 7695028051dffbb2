// Keys for those who work with them all day. Everything works without this file.
"use strict";
(() => {
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const typing = (element) => element && (element.matches("input, select, textarea") || element.isContentEditable);
  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    const index = all.findIndex((row) => row.contains(document.activeElement));
    const next = all[Math.min(Math.max(index + step, 0), all.length - 1)];
    const link = next.querySelector("a[data-open]") || next.querySelector("a");
    if (link) link.focus();
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "/") {
      const search = document.querySelector("[data-search]");
      if (!search) return;
      event.preventDefault();
      search.focus();
    } else if (event.key === "?") {
      const help = document.querySelector("[data-keys]");
      if (help) help.hidden = !help.hidden;
    }
  });
})();
