// Keys, completion and news for those who work here all day. Everything works without this file.
"use strict";
(() => {
  const typing = (element) => element && (element.matches("input, select, textarea") || element.isContentEditable);
  const move = (step) => {
    const all = [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent);
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
    else if (event.key === "x") {
      const row = document.activeElement && document.activeElement.closest("[data-row]");
      const box = row && row.querySelector("input[type=checkbox]");
      if (box) box.checked = !box.checked;
    } else if (event.key === "/") {
      const search = document.querySelector("[data-search]");
      if (!search) return;
      event.preventDefault();
      search.focus();
    } else if (event.key === "?") {
      const help = document.querySelector("[data-keys]");
      if (help) help.scrollIntoView();
    }
  });

  // The query line: the server says what may stand next.
  for (const input of document.querySelectorAll("[data-complete]")) {
    let timer = 0;
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(async () => {
        const answer = await fetch(`${input.dataset.complete}?q=${encodeURIComponent(input.value)}`);
        if (!answer.ok) return;
        const { completions } = await answer.json();
        input.list.replaceChildren(...completions.map(({ line, hint }) => {
          const option = document.createElement("option");
          option.value = line;
          option.label = hint;
          return option;
        }));
      }, 150);
    });
  }

  // News: a line that says so, with a link; the page never changes under somebody's hands.
  const news = document.querySelector("[data-stream]");
  if (news && window.EventSource) {
    let count = 0;
    const stream = new EventSource(news.dataset.stream);
    stream.addEventListener("findings", (event) => {
      count += Number(event.data);
      news.querySelector("strong").textContent = String(count);
      news.hidden = false;
    });
    addEventListener("pagehide", () => stream.close());
  }
})();
