// Package xlacache keeps what XLA compiled on disk, so that the next program, or the next start of the notebook,
// compiles nothing.
//
// PJRT can write a compiled program down and load it again (PJRT_Executable_Serialize and
// PJRT_Executable_DeserializeAndLoad of pjrt_c_api.h, OpenXLA), but go-xla has no call for it. [Enable] therefore puts
// a function of its own in the place of the plugin's PJRT_Client_Compile: it reads the program from a [Store], or
// compiles and writes it there. go-xla and GoMLX notice nothing.
package xlacache
