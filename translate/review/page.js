// The page at work: header, filters, pages of cards, keys, export and import.

const ON_A_PAGE = 50;
const at = (id) => document.getElementById(id);
let shown = [];
let current = 0;
let pageNumber = 0;

function fillHeader() {
  const facts = DATA.facts;
  at("lead").textContent = `${DATA.source.name} to ${DATA.target.name}: each text beside its translation, the worst first.`;
  const accepted = facts.records - facts.rejectedRecords;
  const share = facts.records ? ` (${((100 * accepted) / facts.records).toFixed(1)}%)` : "";
  const figures = [
    ["Records accepted", `${accepted.toLocaleString("en")} of ${facts.records.toLocaleString("en")}${share}`],
    ["Texts", facts.texts.toLocaleString("en")], ["Texts that failed", facts.failed.toLocaleString("en")],
    ["Texts accepted with notes", facts.noted.toLocaleString("en")],
  ];
  at("facts").append(...figures.map(([name, figure]) => make("div", {}, make("dt", {}, name), make("dd", {}, figure))));
  if (facts.leftOut) {
    at("left-out").hidden = false;
    at("left-out").textContent =
      `The ${counted(ROWS.length, "worst text")} of ${facts.texts.toLocaleString("en")} are here; ${counted(facts.leftOut, "text")} ` +
      `(${facts.leftOutRejected.toLocaleString("en")} of them rejected) are left out to keep the page quick: see translations.jsonl of each data set.`;
  }
}

function fillFacets() {
  for (const facet of FACETS) {
    const [first] = facet.options;
    if (!first || (facet.options.length === 1 && ROWS.every((row) => facet.of(row).includes(first[0])))) continue;
    const choices = [["", "all"], ...facet.options].map(([value, label]) =>
      make(
        "label", {},
        make("input", { type: "radio", name: facet.name, value, checked: value === "" }),
        make("span", {}, label), make("output", { "aria-hidden": "true" }),
      ));
    at("facets").append(make("fieldset", { "data-facet": facet.name }, make("legend", {}, facet.label), ...choices));
  }
}

/** Choose the texts anew and show their first page, or the one that `row` is on. */
function refresh(row = null) {
  saveOpenEdits();
  const { rows, counts } = select();
  shown = rows;
  for (const choice of at("facets").querySelectorAll("input")) {
    const number = counts[choice.name].get(choice.value) ?? 0;
    choice.closest("label").querySelector("output").textContent = number.toLocaleString("en");
    choice.closest("label").classList.toggle("none", number === 0);
  }
  current = Math.max(0, row ? shown.indexOf(row) : 0);
  showPage(Math.floor(current / ON_A_PAGE));
}

function showPage(number) {
  pageNumber = number;
  const from = number * ON_A_PAGE;
  const rows = shown.slice(from, from + ON_A_PAGE);
  at("cards").start = from + 1;
  at("cards").replaceChildren(...rows.map((row, index) => make("li", { "data-at": String(from + index) }, makeCard(row))));
  const pages = Math.max(1, Math.ceil(shown.length / ON_A_PAGE));
  at("page").textContent = `Page ${(number + 1).toLocaleString("en")} of ${pages.toLocaleString("en")}`;
  at("pages").hidden = pages === 1;
  at("before").disabled = number === 0;
  at("after").disabled = number + 1 >= pages;
  at("count").textContent = sayCount();
  markCurrent();
  highlight(at("cards"), query.toLowerCase());
}

function sayCount() {
  if (record) return `${counted(shown.length, "text")} of record ${record}`;
  if (!shown.length) return "No text passes these filters";
  return shown.length === ROWS.length ? counted(ROWS.length, "text") : `${shown.length.toLocaleString("en")} of ${counted(ROWS.length, "text")}`;
}

const cardAt = (place) => at("cards").querySelector(`[data-at="${place}"] > article`);
const cardOf = (row) => cardAt(shown.indexOf(row));

function markCurrent() {
  for (const card of at("cards").querySelectorAll("[aria-current]")) card.removeAttribute("aria-current");
  cardAt(current)?.setAttribute("aria-current", "true");
}

/** Go to a text: its page, its card, the focus on it. */
function go(place) {
  if (!shown.length) return;
  current = Math.min(Math.max(place, 0), shown.length - 1);
  const page = Math.floor(current / ON_A_PAGE);
  if (page !== pageNumber) {
    saveOpenEdits();
    showPage(page);
  }
  markCurrent();
  const card = cardAt(current);
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: card.offsetHeight > innerHeight * 0.8 ? "start" : "nearest" });
}

/** Go to the next text that is not judged, after the current one or from the start. */
function goUnjudged() {
  const open = (row) => row.judgeable && !verdicts.has(row);
  const next = shown.findIndex((row, place) => place > current && open(row));
  const place = next >= 0 ? next : shown.findIndex(open);
  if (place >= 0) go(place);
  else say("Every text shown here is judged.");
}

let silence;

/** Say something to eyes and screen readers, for a while. */
function say(text) {
  clearTimeout(silence);
  at("said").textContent = text;
  silence = setTimeout(() => (at("said").textContent = ""), 6000);
}

function showJudged() {
  const number = allVerdicts().length;
  at("judged").textContent = number ? `${counted(verdicts.size, "text")} judged${elsewhere.size ? `, ${counted(elsewhere.size, "verdict")} on others kept` : ""}.` : "Nothing judged yet.";
  at("export").disabled = number === 0;
  at("undo").disabled = undoable.length === 0;
}

function redraw(row) {
  const card = cardOf(row);
  if (!card) return;
  fillSides(card, row);
  showVerdict(card, row);
}

