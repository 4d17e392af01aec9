// Copy buttons, promises, a filter for the snippets, light paper. From file:// too.
"use strict";

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Where a page from the disk may not use the clipboard: as browsers used to do it.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("the browser does not let pages copy");
  }
}

function runnable(code) {
  const file = document.getElementById("file");
  return (file && code.includes("__file__") ? file.content.textContent : "") + code;
}

function addCopyButton(block) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy-code";
  const say = (name) => {
    button.textContent = BOOK_WORDS[name]; // in the language of the book: extras.py
  };
  say("copy");
  button.addEventListener("click", async () => {
    try {
      await copy(runnable(block.querySelector("pre").textContent));
      say("copied");
    } catch {
      say("refused");
    }
    setTimeout(() => say("copy"), 1500);
  });
  block.append(button);
}

function addFilter(page) {
  const sections = [...page.querySelectorAll("section > section > section")];
  const field = document.createElement("input");
  field.type = "search";
  field.className = "filter form-control";
  field.placeholder = BOOK_WORDS.filter;
  field.setAttribute("aria-label", field.placeholder);
  field.addEventListener("input", () => {
    const wanted = field.value.toLowerCase();
    for (const section of sections)
      section.hidden = !section.textContent.toLowerCase().includes(wanted);
  });
  (page.querySelector("h1 + p") || page.querySelector("h1")).after(field);
}

function boxWideFormulas() {
  for (const formula of document.querySelectorAll("span.math")) {
    formula.classList.remove("wide");
    const room = formula.closest("p, li, dd, td")?.clientWidth || innerWidth;
    formula.classList.toggle("wide", formula.scrollWidth > room);
  }
}

function start() {
  const python = ".highlight-python, .highlight-Python, .highlight-python3";
  document.querySelectorAll(python).forEach((block) => {
    if (!block.closest("table")) addCopyButton(block);
  });
  document.querySelectorAll(".highlight .c1").forEach((comment) => {
    if (comment.textContent.startsWith("# →")) comment.classList.add("promise");
  });
  const snippets = document.querySelector("section.all-snippets");
  if (snippets) addFilter(snippets);
  window.MathJax?.startup?.promise?.then(boxWideFormulas);
  addEventListener("load", () => window.MathJax?.startup?.promise?.then(boxWideFormulas));
  addEventListener("resize", boxWideFormulas);
  let theme;
  addEventListener("beforeprint", () => {
    theme = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
    document.querySelectorAll("details.proofs").forEach((d) => (d.open = true));
  });
  addEventListener("afterprint", () => {
    if (theme) document.documentElement.dataset.theme = theme;
  });
}

if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
else start();
