"use strict";
// A page looks again by itself, and leaves alone what somebody reads, types or has unfolded.

const PAUSED = "goldloop-paused";
const newer = document.querySelector("#newer button");
const pause = document.getElementById("pause");
// What the server sent last: the page that is shown has charts and more in it.
let sent = page().innerHTML;
let kept = null;

function page() { return document.getElementById("page"); }

function isInUse() {
  const focused = document.activeElement, selected = getSelection();
  return (focused !== page() && page().contains(focused))
    || (!selected.isCollapsed && selected.containsNode(page(), true));
}

// Elements by a name that stays when the numbers in it change, the same name counted up.
function byName(selector, name) {
  const found = new Map(), times = new Map();
  page().querySelectorAll(selector).forEach((one) => {
    const called = name(one), before = times.get(called) ?? 0;
    times.set(called, before + 1);
    found.set(`${called} ${before}`, one);
  });
  return found;
}

function unfoldable() {
  return byName("details", (one) => {
    const around = one.closest("article, figure, li, section")?.querySelector("h2, h3, b");
    return `${around?.textContent} ${one.querySelector("summary")?.textContent.replace(/\d+/g, "#")}`;
  });
}

function scrollable() { return byName(".scroll", (one) => one.getAttribute("aria-label")); }

function controls() { return byName("form :is(input, select)", (one) => one.name); }

function isChanged(control) {
  if (control.tagName !== "SELECT") { return control.value !== control.defaultValue; }
  const options = [...control.options];
  return control.selectedOptions[0] !== (options.find((one) => one.defaultSelected) ?? options[0]);
}

function keep() {
  const state = (elements, value) => [...elements].map(([name, one]) => [name, value(one)]);
  return {
    unfolded: state(unfoldable(), (one) => one.open),
    scrolled: state(scrollable(), (one) => [one.scrollLeft, one.scrollTop]),
    chosen: state([...controls()].filter(([, one]) => isChanged(one)), (one) => one.value),
    place: [scrollX, scrollY],
  };
}

function giveBack({ unfolded, scrolled, chosen, place }) {
  const each = (states, elements, set) => states.forEach(([name, value]) => {
    const one = elements.get(name);
    if (one) { set(one, value); }
  });
  each(unfolded, unfoldable(), (one, open) => { one.open = open; });
  each(chosen, controls(), (one, value) => {
    if (!one.options || [...one.options].some((option) => option.value === value)) { one.value = value; }
  });
  each(scrolled, scrollable(), (one, [left, top]) => { one.scrollLeft = left; one.scrollTop = top; });
  scrollTo(...place);
}

function isAskedFor(event) { return event.detail.requestConfig.triggeringEvent?.type === "newer"; }

document.addEventListener("htmx:beforeRequest", (event) => {
  const waits = !newer.hidden && isInUse();
  if (!isAskedFor(event) && (pause?.checked || waits)) { event.preventDefault(); }
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const { detail } = event;
  if (!detail.shouldSwap) { return; }
  const next = new DOMParser().parseFromString(detail.serverResponse, "text/html").getElementById("page");
  const isSame = next?.innerHTML === sent, isAsked = isAskedFor(event);
  if (isSame) { page().setAttribute("hx-headers", next.getAttribute("hx-headers")); }
  detail.shouldSwap = Boolean(next) && !isSame && (isAsked || !isInUse());
  newer.hidden = !next || isSame || detail.shouldSwap;
  if (!detail.shouldSwap) { return; }
  sent = next.innerHTML;
  kept = { ...keep(), isAsked };
  dropAll();
});
document.addEventListener("htmx:afterSwap", () => {
  if (!kept) { return; }
  drawAll();
  explainAll();
  giveBack(kept);
  if (kept.isAsked) { page().focus({ preventScroll: true }); }
  kept = null;
});

newer.addEventListener("click", () => htmx.trigger(page(), "newer"));
if (pause) {
  pause.checked = recall("sessionStorage", PAUSED) === "yes";
  pause.addEventListener("change", () => note("sessionStorage", PAUSED, pause.checked ? "yes" : "no"));
}
drawAll();
explainAll();
