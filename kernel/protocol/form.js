// Forms below cells; see forms.go. A form is drawn between a cell's text and its outputs, outside of what an output
// clears, so that a slider goes on while the outputs change.
(() => {
  const open = (globalThis.tlkit_open_forms ??= new Map());
  const delay = 60; // milliseconds in which only the last of several values is sent
  const colours = {
    text: "var(--jp-ui-font-color1, currentColor)", quiet: "var(--jp-ui-font-color2, currentColor)",
    field: "var(--jp-layout-color1, transparent)", line: "var(--jp-border-color1, #888)", accent: "var(--jp-brand-color1, #1976d2)",
  };

  function element(tag, style, properties) {
    const e = Object.assign(document.createElement(tag), properties);
    Object.assign(e.style, style);
    return e;
  }

  // control returns the elements of a field; get returns its value as text, set changes it.
  function control(field, changed) {
    const box = { flex: "0 1 22em", minWidth: "0", font: "inherit", color: colours.text, background: colours.field,
      border: "1px solid " + colours.line, borderRadius: "2px", padding: "2px 6px", boxSizing: "border-box" };
    const named = { ariaLabel: field.name };
    if (field.kind === "slider") {
      const range = element("input", { flex: "0 1 22em", minWidth: "0", accentColor: colours.accent },
        { ...named, type: "range", min: field.min, max: field.max, step: field.step, value: field.value });
      // Until it is moved the run has the value in the text, which the slider rounds to its steps.
      const shown = element("output", { minWidth: "4em", fontVariantNumeric: "tabular-nums" }, { textContent: field.value });
      range.addEventListener("input", () => { shown.textContent = range.value; changed(); });
      return { all: [range, shown], get: () => range.value, set: (value) => { range.value = shown.textContent = value; } };
    }
    if (field.kind === "boolean") {
      const check = element("input", { accentColor: colours.accent }, { ...named, type: "checkbox", checked: field.value === "true" });
      check.addEventListener("change", changed);
      return { all: [check], get: () => String(check.checked), set: (value) => { check.checked = value === "true"; } };
    }
    if (field.kind === "dropdown" && !field.free) {
      const select = element("select", box, named);
      for (const o of field.options) select.append(element("option", {}, { value: o, textContent: o, selected: o === field.value }));
      select.addEventListener("change", changed);
      return { all: [select], get: () => select.value, set: (value) => { select.value = value; } };
    }
    const numeric = field.kind === "integer" || field.kind === "number";
    const input = element("input", box, { ...named, type: numeric ? "number" : field.kind === "date" ? "date" : "text", value: field.value, placeholder: field.placeholder ?? "" });
    if (numeric) Object.assign(input, { min: field.min ?? "", max: field.max ?? "", step: field.step ?? "any" });
    input.addEventListener("change", () => { if (input.checkValidity() && (input.value !== "" || !numeric)) changed(); else input.reportValidity(); });
    const all = [input];
    if (field.kind === "dropdown") {
      const list = element("datalist", {}, { id: "tlkit-options-" + Math.random().toString(36).slice(2) });
      for (const o of field.options) list.append(element("option", {}, { value: o }));
      input.setAttribute("list", list.id);
      all.push(list);
    }
    return { all, get: () => input.value, set: (value) => { input.value = value; } };
  }

  // inline returns the elements of a line of Markdown: code, bold and italic text, and links.
  function inline(text) {
    const all = [];
    const form = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\[([^\]]+)\]\((https?:[^)\s]+)\)/g;
    let from = 0;
    for (const m of text.matchAll(form)) {
      all.push(text.slice(from, m.index));
      from = m.index + m[0].length;
      if (m[1]) all.push(element("code", {}, { textContent: m[1] }));
      else if (m[2]) all.push(element("strong", {}, { textContent: m[2] }));
      else if (m[3]) all.push(element("em", {}, { textContent: m[3] }));
      else all.push(element("a", { color: "var(--jp-content-link-color, LinkText)" }, { textContent: m[4], href: m[5], target: "_blank", rel: "noopener" }));
    }
    return [...all, text.slice(from)];
  }

  // markdown returns the element of a line of Markdown.
  function markdown(text) {
    if (/^(---+|\*\*\*+)$/.test(text)) return element("hr", { border: "0", borderTop: "1px solid " + colours.line, margin: "6px 0" });
    const [, marks, rest] = text.match(/^(?:(#{1,6}|[-*])\s+)?(.*)$/s);
    const size = marks?.startsWith("#") ? { fontWeight: "600", fontSize: { 1: "1.4em", 2: "1.2em", 3: "1.1em" }[marks.length] ?? "1em" } : {};
    const e = element("div", { margin: "4px 0", minHeight: "0.5em", ...size });
    e.append(...(marks === "-" || marks === "*" ? ["• "] : []), ...inline(rest));
    return e;
  }

  class Form {
    constructor(spec) {
      this.id = spec.id;
      this.controls = []; // of { name, get, set }
      this.moved = new Map(); // the control that was moved last, by the name
      this.root = element("div", { margin: "4px 8px 4px calc(var(--jp-cell-prompt-width, 64px) + 8px)", color: colours.text,
        fontFamily: "var(--jp-ui-font-family, sans-serif)", fontSize: "var(--jp-ui-font-size1, 13px)" }, { className: "tlkit-form" });
      if (spec.title) this.root.append(element("div", { fontWeight: "600", margin: "2px 0 4px" }, { textContent: spec.title }));
      this.fields = element("fieldset", { border: "0", margin: "0", padding: "0", minWidth: "0" }, { disabled: spec.fields.length > 0 });
      for (const f of spec.fields) {
        if (f.kind === "markdown") {
          this.fields.append(markdown(f.value));
          continue;
        }
        const row = element("label", { display: "flex", alignItems: "center", gap: "10px", margin: "2px 0" });
        row.append(element("span", { flex: "0 0 9em", overflow: "hidden", textOverflow: "ellipsis", fontFamily: "var(--jp-code-font-family, monospace)" },
          { textContent: f.name, title: f.name }));
        const c = { name: f.name, ...control(f, () => this.changed(c)) };
        row.append(...c.all);
        this.controls.push(c);
        this.fields.append(row);
      }
      this.note = element("div", { color: colours.quiet, minHeight: "1.2em", whiteSpace: "pre-wrap" }, { textContent: (spec.problems ?? []).join("\n") });
      this.note.setAttribute("role", "status");
      this.problems = this.note.textContent;
      this.root.append(this.fields, this.note);
      if (spec.fields.length > 0) this.send({ drawn: true });
    }

    say(text) { this.note.textContent = [this.problems, text].filter(Boolean).join("\n"); }

    // send sends a message to the kernel, over the comm that is open now.
    send(message) {
      const comm = globalThis.gonb_comm;
      if (!comm) return this.state("gone");
      if (this.comm !== comm) {
        this.comm = comm;
        comm.subscribe("#form/" + this.id, (_, state) => this.state(state));
      }
      comm.send("#form", { id: this.id, ...message });
    }

    // changed sends the fields that were moved since the form was drawn; the others have the values in the text, which an
    // element may show rounded. Fields of one name have one value.
    changed(control) {
      this.moved.set(control.name, control);
      for (const other of this.controls) if (other !== control && other.name === control.name) other.set(control.get());
      if (this.timer) return;
      this.timer = setTimeout(() => {
        this.timer = null;
        const values = {};
        for (const [name, control] of this.moved) values[name] = control.get();
        this.send({ values });
      }, delay);
    }

    state(state) {
      this.root.dataset.state = state;
      this.fields.disabled = state === "gone";
      this.say({ running: "running …", failed: "The cell failed with these values.", gone: "Run the cell to use its fields." }[state] ?? "");
    }

    // put shows the form for its place in an output.
    put(place) {
      const cell = place.closest(".jp-Cell");
      const outputs = cell?.querySelector(":scope > .jp-Cell-outputWrapper");
      if (!outputs) { // another front end: within the output
        place.replaceChildren(this.root);
        return;
      }
      for (const other of cell.querySelectorAll(":scope > .tlkit-form")) if (other !== this.root) other.remove();
      if (this.root.nextElementSibling !== outputs) cell.insertBefore(this.root, outputs);
      const item = place.closest(".jp-OutputArea-child");
      if (item) item.style.display = "none"; // the place itself
      this.watch(cell, outputs);
    }

    // watch removes the form when its place is no longer in the cell's outputs: they were cleared, or the cell was changed.
    watch(cell, outputs) {
      if (this.cell === cell) return;
      this.cell = cell;
      this.observer?.disconnect();
      this.observer = new MutationObserver(() => {
        clearTimeout(this.check);
        this.check = setTimeout(() => {
          if (outputs.querySelector(`[data-tlkit-form="${this.id}"]`)) return;
          this.observer.disconnect();
          this.cell = null;
          this.root.remove();
          open.delete(this.id);
        }, 500);
      });
      this.observer.observe(outputs, { childList: true, subtree: true });
    }
  }

  globalThis.tlkit_form = (spec) => {
    if (!document.getElementById("jupyter-config-data")) return; // neither JupyterLab nor Notebook: GoNB's comms don't reach the kernel
    const place = document.querySelector(`[data-tlkit-form="${spec.id}"]`);
    if (!place) return;
    if (!open.has(spec.id)) open.set(spec.id, new Form(spec));
    open.get(spec.id).put(place);
  };
  for (const spec of globalThis.tlkit_forms ?? []) tlkit_form(spec);
  delete globalThis.tlkit_forms;
})();
