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
  const picture = element("img");
  picture.alt = file.name;
  picture.src = URL.createObjectURL(file);
  picture.onload = picture.onerror = () => URL.revokeObjectURL(picture.src);
  const body = element("div");
  const best = result.predictions?.[0];
  body.append(element("h3", best ? best.class + (best.uncertain ? " (uncertain)" : "") : "Not classified"), element("p", file.name, "file quiet"));
  body.append(best ? bars(result.predictions) : element("p", result.error, "error"));
  item.append(picture, body);
  return item;
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
  for (let attempt = 0; ; attempt++) {
    const answer = await fetch("predict", { method: "POST", body: form });
    if (answer.status === 429 && attempt < 3) {
      const seconds = Number(answer.headers.get("Retry-After")) || 1;
      say(`The service is busy; next try in ${seconds} s.`);
      await new Promise((done) => setTimeout(done, 1000 * seconds));
      continue;
    }
    const data = await answer.json().catch(() => ({ detail: `the service answered ${answer.status}` }));
    return data.results ?? files.map(() => ({ error: data.detail }));
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
