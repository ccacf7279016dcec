// Lets a page that comes back show what its cells did meanwhile, and follow those that still run. The server's part is
// tlkit_outputs.py. It is a prebuilt extension of JupyterLab, written by hand: a container of module federation with one plugin.
(() => {
  let shared; // JupyterLab's own modules

  const load = async name => {
    const versions = shared[name];
    const factory = await Object.values(versions)[0].get();
    return factory();
  };

  const SAVE_AFTER = 1000; // milliseconds of a cell's run after which an unsaved notebook is saved: its cells must be in the file

  async function plugin() {
    const [{ INotebookTracker }, { IDocumentManager }, { ServerConnection }, { URLExt }] = await Promise.all(
      ['@jupyterlab/notebook', '@jupyterlab/docmanager', '@jupyterlab/services', '@jupyterlab/coreutils'].map(load));
    return {
      id: '@tlkit/keep-outputs:plugin',
      description: 'Outputs of cells that run while no page is open.',
      autoStart: true,
      requires: [INotebookTracker],
      optional: [IDocumentManager],
      activate: (app, tracker, documents) => {
        const fetchKept = async kernel => {
          const settings = kernel.serverSettings;
          const url = URLExt.join(settings.baseUrl, 'tlkit/outputs', kernel.id);
          const response = await ServerConnection.makeRequest(url, {}, settings);
          return response.ok ? response.json() : null;
        };
        tracker.widgetAdded.connect((_, panel) => follow(panel, fetchKept, documents));
        tracker.forEach(panel => follow(panel, fetchKept, documents));
      }
    };
  }

  // follow attaches the page to the kernel's cells, now and after each lost connection.
  async function follow(panel, fetchKept, documents) {
    const context = panel.sessionContext;
    saveInTurn(panel.context);
    await panel.context.ready;
    await context.ready;
    let waiting;
    const again = () => attach(panel, fetchKept).catch(e => console.warn('tlkit: kept outputs:', e));
    context.connectionStatusChanged.connect((_, status) => status === 'connected' && again());
    context.statusChanged.connect((_, status) => {
      clearTimeout(waiting);
      if (status === 'busy') {
        waiting = setTimeout(() => saveForServer(panel, documents), SAVE_AFTER);
      }
    });
    again();
  }

  // saveInTurn lets each save of a notebook wait for the one before, whoever began it. JupyterLab takes the second of two that
  // overlap for a conflict with another writer.
  function saveInTurn(context) {
    const save = context.save.bind(context);
    let last = Promise.resolve();
    context.save = () => {
      const next = last.then(save);
      last = next.catch(() => undefined); // whoever began it hears of the error
      return next;
    };
  }

  // saveForServer saves a notebook whose cell runs, so that its cells are in the file when the page is closed.
  function saveForServer(panel, documents) {
    const context = panel.context;
    const wanted = !documents || documents.autosave;
    if (panel.isDisposed || !wanted || !context.model.dirty || context.model.readOnly || !context.contentsModel?.writable) {
      return;
    }
    context.save().catch(() => undefined); // JupyterLab has said why
  }

  async function attach(panel, fetchKept) {
    const kernel = panel.sessionContext.session?.kernel;
    if (!kernel) {
      return;
    }
    // Messages that come while the kept outputs are fetched; "seen" says which of them these include.
    const early = [];
    let deliver = msg => early.push(msg);
    const listen = (_, msg) => deliver(msg);
    kernel.iopubMessage.connect(listen);
    const kept = await fetchKept(kernel).catch(() => null);
    const running = new Map();
    if (kept && !panel.isDisposed) {
      const fresh = !(await catchUp(panel, kept));
      const goesOn = kept.cells.some(entry => entry.state !== 'done');
      for (const entry of kept.cells) {
        // A cell that goes on may update displays of others; the file has no ids of displays.
        const live = goesOn && entry.outputs.some(output => output.transient?.display_id);
        if (entry.state === 'done' && !entry.changed && fresh && !live) {
          continue; // the file that the page read has it
        }
        const cell = panel.content.widgets.find(w => w.model.id === entry.cell_id);
        if (cell?.model.type !== 'code') {
          continue;
        }
        if (cell.outputArea.future?.msg?.header.msg_id !== entry.msg_id) {
          running.set(entry.msg_id, adopt(cell, entry, kernel));
        } else if (entry.state === 'done') {
          setTimeout(() => complete(cell, entry, kernel), REPLAY); // this page follows it already
        }
      }
    }
    const seen = new Set(kept?.seen ?? []);
    const give = msg => {
      const id = msg.parent_header?.msg_id;
      const cell = running.get(id);
      if (msg.header.msg_type === 'update_display_data') {
        running.forEach(one => one.take(msg)); // of whichever cell the display is
      } else if (cell) {
        cell.take(msg);
      }
    };
    deliver = msg => seen.has(msg.header.msg_id) || give(msg);
    early.forEach(msg => deliver(msg));
    const ended = (_, status) => {
      if (['restarting', 'autorestarting', 'terminating', 'dead'].includes(status)) {
        running.forEach(one => one.end());
      }
    };
    const forget = () => {
      kernel.iopubMessage.disconnect(listen);
      kernel.statusChanged.disconnect(ended);
    };
    kernel.statusChanged.connect(ended);
    panel.disposed.connect(forget);
    Promise.all([...running.values()].map(one => one.done)).then(() => {
      forget();
      panel.disposed.disconnect(forget);
    });
  }

  const REPLAY = 3000; // milliseconds in which Jupyter sends a page again what it missed, if it can

  // complete gives a cell that the page still holds for running all that it has shown, after it has ended.
  function complete(cell, entry, kernel) {
    if (!cell.isDisposed && cell.outputArea.future?.msg?.header.msg_id === entry.msg_id && cell.model.executionState === 'running') {
      adopt(cell, entry, kernel);
    }
  }

  // catchUp returns whether the server has written the notebook since the page read it. If nobody else has, it lets the page
  // know, so that JupyterLab does not take the next save for a conflict; else JupyterLab says so, and the user decides.
  async function catchUp(panel, { written, versions }) {
    const context = panel.context;
    const have = context.contentsModel?.last_modified;
    const time = text => new Date(text).getTime();
    if (!written || !have || time(written) <= time(have)) {
      return false;
    }
    const contents = context._manager?.contents; // JupyterLab's version is pinned; another one may have other names
    if (contents && context._updateContentsModel && versions.some(v => time(v) === time(have))) {
      const model = await contents.get(context.path, { content: false, hash: true });
      if (time(model.last_modified) === time(written)) {
        context._updateContentsModel(model);
      }
    } else if (!context.model.dirty) {
      await context.revert();
    }
    return true;
  }

  // adopt gives a cell its kept outputs, and a future such as its own execution would have: JupyterLab's output area does the rest.
  function adopt(cell, entry, kernel) {
    let finish;
    const future = {
      msg: { header: { msg_id: entry.msg_id } },
      isDisposed: false,
      done: new Promise(resolve => (finish = resolve)),
      onIOPub: () => undefined,
      onReply: () => undefined,
      onStdin: () => undefined,
      registerMessageHook: () => undefined,
      removeMessageHook: () => undefined,
      sendInputReply: (...all) => kernel.sendInputReply(...all),
      dispose() {
        this.isDisposed = true;
        finish({ content: { execution_count: null } });
      }
    };
    const message = (type, content) => ({
      channel: 'iopub', header: { msg_id: '', msg_type: type }, parent_header: { msg_id: entry.msg_id }, metadata: {}, content
    });
    let count = entry.execution_count;
    const end = () => {
      if (!future.isDisposed && !cell.isDisposed) {
        cell.model.executionCount = count;
        cell.model.executionState = 'idle';
      }
      finish({ content: { execution_count: count } });
    };
    const take = msg => {
      if (future.isDisposed || cell.isDisposed) {
        return; // the cell was run anew, or is gone
      }
      if (msg.header.msg_type === 'execute_input') {
        count = msg.content.execution_count;
      }
      future.onIOPub(msg);
      if (msg.header.msg_type === 'status' && msg.content.execution_state === 'idle' && msg.parent_header.msg_id === entry.msg_id) {
        end();
      }
    };
    cell.model.executionCount = null;
    cell.model.executionState = 'running';
    cell.model.trusted = true;
    cell.outputArea.future = future; // clears the outputs
    for (const { output_type, ...content } of entry.outputs) {
      future.onIOPub(message(output_type, content));
    }
    if (entry.clear) {
      future.onIOPub(message('clear_output', { wait: true }));
    }
    if (entry.state === 'done') {
      end();
    }
    return { take, end, done: future.done };
  }

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB['@tlkit/keep-outputs'] = {
    init: async scope => {
      shared = scope;
    },
    get: async () => {
      const made = await plugin();
      return () => ({ __esModule: true, default: made });
    }
  };
})();
