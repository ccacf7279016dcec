// The page of a TLKit service: it sends pictures to /predict, and shows the classes with their probabilities. All
// addresses are relative, so that the service may lie under any path.

const find = (id) => document.getElementById(id);
const percent = (p) => (100 * p).toFixed(1) + " %";

let limits = { bytes: Infinity, images: 16 };

async function showInfo() {
  const answer = await fetch("info");
  if (!answer.ok) throw new Error(`the service answered ${answer.status}`);
  const info = await answer.json();
  limits = info.limits;
  document.title = info.name;
  find("name").textContent = info.name;
  const classes = info.classes.length > 6 ? `${info.classes.length} classes` : info.classes.join(", ");
  find("about").textContent = `Tells apart: ${classes}. Network: ${info.model}, ${info.input_size} × ${info.input_size} pixels.`;
  find("limits").textContent = `${info.formats.join(", ")}; up to ${Math.floor(limits.bytes / 2 ** 20)} MB and ${Math.floor(limits.pixels / 1e6)} million pixels`;
}

// element makes an element with text; texts of strangers (file and class names) become text, never markup.
function element(tag, text, className) {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (className) e.className = className;
  return e;
}

function card(file, result) {
  const item = element("li", undefined, "card");
  const best = result.predictions?.[0];
  const frame = element("div", undefined, "picture"), picture = element("img");
  picture.alt = file.name;
  picture.src = URL.createObjectURL(file);
  picture.onload = picture.onerror = () => {
    URL.revokeObjectURL(picture.src);
    if (picture.naturalHeight > 0) frame.style.setProperty("--shape", picture.naturalWidth / picture.naturalHeight);
    else unshown(frame, picture, best);
  };
  frame.append(picture);
  const body = element("div");
  body.append(element("h3", best ? best.class + (best.uncertain ? " (uncertain)" : "") : "Not classified"), element("p", file.name, "file quiet"));
  body.append(best ? bars(result.predictions) : element("p", result.error, "error"));
  if (best) body.append(why(file, best, frame));
  item.append(frame, body);
  return item;
}

// unshown puts a sentence in the place of a picture that the browser can't show, such as a TIFF.
function unshown(frame, picture, classified) {
  frame.classList.add("unshown");
  picture.replaceWith(element("p", "This browser can't show the file" + (classified ? "; the network has seen its picture." : "."), "quiet"));
}

// why is a button that lays over the picture which parts of it speak for the class, and takes that away again.
function why(file, best, frame) {
  const button = element("button", `What speaks for ${best.class}?`, "why");
  button.type = "button";
  button.setAttribute("aria-pressed", "false");
  let found;
  button.addEventListener("click", async () => {
    if (!found) {
      button.disabled = true;
      say(`Looking for what speaks for ${best.class}…`);
      try {
        found = await explain(file, best.index);
        frame.append(overlay(found));
      } catch (error) {
        say(`${file.name}: ${error.message}`);
        return;
      } finally {
        button.disabled = false;
        button.focus(); // a disabled button loses it
      }
    }
    const shown = frame.classList.toggle("explained");
    button.setAttribute("aria-pressed", String(shown));
    say(shown ? sentence(found) : "");
  });
  return button;
}

async function explain(file, index) {
  const form = new FormData();
  form.append("image", file, file.name);
  const answer = await patiently(() => fetch(`explain?index=${index}`, { method: "POST", body: form }));
  const data = await answer.json().catch(() => ({ detail: `the service answered ${answer.status}` }));
  if (!answer.ok) throw new Error(data.detail);
  return data;
}

// The colours of a map, from the lowest to the highest value, as in the notebook.
const heat = [[100, 0, 30], [200, 40, 20], [250, 140, 20], [255, 240, 130]];

// overlay draws a map, to lie over the part of the picture that the network sees.
function overlay({ values, seen, class: name }) {
  const canvas = element("canvas");
  [canvas.width, canvas.height] = [values[0].length, values.length]; // the browser interpolates
  canvas.style.left = `${100 * seen.left}%`;
  canvas.style.top = `${100 * seen.top}%`;
  canvas.style.width = `${100 * (seen.right - seen.left)}%`;
  canvas.style.height = `${100 * (seen.bottom - seen.top)}%`;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", sentence({ values, seen, class: name }));
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(canvas.width, canvas.height);
  values.flat().forEach((share, i) => {
    const at = share * (heat.length - 1), k = Math.min(Math.floor(at), heat.length - 2);
    for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = heat[k][c] + (at - k) * (heat[k + 1][c] - heat[k][c]);
    pixels.data[4 * i + 3] = 255 * 0.75 * Math.sqrt(share);
  });
  context.putImageData(pixels, 0, 0);
  return canvas;
}

