// Verdicts out of the page and into it, and the notices about them.

function showNotices() {
  at("notices").replaceChildren(...notices.map((notice) => {
    const line = make("p", { class: "notice", role: "status" }, notice.text);
    if (notice.action) {
      const button = make("button", { type: "button" }, notice.action);
      button.addEventListener("click", () => {
        notice.run();
        notices.splice(notices.indexOf(notice), 1);
        showNotices();
        showJudged();
        refresh(shown[current]);
      });
      line.append(" ", button);
    }
    return line;
  }));
}

function openExport() {
  const table = writeTable(allVerdicts());
  if (at("download").href) URL.revokeObjectURL(at("download").href);
  at("download").href = URL.createObjectURL(new Blob([table], { type: "text/tab-separated-values" }));
  at("table").value = table;
  at("saving-count").textContent = `${counted(allVerdicts().length, "verdict")}.`;
  at("saving").showModal();
}

function copyTable() {
  at("table").select();
  const failed = () => say("The browser refused; press Ctrl C in the field.");
  if (!navigator.clipboard) failed();
  else navigator.clipboard.writeText(at("table").value).then(() => say("Copied."), failed);
}

async function importFile() {
  const [file] = at("file").files;
  if (!file) return;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    const whole = readTable(text);
    const changes = sorted(whole);
    if (changes.length) decide(changes);
    const others = whole.length - changes.length;
    notices.push({ text: `${counted(changes.length, "verdict")} taken over from ${file.name}${others ? `; ${counted(others, "verdict")} on texts that are not here, or have changed, kept for the export` : ""}.` });
  } catch (error) {
    notices.push({ text: `${file.name} was not taken over: ${error instanceof TypeError ? "it is not UTF-8" : error.message}.` });
  }
  at("file").value = "";
  keep();
  showNotices();
  showJudged();
  refresh(shown[current]);
}
