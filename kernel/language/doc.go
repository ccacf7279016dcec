// Package language completes and explains the code of cells with gopls, Go's language server. gopls sees a cell as a
// [Source] shows it: as part of a file in which the names of earlier cells are declared.
//
// gopls needs seconds to load a workspace, and milliseconds for each request afterwards. A client of the kernel never
// waits for the loading: [Service.Start] may be called before the first request. If the caller's context ends, or there
// is no gopls, the result is made without it, from the session's names, Go's keywords and predeclared names, and the
// kernel's commands.
package language