// sentence says what a map shows, for those who don't see it.
function sentence({ values, seen, class: name }) {
  let best = 0, x = 0, y = 0;
  values.forEach((row, i) => row.forEach((v, k) => { if (v > best) [best, x, y] = [v, (k + 0.5) / row.length, (i + 0.5) / values.length]; }));
  if (best === 0) return `No part of the picture speaks for ${name}.`;
  const third = (share, from, to, names) => names[Math.min(2, Math.max(0, Math.floor(3 * (from + share * (to - from)))))];
  const vertical = third(y, seen.top, seen.bottom, ["top", "middle", "bottom"]), horizontal = third(x, seen.left, seen.right, ["left", "middle", "right"]);
  const place = vertical === horizontal ? "in the middle" : vertical === "middle" ? `at the ${horizontal}` : horizontal === "middle" ? `at the ${vertical}` : `at the ${vertical} ${horizontal}`;
  return `What speaks most for ${name} is ${place} of the picture.`;
}

function bars(predictions) {
  const list = element("dl", undefined, "bars");
  for (const p of predictions) {
    const bar = element("div", undefined, "bar");
    bar.setAttribute("aria-hidden", "true"); // the number beside it says the same
    const filled = element("span");
    filled.style.width = percent(p.probability).replace(" ", "");
    bar.append(filled);
    list.append(element("dt", p.class), bar, element("dd", percent(p.probability)));
  }
  return list;
}

// say tells the state to everyone, also to those who hear the page.
function say(text) {
  find("status").textContent = text;
}

async function send(files) {
  const form = new FormData();
  for (const file of files) form.append("image", file, file.name);
  const answer = await patiently(() => fetch("predict", { method: "POST", body: form }));
  const data = await answer.json().catch(() => ({ detail: `the service answered ${answer.status}` }));
  return data.results ?? files.map(() => ({ error: data.detail }));
}

// patiently sends a request again, a few times, while the service is busy.
async function patiently(request) {
  for (let attempt = 0; ; attempt++) {
    const answer = await request();
    if (answer.status !== 429 || attempt === 3) return answer;
    const seconds = Number(answer.headers.get("Retry-After")) || 1;
    say(`The service is busy; next try in ${seconds} s.`);
    await new Promise((done) => setTimeout(done, 1000 * seconds));
  }
}

async function classify(list) {
  const files = [...list];
  if (files.length === 0) return;
  let done = 0;
  const last = [];
  for (const group of groups(files)) {
    say(`Classifying ${done + 1} to ${done + group.length} of ${files.length}…`);
    let results;
    try {
      results = await send(group);
    } catch (error) {
      results = group.map(() => ({ error: `The service can't be reached: ${error.message}` }));
    }
    group.forEach((file, i) => {
      find("results").prepend(card(file, results[i]));
      last.push(results[i].predictions ? `${file.name}: ${results[i].predictions[0].class}, ${percent(results[i].predictions[0].probability)}` : `${file.name}: not classified`);
    });
    done += group.length;
  }
  say(last.length === 1 ? last[0] : `${last.length} pictures classified.`);
}

// groups cuts a list of files into requests that keep the service's limits.
function* groups(files) {
  let group = [], bytes = 0;
  for (const file of files) {
    if (group.length > 0 && (group.length === limits.images || bytes + file.size > 0.9 * limits.bytes)) {
      yield group;
      [group, bytes] = [[], 0];
    }
    group.push(file);
    bytes += file.size;
  }
  yield group;
}

function receiveFiles() {
  const drop = find("drop");
  for (const event of ["dragenter", "dragover"]) {
    document.addEventListener(event, (e) => { e.preventDefault(); drop.classList.add("over"); });
  }
  for (const event of ["dragleave", "drop"]) {
    document.addEventListener(event, (e) => { e.preventDefault(); drop.classList.remove("over"); });
  }
  document.addEventListener("drop", (e) => classify(e.dataTransfer.files));
  document.addEventListener("paste", (e) => classify(e.clipboardData.files));
  find("files").addEventListener("change", async (e) => {
    const files = [...e.target.files];
    e.target.value = ""; // so that the same file can be chosen again
    await classify(files);
  });
}

function receiveCamera() {
  const dialog = find("viewfinder"), video = find("video");
  let stream;
  if (!navigator.mediaDevices?.getUserMedia) {
    find("camera").disabled = true; // browsers give the camera to https and to localhost only
    find("camera").title = "The browser gives the camera to pages over https only.";
    return;
  }
  find("camera").addEventListener("click", async () => {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch (error) {
      say(`The camera can't be used: ${error.message}`);
      return;
    }
    video.srcObject = stream;
    dialog.showModal();
  });
  find("shoot").addEventListener("click", () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => classify([new File([blob], `camera ${new Date().toLocaleTimeString()}.jpg`, { type: "image/jpeg" })]), "image/jpeg", 0.95);
    dialog.close();
  });
  find("stop").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => stream?.getTracks().forEach((track) => track.stop()));
}

receiveFiles();
receiveCamera();
showInfo().catch((error) => { find("about").textContent = `The service can't be reached: ${error.message}`; });
