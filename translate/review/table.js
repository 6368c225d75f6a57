// Verdicts as a table of tab-separated values: written and read exactly as verdicts.py reads them.

const COLUMNS = ["id", "where", "source", "verdict", "translation", "comment"];
const DECISIONS = ["accept", "reject", "edit"];
const SHORT = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };
const LONG = { "\\": "\\", t: "\t", n: "\n", r: "\r", "=": "=", "+": "+", "-": "-", "@": "@", '"': '"', "'": "'" };

/** Write a text as one cell; what a spreadsheet would take for a formula or a quotation gets a backslash in front. */
function writeCell(text) {
  const escaped = text.replace(
    /[\\\p{Cc}\p{Cs}\u2028\u2029\ufeff]/gu,
    (sign) => SHORT[sign] ?? `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return /^[=+\-@"']/.test(escaped) ? `\\${escaped}` : escaped;
}

function writeTable(verdicts) {
  const lines = verdicts.map((verdict) => COLUMNS.map((column) => writeCell(verdict[column])).join("\t"));
  return [COLUMNS.join("\t"), ...lines, ""].join("\n");
}

/** Read a table; throws an Error whose message names the line. */
function readTable(text) {
  const [header, ...rows] = splitRows(text.replace(/^\ufeff/, ""));
  if (!header || header.cells.join("\t") !== COLUMNS.join("\t")) {
    throw new Error(`line 1 must name the columns ${COLUMNS.join(" ")}, with tabs between`);
  }
  return rows.map(({ line, cells }) => readVerdict(line, cells));
}

function readVerdict(line, cells) {
  if (cells.length !== COLUMNS.length) {
    throw new Error(`line ${line}: ${cells.length} cells, but ${COLUMNS.length} are needed`);
  }
  const values = cells.map((cell) => readCell(cell, line));
  const verdict = Object.fromEntries(COLUMNS.map((column, at) => [column, values[at]]));
  if (!DECISIONS.includes(verdict.verdict)) {
    throw new Error(`line ${line}: '${verdict.verdict.slice(0, 40)}' is none of ${DECISIONS.join(", ")}`);
  }
  if (verdict.verdict !== "reject" && !verdict.translation.trim()) {
    throw new Error(`line ${line}: '${verdict.verdict}' needs the translation that is to be used`);
  }
  return verdict;
}

/** Take a table apart into rows of cells; a cell in quotation marks is what a spreadsheet made of it. */
function splitRows(text) {
  const cell = /(?:"([^"]*(?:""[^"]*)*)"|([^\t\n]*?))(\t|\r?\n|$)/y;
  const rows = [];
  let cells = [];
  let line = 1;
  let begun = 1;
  while (cell.lastIndex < text.length) {
    const [whole, quoted, plain, end] = cell.exec(text);
    if (quoted === undefined && plain.startsWith('"')) {
      throw new Error(`line ${line}: a cell begins with a quotation mark and does not end with one`);
    }
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    line += whole.split("\n").length - 1;
    if (end === "\t" && cell.lastIndex === text.length) cells.push("");
    if (end === "\t" && cell.lastIndex < text.length) continue;
    if (cells.length > 1 || cells[0] !== "") rows.push({ line: begun, cells });
    cells = [];
    begun = line;
  }
  return rows;
}

function readCell(cell, line) {
  return cell.replace(/\\(u[0-9A-Fa-f]{4}|[^]|$)/g, (_, sign) => {
    if (sign.length === 5) return String.fromCharCode(parseInt(sign.slice(1), 16));
    if (!(sign in LONG)) throw new Error(`line ${line}: unknown escape '\\${sign}'; write \\\\ for a backslash`);
    return LONG[sign];
  });
}
