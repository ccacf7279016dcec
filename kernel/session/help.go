//go:build linux

package session

const helpText = `Each cell is compiled Go, and its names live until they are redefined or removed.
Statements, declarations and imports may come in any order; the value of a last
expression is shown (not with a ; behind it). A package need not be imported to
be used: fmt.Println works in the first cell.

%%, %main [args]      GoNB's mark for the body of main: here it only sets the arguments and calls flag.Parse
%args args            os.Args for cells            %exec f [args]   call f()
%cd [folder]          change the folder            %env NAME VALUE  set an environment variable
%who, %ls             names, types, sizes, cells   %rm NAMES        forget names
%reset [go.mod]       forget everything, fresh worker; with go.mod, only put go.mod back
%rerun [cells]        run cells again that ran before, for instance after the worker was lost
%time                 say where the cell's time went
%test                 run the Test and Benchmark functions of the cell
%capture [-a] FILE    copy the cell's output to a file
!command              run a shell command          !*command        run it in the folder with go.mod:
                                                   !*go get PATH@VERSION adds a module
%with_inputs, %with_password                       ask for a line for the next ! command
%widgets              install the front end's side of gonbui's widgets
%%writefile [-a] FILE, %%script COMMAND, %%bash, %%sh   the whole cell goes to a file or a command

func main is called when its cell has run; func init and init_... before it. %goflags and %wasm are GoNB's only:
cells of one session must be built alike.
`
