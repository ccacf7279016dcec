// Package language completes and explains the code of cells with gopls, Go's
// language server, which sees a cell as a [Source] shows it: as part of a file
// in which the names of earlier cells are declared.
//
// gopls needs seconds to load a workspace and milliseconds to answer afterwards.
// A client of the kernel never waits for it: [Service.Start] may be called
// before the first question, and when the caller's context ends, or gopls can't
// be had, the answer is made from what is known without it: the session's
// names, Go's keywords and predeclared names, and the kernel's commands.
package language
