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

  const page = Math.random().toString(36).slice(2); // another drawing of this field has another one
  let n = 0, waiting = null;
  const answered = (_, value) => {
    const reply = JSON.parse(value);
    if (reply.page === page && reply.n === n && waiting) waiting(reply);
  };
  const send = (message) => new Promise((resolve) => {
    waiting = resolve;
    n++;
    globalThis.gonb_comm?.send(config.address, JSON.stringify({ page, n, ...message }));
  });
  const base64 = (buffer) => {
    let bytes = "";
    for (const b of new Uint8Array(buffer)) bytes += String.fromCharCode(b);
    return btoa(bytes);
  };

  // filesOf returns the files of what was dropped, those below a folder with their folders.
  async function filesOf(entry, folder) {
    try {
      if (!entry.isDirectory) return [{ name: entry.name, folder, file: await new Promise((done, fail) => entry.file(done, fail)) }];
      const reader = entry.createReader(), all = [];
      for (;;) { // it has some at a time
        const some = await new Promise((done, fail) => reader.readEntries(done, fail));
        if (some.length === 0) return all;
        for (const e of some) all.push(...await filesOf(e, folder + entry.name + "/"));
      }
    } catch (error) {
      return [{ name: folder + entry.name, error }];
    }
  }

  // sendFile sends a file and returns the last reply. A file that can't be read, such as one that has changed since it
  // was chosen, is left out by the kernel.
  async function sendFile({ name, folder, file, error }, sent) {
    try {
      if (error) throw error;
      let reply = await send({ do: "file", name, folder });
      for (let at = 0; at < file.size && !reply.end; at += config.chunk) {
        const part = await file.slice(at, at + config.chunk).arrayBuffer();
        reply = await send({ do: "data", data: base64(part) });
        sent(part.byteLength);
      }
      return reply.end ? reply : await send({ do: "end" });
    } catch (e) {
      return await send({ do: "skip", name: folder ? folder + name : name, reason: e.message });
    }
  }

  async function upload(choice) {
    if (input.disabled) return;
    input.disabled = true;
    const files = await choice;
    const all = files.reduce((sum, f) => sum + (f.file?.size ?? 0), 0) || 1;
    let bytes = 0;
    const sent = (more) => { bytes += more; bar.value = bytes / all; };
    let reply = {};
    if (files.length > 0) {
      bar.style.display = "block";
      for (const f of files) {
        state.textContent = f.name;
        reply = await sendFile(f, sent);
        if (reply.end) break;
      }
      if (!reply.end) reply = await send({ do: "done" });
    }
    state.textContent = reply.note ?? "";
    input.disabled = reply.end === true;
    input.value = "";
    bar.style.display = "none";
  }
  const plain = (files) => [...files].map((file) => ({ name: file.name, folder: "", file }));
  input.addEventListener("change", () => upload(plain(input.files)));
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) box.addEventListener(kind, (e) => {
    e.preventDefault();
    e.stopPropagation();
    box.style.borderStyle = kind === "dragleave" || kind === "drop" ? "dashed" : "solid";
    if (kind !== "drop") return;
    const entries = [...e.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean); // they are gone after the event
    if (entries.length === 0) upload(plain(e.dataTransfer.files));
    else upload(Promise.all(entries.map((entry) => filesOf(entry, ""))).then((lists) => lists.flat()));
  });

  // A camera, where the browser lets the page ask for one: pictures are collected, and sent together.
  const button = (text, action) => {
    const b = make("button", { font: "inherit", margin: "8px 8px 0 0" }, { type: "button", textContent: text });
    b.addEventListener("click", action);
    return b;
  };
  async function camera() {
    start.disabled = true; // one camera at a time
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: true });
    } catch (error) {
      state.textContent = error.message;
      start.disabled = false;
      return;
    }
    const video = make("video", { display: "block", maxWidth: "100%", height: "240px", marginTop: "8px" }, { autoplay: true, muted: true, playsInline: true, srcObject: stream });
    const taken = make("div", { display: "flex", flexWrap: "wrap", gap: "4px", marginTop: "4px" });
    const watch = setInterval(() => { if (!root.isConnected) stop(); }, 1000); // the cell has ended
    const stop = () => {
      clearInterval(watch);
      for (const track of stream.getTracks()) track.stop();
      start.disabled = false;
      studio.replaceChildren(start);
    };
    const file = (canvas, i) => new Promise((done) => canvas.toBlob((blob) => done({ name: `camera-${i + 1}.jpg`, folder: "", file: blob }), "image/jpeg", 0.95));
    const use = button(config.words.use, () => {
      if (input.disabled) return; // another upload: the pictures stay
      stop();
      upload(Promise.all([...taken.children].map(file)));
    });
    use.disabled = true;
    const shoot = button(config.words.shoot, () => {
      if (!video.videoWidth) return; // no picture yet
      const canvas = make("canvas", { height: "60px" }, { width: video.videoWidth, height: video.videoHeight });
      canvas.getContext("2d").drawImage(video, 0, 0);
      taken.append(canvas);
      use.disabled = false;
    });
    studio.replaceChildren(video, taken, shoot, use, button(config.words.close, stop));
  }
  const studio = make("div", {}), start = button(config.words.camera, camera);
  if (navigator.mediaDevices?.getUserMedia) {
    studio.append(start);
    bar.before(studio);
  }

  // The script of the comms may run a moment later than this one.
  const begin = (tries) => {
    if (!globalThis.gonb_comm) {
      if (tries > 0) setTimeout(begin, 200, tries - 1);
      else state.textContent = config.words.run;
      return;
    }
    globalThis.gonb_comm.subscribe(config.address + "/reply", answered);
    send({ do: "here" }).then((reply) => { input.disabled = reply.end === true; state.textContent = reply.note ?? ""; });
  };
  begin(50);
}
