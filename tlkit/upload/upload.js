(root, config) => {
  if (!root) return;
  const make = (tag, style, properties) => {
    const e = Object.assign(document.createElement(tag), properties);
    Object.assign(e.style, style);
    return e;
  };
  const line = "var(--jp-border-color1, #888)", text = "var(--jp-ui-font-color1, currentColor)";
  Object.assign(root.style, { fontFamily: "var(--jp-ui-font-family, sans-serif)", fontSize: "var(--jp-ui-font-size1, 13px)", color: text });
  const box = make("label", { display: "inline-block", padding: "14px 18px", border: "1px dashed " + line, borderRadius: "4px", cursor: "pointer" });
  const input = make("input", { display: "block", marginTop: "8px", font: "inherit", color: text },
    { type: "file", multiple: true, accept: "image/*,.zip", ariaLabel: config.words.label });
  const bar = make("progress", { display: "none", width: "24em", maxWidth: "100%", marginTop: "8px" }, { max: 1, value: 0 });
  const state = make("div", { marginTop: "6px", whiteSpace: "pre-wrap" }, { textContent: config.words.wait });
  state.setAttribute("role", "status");
  box.append(config.words.choose, input);
  root.append(box, bar, state);
  input.disabled = true;

  let n = 0, waiting = null;
  const answered = (_, value) => {
    const reply = JSON.parse(value);
    if (reply.n === n && waiting) waiting(reply);
  };
  const send = (message) => new Promise((resolve) => {
    waiting = resolve;
    n++;
    globalThis.gonb_comm?.send(config.address, JSON.stringify({ n, ...message }));
  });
  const base64 = (buffer) => {
    let bytes = "";
    for (const b of new Uint8Array(buffer)) bytes += String.fromCharCode(b);
    return btoa(bytes);
  };

  async function upload(files) {
    if (input.disabled || files.length === 0) return;
    input.disabled = true;
    bar.style.display = "block";
    const all = files.reduce((sum, f) => sum + f.size, 0) || 1;
    let sent = 0;
    for (const file of files) {
      state.textContent = file.name;
      let reply = await send({ do: "file", name: file.name });
      for (let at = 0; at < file.size && !reply.end; at += config.chunk) {
        const part = await file.slice(at, at + config.chunk).arrayBuffer();
        reply = await send({ do: "data", data: base64(part) });
        sent += part.byteLength;
        bar.value = sent / all;
      }
      if (!reply.end) reply = await send({ do: "end" });
      if (reply.end) { state.textContent = reply.note; return; }
    }
    const reply = await send({ do: "done" });
    state.textContent = reply.note ?? "";
    input.disabled = false;
    input.value = "";
    bar.style.display = "none";
  }
  input.addEventListener("change", () => upload([...input.files]));
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) box.addEventListener(kind, (e) => {
    e.preventDefault();
    e.stopPropagation();
    box.style.borderStyle = kind === "dragleave" || kind === "drop" ? "dashed" : "solid";
    if (kind === "drop") upload([...e.dataTransfer.files]);
  });

  // The script of the comms may run a moment later than this one.
  const begin = (tries) => {
    if (!globalThis.gonb_comm) {
      if (tries > 0) setTimeout(begin, 200, tries - 1);
      else state.textContent = config.words.run;
      return;
    }
    globalThis.gonb_comm.subscribe(config.address + "/reply", answered);
    send({ do: "here" }).then(() => { input.disabled = false; state.textContent = ""; });
  };
  begin(50);
}
