package kernel

// Version is the version of the kernel and of tlkit; CHANGELOG.md lists the changes.
const Version = "0.1.0"
