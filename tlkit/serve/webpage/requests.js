// Requests of the page go to the program in the page, in place of a server.
globalThis.fetch = (() => {
  const text = (id) => document.getElementById(id).textContent;
  const waiting = new Map();
  let next = 0, gone, start;
  const started = new Promise((ready) => { start = ready; });
  const worker = new Worker(URL.createObjectURL(new Blob([text("go-runtime"), "\n", text("go-worker")], { type: "text/javascript" })));

  function end(reason) {
    gone = new Error(`${reason}; load the page again`);
    start();
    for (const request of waiting.values()) request.reject(gone);
    waiting.clear();
  }
  worker.onerror = (event) => end(event.message);
  worker.onmessage = ({ data }) => {
    if (data.gone) return end(data.gone);
    if (data.ready) return start();
    waiting.get(data.id)?.resolve(new Response(data.body, { status: data.status, headers: { "Content-Type": data.type } }));
    waiting.delete(data.id);
  };
  (async () => {
    const packed = Uint8Array.from(atob(text("program")), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const program = await new Response(stream).arrayBuffer();
    worker.postMessage({ program }, [program]);
  })().catch((error) => end(String(error)));

  return async (path, options = {}) => {
    const sent = new Response(options.body); // it encodes forms
    const body = new Uint8Array(await sent.arrayBuffer());
    await started;
    if (gone) throw gone;
    return new Promise((resolve, reject) => {
      const id = ++next;
      waiting.set(id, { resolve, reject });
      worker.postMessage({ id, path, method: options.method ?? "GET", type: sent.headers.get("Content-Type") ?? "", body }, [body.buffer]);
    });
  };
})();
