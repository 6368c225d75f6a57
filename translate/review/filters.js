// Which texts are shown, and in which order: facets with counts, search, one record alone.

const FACETS = [
  { name: "state", label: "State", of: (row) => row.states, options: [["rejected", "rejected"], ["failed", "rejected, failed itself"], ["accepted", "accepted"], ["noted", "accepted, with notes"]] },
  { name: "check", label: "Check", of: (row) => row.checks },
  { name: "dataset", label: "Data set", of: (row) => [row.dataset] },
  { name: "rung", label: "Rung", of: (row) => row.rungs },
  { name: "engine", label: "Engine", of: (row) => row.engines },
  {
    name: "verdict", label: "Your verdict", of: (row) => [verdicts.get(row)?.verdict ?? "none"],
    options: [["none", "not judged"], ["accept", "accepted"], ["reject", "rejected"], ["edit", "edited"]],
  },
];
const chosen = Object.fromEntries(FACETS.map((facet) => [facet.name, ""]));
let query = "";
let order = "worst";
/** The id of the one record that is shown whole, with all its texts in their order; empty: all texts that pass. */
let record = "";

for (const row of ROWS) {
  row.states = row.accepted ? (row.findings.length ? ["accepted", "noted"] : ["accepted"]) : row.passed || !row.judgeable ? ["rejected"] : ["rejected", "failed"];
  row.checks = [...new Set(row.findings.map(([check]) => check))];
}
for (const facet of FACETS) facet.options ??= valuesOf(facet);

/** List what a facet can be, the most frequent first. */
function valuesOf(facet) {
  const counts = new Map();
  for (const row of ROWS) for (const value of facet.of(row)) counts.set(value, (counts.get(value) ?? 0) + 1);
  const values = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a) || (a < b ? -1 : 1));
  return values.map((value) => [value, value]);
}

/** Choose the rows to show, and count for each facet what each of its values would show. */
function select() {
  const counts = Object.fromEntries(FACETS.map(({ name }) => [name, new Map()]));
  const wanted = query.toLowerCase();
  const rows = ROWS.filter((row) => {
    if (wanted && !haystack(row).includes(wanted)) return false;
    const failed = FACETS.filter(({ name, of }) => chosen[name] && !of(row).includes(chosen[name]));
    if (failed.length < 2) for (const facet of failed.length ? failed : FACETS) count(counts[facet.name], facet.of(row));
    return failed.length === 0;
  });
  const shown = record ? ROWS.filter((row) => row.id === record) : rows;
  if (record || order === "data") shown.sort((a, b) => a.place - b.place);
  return { rows: shown, counts };
}

/** Count a row for its values and, under the empty value, for all. */
function count(counts, values) {
  for (const value of ["", ...values]) counts.set(value, (counts.get(value) ?? 0) + 1);
}

/** What search looks through, made when first asked for. */
function haystack(row) {
  row.haystack ??= [row.id, row.where, row.source, row.translation, ...row.findings.flat()].join("\n").toLowerCase();
  return row.haystack;
}
