// The worker in which the program runs. It follows Go's wasm_exec.js.
onmessage = async ({ data }) => {
  if (!data.program) return tlkit_request(data);
  try {
    const go = new Go();
    const { instance } = await WebAssembly.instantiate(data.program, go.importObject);
    await go.run(instance);
    postMessage({ gone: "the program has ended" });
  } catch (error) {
    postMessage({ gone: String(error) });
  }
};
