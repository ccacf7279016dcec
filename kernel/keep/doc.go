// Package keep holds an extension of Jupyter's server and of JupyterLab: outputs of cells survive a closed page.
//
// JupyterLab's page receives what a cell shows. While no page is open, a plain Jupyter loses it, and a page that
// comes back does not know the running cell. tlkit_outputs.py, in the server, listens to each kernel too and keeps
// the outputs of the cells that pages run, with clear_output and update_display_data applied. While no page is
// connected to a kernel it writes them into the notebook by Jupyter's contents manager. keep.js, in the page, gets
// what runs from the server when a notebook is opened or connected again, and gives each cell a future, as
// JupyterLab's own execution does: the cell goes on live. The file format, saving, checkpoints and kernels are
// Jupyter's own; it works for every kernel.
//
// Extensions that do part of it were tried before: jupyter-server-documents 0.3.3 appends every update of a display as
// a new output, and jupyter-server-nbmodel 0.2.9 with jupyter-collaboration 5.0.4 drops updates.
package keep
