// Package tools has the commands that TLKit offers outside a notebook, as functions of their arguments. The programs in
// tlkit/cmd call them, and so does tlkernel, which knows no package of TLKit: it compiles a call by name.
package tools
