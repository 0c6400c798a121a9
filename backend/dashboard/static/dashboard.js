"use strict";
// Keys that lead on, and what a number means for those who have no pointer to rest on it.

const KEYS = "goldloop-keys";
const TYPING = "input, select, textarea, [contenteditable]";
const useKeys = document.getElementById("use-keys");
const explained = document.getElementById("explained");
let explaining = null;

// A browser may refuse to keep anything.
function recall(where, name) {
  try { return window[where].getItem(name); } catch { return null; }
}

function note(where, name, value) {
  try { window[where].setItem(name, value); } catch { /* it is then as usual on the next page */ }
}

function showKeys() {
  const list = document.getElementById("keys");
  list.open = true;
  list.querySelector("summary").focus();
}

function follow(event) {
  const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]:not([hidden])`);
  const search = event.key === "/" && document.querySelector("main input[type=search]");
  if (event.key === "?") { showKeys(); } else if (search) { search.focus(); } else if (target) { target.click(); } else { return; }
  event.preventDefault();
}

function applyKeys() { document.documentElement.classList.toggle("without-keys", !useKeys.checked); }

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { hideExplanation(); }
  const isOther = event.ctrlKey || event.metaKey || event.altKey || event.isComposing;
  if (useKeys.checked && !isOther && !event.target.closest(TYPING)) { follow(event); }
});
useKeys.checked = recall("localStorage", KEYS) !== "off";
useKeys.addEventListener("change", () => { note("localStorage", KEYS, useKeys.checked ? "on" : "off"); applyKeys(); });
applyKeys();
document.getElementById("controls").hidden = false;

function explainAll() {
  document.querySelectorAll("main [title]").forEach((one) => { if (one.tabIndex < 0) { one.tabIndex = 0; } });
}

function hideExplanation() {
  explaining = null;
  explained.hidden = true;
}

function placeExplanation() {
  if (!explaining?.isConnected) { hideExplanation(); return; }
  const at = explaining.getBoundingClientRect(), box = explained.getBoundingClientRect();
  const isBelow = at.bottom + box.height + 12 < innerHeight;
  const left = Math.min(Math.max(at.left, 8), innerWidth - box.width - 8);
  explained.style.left = `${Math.max(left, 8)}px`;
  explained.style.top = `${isBelow ? at.bottom + 6 : Math.max(at.top - box.height - 6, 4)}px`;
}

function explain(one) {
  explaining = one;
  explained.textContent = one.title;
  explained.hidden = false;
  placeExplanation();
}

document.addEventListener("focusin", ({ target }) => {
  const isPressed = target.matches("a, button") && !target.matches(":focus-visible");
  if (target.title && !isPressed) { explain(target); } else { hideExplanation(); }
});
document.addEventListener("focusout", hideExplanation);
addEventListener("scroll", placeExplanation, { capture: true, passive: true });
