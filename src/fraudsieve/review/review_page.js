"use strict";
(() => {
  const { texts, labels, records, file, missing } = JSON.parse(document.getElementById("data").textContent);
  const COLUMNS = ["subject_id", "label", "confidence", "comment", "reviewer", "answered_at", "why_drawn",
    "inclusion_probability", "model_digest", "model_shown"];
  const NEEDED = ["subject_id", "label", "reviewer", "answered_at"];
  const FORMULA = "['=+\\-@\\t\\r\\n\uFF1D\uFF0B\uFF0D\uFF20]";
  const CONFIDENCE_KEYS = { q: 0, w: 1, e: 2 };
  const el = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));
  const positions = new Map(records.map((record, position) => [record.id, position]));
  // A label of null is no answer yet, an empty one is a record that was skipped.
  const entries = records.map(() => ({ label: null, confidence: "", comment: "" }));
  const shown = new Set(); // records whose probability and reasons were on the screen
  const listed = new Set(); // records that were on the screen as part of a case, which only alerts have
  const saved = records.map(() => ""); // the rows of the last file
  const history = [];
  let current = 0;
  let latest = 0;

  const fill = (text, slots) => text.replace(/\{(\w+)\}/g, (whole, name) => slots[name] ?? whole);
  const make = (tag, content, properties = {}) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...[content].flat());
    return element;
  };
  const isAnswered = (position) => entries[position].label !== null;
  const isWord = (text) => text !== "" && !missing.includes(text);

  // Two answers of a person never have the same time.
  const now = () => {
    latest = Math.max(Date.now(), latest + 1);
    return new Date(latest).toISOString();
  };

  const reviewer = () => {
    const name = el.reviewer.value.trim();
    el.reviewer.setAttribute("aria-invalid", String(!isWord(name)));
    if (isWord(name)) return name;
    render(texts.name);
    el.reviewer.focus();
    return null;
  };

  const describe = (list, pairs) => {
    list.replaceChildren(...pairs.flatMap(([name, text]) => [
      make("dt", name, { dir: "auto" }), make("dd", text, { dir: "auto" }),
    ]));
    list.hidden = !pairs.length;
  };

  const renderModel = (record) => {
    const isOpen = isAnswered(current) || shown.has(current);
    el.show.hidden = isOpen;
    el.model.hidden = !isOpen;
    if (!isOpen) return;
    shown.add(current);
    const why = isAnswered(current) ? [[texts.why, texts[`why_${record.why}`] ?? record.why]] : [];
    describe(el.opinion, [...record.opinion, ...why]);
    el.reasons.replaceChildren(...record.reasons.map((reason) => make("li", reason, { dir: "auto" })));
    const others = [...records.keys()].filter((k) => k !== current && record.case && records[k].case === record.case);
    el.neighbours.replaceChildren(...others.slice(0, 20).map((k) => {
      listed.add(k);
      const button = make("button", fill(texts.record, { n: k + 1, all: records.length }), { type: "button" });
      button.addEventListener("click", () => go(k));
      return make("li", [button, make("span", records[k].summary, { dir: "auto" })]);
    }));
    el.case.hidden = !others.length;
    el.case_count.textContent = fill(texts.neighbours, { n: others.length });
  };

  const unsaved = () => saved.filter((row, position) => row !== rowOf(position, "")).length;

  const renderProgress = () => {
    const done = entries.filter((entry) => entry.label !== null);
    const skipped = done.filter((entry) => entry.label === "").length;
    const counts = { n: done.length - skipped, all: records.length, skipped, unsaved: unsaved() };
    el.bar.value = done.length;
    el.progress.textContent = fill(texts.progress, counts);
  };

  const render = (message = "") => {
    const [record, entry] = [records[current], entries[current]];
    el.heading.textContent = fill(texts.record, { n: current + 1, all: records.length });
    el.text.textContent = record.text;
    el.text.hidden = !record.text;
    describe(el.facts, record.facts);
    el.context.replaceChildren(...record.context.flatMap(({ title, head, rows }) => [
      make("h3", title),
      make("div", make("table", [
        make("thead", make("tr", head.map((name) => make("th", name, { scope: "col", dir: "auto" })))),
        make("tbody", rows.map((row) => make("tr", row.map((cell) => make("td", cell, { dir: "auto" }))))),
      ]), { className: "scroll" }),
    ]));
    renderModel(record);
    if (el.comment.value !== entry.comment) el.comment.value = entry.comment;
    for (const radio of el.confidence.querySelectorAll("input")) {
      radio.checked = entry.confidence !== "" && Number(radio.value) === Number(entry.confidence);
    }
    for (const button of el.labels.children) {
      button.setAttribute("aria-pressed", String(button.value === entry.label));
    }
    el.skip.setAttribute("aria-pressed", String(entry.label === ""));
    const isOther = Boolean(entry.label) && !labels.some((label) => label.value === entry.label);
    el.other.value = isOther ? entry.label : "";
    el.undo.disabled = !history.length;
    el.message.textContent = message;
    renderProgress();
  };

  const go = (position, message = "") => {
    current = (position + records.length) % records.length;
    render(message);
    el.heading.focus({ preventScroll: true });
    if (el.record.getBoundingClientRect().top < 0) el.record.scrollIntoView();
  };

  const change = (values) => {
    history.push([current, { ...entries[current] }]);
    const seen = String(shown.has(current) || listed.has(current));
    Object.assign(entries[current], values, { reviewer: null, answered_at: now(), model_shown: seen });
  };

  const answer = (label) => {
    if (reviewer() === null) return;
    change({ label });
    const words = label === "" ? texts.skipped : labels.find((one) => one.value === label)?.words ?? label;
    const said = fill(texts.answered, { n: current + 1, label: words });
    const next = records.map((_, k) => (current + 1 + k) % records.length).find((k) => !isAnswered(k));
    go(next ?? current, next === undefined ? `${said} ${texts.done}` : said);
  };

  const answerOther = () => {
    const label = el.other.value.trim();
    if (isWord(label)) answer(label);
    else render(texts.other);
  };

  const undo = () => {
    if (!history.length) return;
    const [position, before] = history.pop();
    entries[position] = { ...before, comment: entries[position].comment };
    go(position, texts.undone);
  };

  const setConfidence = (value) => {
    const confidence = entries[current].confidence === value ? "" : value;
    if (isAnswered(current)) change({ confidence });
    else entries[current].confidence = confidence;
    render();
  };

  const show = () => {
    shown.add(current);
    render();
    el.model.focus({ preventScroll: true });
  };

  const quoted = (cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

  // A spreadsheet program runs no comment as a formula; ids and labels stay exact.
  const rowOf = (position, name) => {
    const [record, entry] = [records[position], entries[position]];
    if (!isAnswered(position)) return "";
    const comment = entry.comment.replace(new RegExp(`^(?=${FORMULA})`), "'");
    return [record.id, entry.label, entry.confidence, comment, entry.reviewer ?? name, entry.answered_at, record.why,
      record.weight, record.digest, entry.model_shown].map((cell) => quoted(String(cell ?? ""))).join(",");
  };

  // File systems take names of 255 bytes, and a character has up to four.
  const inFile = (text) => [...text.replace(/[^\p{L}\p{N}]+/gu, "-")].slice(0, 30).join("");

  const save = () => {
    const name = reviewer();
    if (name === null) return;
    saved.forEach((_, position) => { saved[position] = rowOf(position, ""); });
    const done = [...records.keys()].filter(isAnswered);
    if (!done.length) { render(texts.nothing); return; }
    const rows = [COLUMNS.join(","), ...done.map((position) => rowOf(position, name)), ""];
    const url = URL.createObjectURL(new Blob(["\uFEFF", rows.join("\n")], { type: "text/csv" }));
    const download = `answers-${inFile(name)}-${inFile(file)}.csv`;
    make("a", "", { href: url, download }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
    render(fill(texts.saved, { n: done.length, file: download }));
  };

  const parse = (text) => {
    const cell = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r?\n|$)/y;
    const rows = [[]];
    while (cell.lastIndex < text.length) {
      const found = cell.exec(text);
      if (!found) return [[]];
      rows.at(-1).push(found[1] === undefined ? found[2] : found[1].replaceAll('""', '"'));
      if (found[3] === ",") { if (cell.lastIndex === text.length) rows.at(-1).push(""); }
      else rows.push([]);
    }
    return rows.filter((row) => row.length > 1);
  };

  const restore = (row) => {
    const position = positions.get(row.subject_id);
    const time = Date.parse(row.answered_at);
    if (position === undefined || !(time >= (Date.parse(entries[position].answered_at) || 0))) return 0;
    latest = Math.max(latest, time);
    const comment = (row.comment ?? "").replace(new RegExp(`^'(?=${FORMULA})`), "");
    const { label, confidence = "", reviewer: name, answered_at, model_shown = "" } = row;
    entries[position] = { label, confidence, comment, reviewer: name, answered_at, model_shown };
    if (/^true$/i.test(model_shown)) shown.add(position);
    el.reviewer.value ||= name;
    saved[position] = rowOf(position, "");
    return 1;
  };

  const read = async () => {
    const [names = [], ...rows] = parse((await el.file.files[0].text()).replace(/^\uFEFF/, ""));
    el.file.value = "";
    if (!NEEDED.every((name) => names.includes(name)) || rows.some((row) => row.length !== names.length)) {
      render(texts.unreadable);
      return;
    }
    const restored = rows
      .map((row) => restore(Object.fromEntries(names.map((name, k) => [name, row[k]]))))
      .reduce((sum, one) => sum + one, 0);
    history.length = 0;
    const next = records.findIndex((_, k) => !isAnswered(k));
    go(next < 0 ? 0 : next, fill(texts.read, { n: restored, others: rows.length - restored }));
  };

  const ACTIONS = {
    s: () => answer(""), u: undo, m: () => { if (!el.show.hidden) show(); }, c: () => el.comment.focus(),
    o: () => el.other.focus(), d: save, arrowleft: () => go(current - 1), arrowright: () => go(current + 1),
  };

  const press = (event) => {
    const isField = event.target.matches("textarea, input:not([type=radio], [type=checkbox], [type=file])");
    if (isField && event.key === "Escape") el.heading.focus();
    if (event.target === el.other && event.key === "Enter" && !event.isComposing) answerOther();
    const isOff = !el.keys.checked || isField || event.ctrlKey || event.metaKey || event.altKey;
    const isArrow = event.key.startsWith("Arrow");
    if (isOff || (event.repeat && !isArrow) || (isArrow && event.target.matches("input"))) return;
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
    const key = event.key.toLowerCase();
    const radio = el.confidence.querySelectorAll("input")[CONFIDENCE_KEYS[key] ?? -1];
    const action = digit ? labels[digit[1] - 1] && (() => answer(labels[digit[1] - 1].value))
      : radio ? () => setConfidence(radio.value) : ACTIONS[key];
    if (!action) return;
    event.preventDefault();
    action();
  };

  el.labels.replaceChildren(...labels.map(({ value, words }, k) => {
    const key = k < 9 ? [make("kbd", String(k + 1), { ariaHidden: "true" })] : [];
    const button = make("button", [...key, make("span", words)], { type: "button", value });
    button.addEventListener("click", () => answer(value));
    return button;
  }));
  const clicks = { skip: ACTIONS.s, undo, show, save, other_answer: answerOther, open: () => el.file.click(),
    back: ACTIONS.arrowleft, next: ACTIONS.arrowright };
  for (const [name, action] of Object.entries(clicks)) el[name].addEventListener("click", action);
  for (const radio of el.confidence.querySelectorAll("input")) {
    radio.addEventListener("click", () => setConfidence(radio.value));
  }
  el.comment.addEventListener("input", () => {
    entries[current].comment = el.comment.value;
    renderProgress();
  });
  el.file.addEventListener("change", read);
  document.addEventListener("keydown", press);
  window.addEventListener("beforeunload", (event) => {
    if (!unsaved()) return;
    event.preventDefault();
    event.returnValue = "";
  });
  el.bar.max = records.length;
  el.tool.hidden = false;
  render();
})();