/** Give a text a verdict; the same one again takes it back. Returns whether it has one now. */
function judge(row, verdict, translation = "") {
  const before = verdicts.get(row);
  if (verdict === "accept" && !row.translation.trim()) {
    say("There is no translation to accept: edit it, or reject it.");
    return false;
  }
  const taken = before?.verdict === verdict && verdict !== "edit";
  decide([[row, taken ? null : { verdict, translation, comment: before?.comment ?? "" }]]);
  redraw(row);
  showJudged();
  say(taken ? "Verdict taken back." : `${{ accept: "Accepted", reject: "Rejected", edit: "Edited" }[verdict]}: ${row.id} ${row.where}.`);
  return !taken;
}

function edit(row) {
  const card = cardOf(row);
  if (card.querySelector("textarea")) return;
  openEditor(card, row, (text) => {
    if (text !== null && !text.trim()) {
      say("An empty translation would be lost: write one, or reject the text.");
      return;
    }
    if (text === null) redraw(row);
    else if (text !== row.translation) judge(row, "edit", text);
    else if (verdicts.get(row)?.verdict !== "accept") judge(row, "accept");
    redraw(row);
    card.focus({ preventScroll: true });
  });
}

/** Save edits that are still open before what they stand in goes away. */
function saveOpenEdits() {
  for (const field of at("cards").querySelectorAll("textarea")) field.dispatchEvent(new Event("save"));
}

function undo() {
  const rows = takeBack();
  for (const row of rows) redraw(row);
  showJudged();
  say(rows.length ? "Undone." : "Nothing to undo.");
  if (rows.length === 1 && shown.includes(rows[0])) go(shown.indexOf(rows[0]));
}

function toggleRecord(row) {
  record = record ? "" : row.id;
  refresh(row);
  go(current);
}

function toggleFold(row) {
  saveOpenEdits();
  row.open = !row.open;
  redraw(row);
  highlight(at("cards"), query.toLowerCase());
}

/** What the keys and buttons do with the text they are used on. */
const ACTS = {
  accept: (row) => judge(row, "accept"),
  reject: (row) => judge(row, "reject"),
  edit, record: toggleRecord, fold: toggleFold,
};
const KEYS = {
  j: () => go(current + 1),
  k: () => go(current - 1),
  n: goUnjudged,
  u: undo,
  a: (row) => judgeable(row) && judgeByKey(row, "accept"),
  r: (row) => judgeable(row) && judgeByKey(row, "reject"),
  e: (row) => judgeable(row) && edit(row),
  o: (row) => row && toggleFold(row),
  w: (row) => row && toggleRecord(row),
  c: (row) => row && (verdicts.has(row) ? cardOf(row).querySelector(".comment").focus() : say("Judge the text first, then comment.")),
  "/": () => {
    at("panel").open = true;
    at("query").focus();
    at("query").select();
  },
  "?": () => at("keys").showModal(),
};

function judgeable(row) {
  if (row && !row.judgeable) say("There is no single text to judge here.");
  return row?.judgeable;
}

function judgeByKey(row, verdict) {
  if (judge(row, verdict) && at("go-on").checked && shown.some((each) => each.judgeable && !verdicts.has(each))) goUnjudged();
}

function onKey(event) {
  const typing = event.target.closest("input:not([type=radio], [type=checkbox]), textarea, select, dialog[open]");
  if (event.key === "Escape" && typing && !typing.matches("dialog")) go(current);
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !at("keys-on").checked || !(event.key in KEYS)) return;
  event.preventDefault();
  KEYS[event.key](shown[current]);
}

function onCard(event) {
  const item = event.target.closest("[data-at]");
  if (!item) return;
  current = Number(item.dataset.at);
  markCurrent();
  const row = shown[current];
  if (event.type === "click") ACTS[event.target.closest("[data-act]")?.dataset.act]?.(row);
  if (event.type === "change" && event.target.matches(".comment")) {
    decide([[row, { ...verdicts.get(row), comment: event.target.value }]]);
    showJudged();
  }
}

function clearFilters() {
  at("filters").reset();
  for (const name of Object.keys(chosen)) chosen[name] = "";
  [query, order, record] = ["", "worst", ""];
  refresh();
}

function listen() {
  let waiting;
  at("query").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      [query, record] = [at("query").value, ""];
      refresh();
    }, 120);
  });
  at("filters").addEventListener("submit", (event) => {
    event.preventDefault();
    go(current);
  });
  at("facets").addEventListener("change", ({ target }) => {
    chosen[target.name] = target.value;
    record = "";
    refresh();
  });
  at("order").addEventListener("change", () => {
    order = at("order").value;
    refresh(shown[current]);
  });
  for (const [id, act] of [
    ["clear", clearFilters], ["undo", undo], ["help", KEYS["?"]], ["export", openExport], ["copy", copyTable],
    ["import", () => at("file").click()], ["before", () => go((pageNumber - 1) * ON_A_PAGE)], ["after", () => go((pageNumber + 1) * ON_A_PAGE)],
  ]) at(id).addEventListener("click", act);
  at("file").addEventListener("change", importFile);
  for (const type of ["click", "focusin", "change"]) at("cards").addEventListener(type, onCard);
  document.addEventListener("keydown", onKey);
  document.addEventListener("notice", showNotices);
  addEventListener("beforeunload", (event) => {
    saveOpenEdits();
    if (!storage && undoable.length) event.preventDefault();
  });
}

fillHeader();
fillFacets();
listen();
showNotices();
showJudged();
at("panel").open = matchMedia("(min-width: 62em)").matches;
refresh();
