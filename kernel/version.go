package kernel

// Version is the version of the kernel and of tlkit; CHANGELOG.md says what is new in it.
const Version = "0.1.0"
