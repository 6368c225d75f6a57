// The reviewer's verdicts: made, taken back, kept in this browser over a reload, exported and imported.

const DATA = JSON.parse(document.getElementById("data").textContent);
const ROWS = DATA.rows;
const STORE = `kielo-review:${DATA.title}:${DATA.digest}`;

/** Text -> {verdict, translation, comment}, for the texts of this page. */
const verdicts = new Map();
/** Whole verdicts on texts that are not on this page or have changed: kept for the export. */
const elsewhere = new Map();
/** What this browser keeps about texts that a fuller page would show. */
const unseen = [];
const undoable = [];
const notices = [];
let storage = openStorage();

const keyOf = ({ id, where, source }) => JSON.stringify([id, where, source]);
const ROW_OF = new Map(ROWS.filter((row) => row.judgeable).map((row) => [keyOf(row), row]));

function openStorage() {
  try {
    localStorage.setItem("kielo-review", "1");
    localStorage.removeItem("kielo-review");
    return localStorage;
  } catch {
    notices.push({ text: "This browser keeps nothing for this page: export your verdicts before you close or reload it." });
    return null;
  }
}

/** Put verdicts (null: none) on rows, as one step that undo takes back. */
function decide(changes) {
  undoable.push(changes.map(([row]) => [row, verdicts.get(row) ?? null, elsewhere.get(keyOf(row))]));
  put(changes);
  keep();
}

/** Take the last step back; returns its rows. */
function takeBack() {
  const changes = undoable.pop() ?? [];
  put(changes);
  keep();
  return changes.map(([row]) => row);
}

/** Set or delete verdicts; `older` is one on another translation of the row, whose place the new one takes. */
function put(changes) {
  for (const [row, verdict, older] of changes) {
    if (verdict) verdicts.set(row, verdict);
    else verdicts.delete(row);
    if (older) elsewhere.set(keyOf(row), older);
    else elsewhere.delete(keyOf(row));
  }
}

/** Take a whole verdict as what it means for the row as it stands now; null where it is about another translation. */
function fitting(row, { verdict, translation, comment }) {
  const same = !translation || translation === row.translation;
  if (verdict === "reject") return same ? { verdict, translation: "", comment } : null;
  return same ? { verdict: "accept", translation: "", comment } : { verdict: "edit", translation, comment };
}

/** Sort whole verdicts into those on rows of this page and others, which are kept; returns [row, verdict] of the first. */
function sorted(whole) {
  const changes = [];
  for (const each of whole) {
    const row = ROW_OF.get(keyOf(each));
    const verdict = row && fitting(row, each);
    if (verdict) changes.push([row, verdict]);
    else elsewhere.set(keyOf(each), each);
  }
  return changes;
}

/** List all verdicts for export, in the order of the data. */
function allVerdicts() {
  const own = [...verdicts].sort(([a], [b]) => a.place - b.place).map(([row, verdict]) => ({
    id: row.id, where: row.where, source: row.source, verdict: verdict.verdict,
    translation: verdict.verdict === "edit" ? verdict.translation : row.translation, comment: verdict.comment,
  }));
  return [...own, ...elsewhere.values()];
}

/** Keep the verdicts in this browser; what the recipe's file holds and was taken back is kept as null. */
function keep() {
  if (!storage) return;
  const kept = [...unseen, ...GIVEN.filter(([row]) => !verdicts.has(row)).map(([row]) => [row.place, null])];
  for (const [row, verdict] of verdicts) kept.push([row.place, { ...verdict, digest: row.digest }]);
  try {
    storage.setItem(STORE, JSON.stringify({ verdicts: kept, elsewhere: [...elsewhere.values()] }));
  } catch {
    storage = null;
    notices.push({ text: "This browser has no room left for more verdicts: export them before you close or reload the page." });
    document.dispatchEvent(new Event("notice"));
  }
}

/** Read what this browser kept; verdicts on a translation that has changed since are left out, and said so. */
function restore() {
  const kept = readKept();
  const rowAt = new Map(ROWS.map((row) => [row.place, row]));
  let changed = 0;
  let differing = 0;
  for (const [place, verdict] of kept.verdicts) {
    const row = rowAt.get(place);
    if (!row) {
      unseen.push([place, verdict]);
      continue;
    }
    if (verdict && verdict.verdict !== "edit" && verdict.digest !== row.digest) {
      changed += 1;
      continue;
    }
    const { digest, ...own } = verdict ?? {};
    differing += GIVEN_OF.has(row) && JSON.stringify(GIVEN_OF.get(row)) !== JSON.stringify(verdict && own);
    put([[row, verdict && own]]);
  }
  for (const each of kept.elsewhere) elsewhere.set(keyOf(each), each);
  if (changed) notices.push({ text: `${counted(changed, "verdict")} of yours left out: the translations have changed since. Judge them again.` });
  if (unseen.length) notices.push({ text: `${counted(unseen.length, "verdict")} of yours on texts that are left out of this page now: kept, but not exported.` });
  if (differing) {
    notices.push({
      text: `${counted(differing, "verdict")} in this browser other than in the recipe's file: this browser's are used.`,
      action: "Use the file's", run: () => decide(GIVEN),
    });
  }
}

function readKept() {
  try {
    return JSON.parse(storage?.getItem(STORE) ?? "") ?? { verdicts: [], elsewhere: [] };
  } catch {
    return { verdicts: [], elsewhere: [] };
  }
}

const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

const GIVEN = sorted(DATA.verdicts);
const GIVEN_OF = new Map(GIVEN);
put(GIVEN);
restore();
