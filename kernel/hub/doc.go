// Package hub sets up and starts a JupyterHub for a class: every user gets a JupyterLab with the kernels of one
// installation, which nobody can change, and a home folder with the lessons.
//
//	hub.Prepare(ctx, hub.Options{Dir: "/srv/tlkit-hub", Users: "names.txt"})
//	hub.Start(hub.Options{Dir: "/srv/tlkit-hub"})
//
// Prepare fills a folder: a Python environment with JupyterHub and JupyterLab, the proxy, the lessons, and
// jupyterhub_config.py, which holds each choice in one place and belongs to the teacher once it is written. Start
// replaces the process by JupyterHub. Under JupyterHub every user's server is started by the program "tlkernel
// hub-session", which runs as that user (Session): it copies lessons, makes a private folder for the kernels' sockets,
// and sets limits that no control group sets.
//
// The operating system keeps users apart: each has an account, with home, sockets and temporary folders that only their
// owner can enter, and a /proc without other users' processes.
package hub
