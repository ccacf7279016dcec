// Command tlkernel installs, tests, runs and removes the Jupyter kernels "Go (TLKit)" and "Go (GoNB)", and
// executes notebooks with them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/toolargs"
	"github.com/tlkit-go/tlkit-notebooks/kernel"
)

var usage = `tlkernel: the Jupyter kernels "Go (TLKit)" and "Go (GoNB)"

  tlkernel install [--prefix DIR] [--source DIR] [--dev] [--engine ` + strings.Join(kernel.EngineNames(), "|") + `]
                   [--weights] [--venv DIR] [--gocache DIR] [--livecache DIR]
        build the kernels from a checkout and register them with Jupyter; safe to repeat
  tlkernel uninstall [--prefix DIR]
        remove what install made
  tlkernel doctor [--prefix DIR]
        test each link: Go, gcc, files, kernelspecs, Jupyter, a cell on each kernel, the engine
  tlkernel exec NOTEBOOK [-o OUT] [--html FILE|none] [--timeout D] [--kernel NAME] [--prefix DIR]
        execute a notebook headless; OUT is out/NAME.ipynb unless given, the page
        goes beside it; stops with exit code 1 at the first failing cell
  tlkernel lab [--kernel NAME] [--no-keep-outputs] [--prefix DIR] [ARGUMENTS]
        open JupyterLab with this kernel; arguments go to jupyter lab. The server keeps what cells show while no page is
        open, unless --no-keep-outputs is given
  tlkernel hub [--dir DIR] [--users FILE] [--ip IP] [--port N] [--cert FILE --key FILE] [--auth local|password|oauth]
               [--admin NAME]... [--subdomain-host URL] [--spawner local|systemd|slurm] [--idle D] [--age D] [--memory 2G] [--cores N]
               [--lessons DIR] [--prefix DIR] [--renew] [--prepare]
        set up a JupyterHub for a class in a folder and start it, as root (docs/hosting.md)
  tlkernel project [--prefix DIR] [-strategy NAME] [-data NAME] [-module PATH] [-version V] [-precision FORM] [-float LAYERS]
                   [-beside] [-page] [-overwrite] [-skip-build] RUN DIR
        write a Go module around a run's best model: a program that serves it and classifies files
  tlkernel train [--prefix DIR] FILE.json | RUN-FOLDER
        train without a notebook: what a recipe file describes, or a detached training; a signal saves and stops
  tlkernel runs [--prefix DIR] [FOLDER]
        list the runs in a folder ($TLKIT_RUNS, else ./runs): state, epochs, best accuracy, time left
  tlkernel version
        print the version of the kernel, of Go, and the platform

NAME is tlkit, the live kernel "Go (TLKit)", or gonb-tlkit, "Go (GoNB)".

DIR, the prefix, is $TLKIT_HOME unless given, else the folder that this tlkernel was installed into, else ~/.local/share/tlkit.
A hub that is there keeps its own, unless --renew is given.
D is a number of seconds, or a duration such as 90s, 15m or 1h30m; for --timeout, --idle and --age 0 means no limit.
`

func main() {
	if kernel.IsGoShim(os.Args[0]) {
		os.Exit(kernel.GoShim(os.Args[1:]))
	}
	code, err := run(os.Args[1:])
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "tlkernel:", err)
	}
	os.Exit(code)
}

// errUsage marks a mistake on the command line, exit code 2.
var errUsage = errors.New("see tlkernel help")

func run(args []string) (int, error) {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return 2, nil
	}
	switch args[0] {
	case "live", "janitor", "uninstall", "copy-lessons", "help", "-h", "--help", "-help", "version", "-version", "--version":
	default:
		if err := kernel.UseTemp(os.Stderr); err != nil {
			return 1, err
		}
	}
	// run, live and janitor handle signals themselves.
	switch args[0] {
	case "run", "live":
		return runKernel(args)
	case "hub-session":
		return exitCode(hubSession(args[1:]))
	case "copy-lessons":
		copyLessons(args[1:])
		return 0, nil
	case "janitor":
		if len(args) != 2 {
			return 2, fmt.Errorf("janitor needs one folder, got %d arguments", len(args)-1)
		}
		return exitCode(kernel.Janitor(args[1]))
	case "help", "-h", "--help", "-help":
		fmt.Print(usage)
		return 0, nil
	case "version", "-version", "--version":
		fmt.Printf("tlkernel %s (%s, %s/%s)\n", kernel.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return 0, nil
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if tool, ok := tools[args[0]]; ok {
		prefix, rest, err := takeFlag(args[1:], "prefix")
		if err != nil {
			return exitCode(fmt.Errorf("%s: %w", args[0], err))
		}
		if code, ok := tool.check(rest, os.Stderr); !ok {
			return code, nil
		}
		return kernel.RunTool(ctx, tool.function, rest, kernel.ToolOptions{Prefix: prefix, Stdout: os.Stdout, Stderr: os.Stderr})
	}
	command, ok := commands[args[0]]
	if !ok {
		return exitCode(fmt.Errorf("unknown command %q; %w", args[0], errUsage))
	}
	flags := flag.NewFlagSet("tlkernel "+args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	err := command(ctx, flags, args[1:])
	if errors.Is(err, flag.ErrHelp) {
		fmt.Print(usage)
		return 0, nil
	}
	return exitCode(err)
}

// commands are the commands that a user gives, by name; each declares its flags, parses its arguments and runs.
var commands = map[string]func(ctx context.Context, flags *flag.FlagSet, args []string) error{
	"install": install,
	"uninstall": func(_ context.Context, flags *flag.FlagSet, args []string) error {
		prefix := prefixFlag(flags)
		if err := parse(flags, args, 0); err != nil {
			return err
		}
		return kernel.Uninstall(kernel.UninstallOptions{Prefix: *prefix, Log: os.Stdout})
	},
	"doctor": func(ctx context.Context, flags *flag.FlagSet, args []string) error {
		prefix := prefixFlag(flags)
		if err := parse(flags, args, 0); err != nil {
			return err
		}
		_, err := kernel.Doctor(ctx, kernel.DoctorOptions{Prefix: *prefix, Log: os.Stdout})
		return err
	},
	"exec": execute,
	"hub":  startHub,
	"lab": func(_ context.Context, _ *flag.FlagSet, args []string) error {
		signal.Reset(os.Interrupt, syscall.SIGTERM) // JupyterLab replaces this process
		prefix, rest, err := takeFlag(args, "prefix")
		if err != nil {
			return fmt.Errorf("lab: %w", err)
		}
		name, rest, err := takeFlag(rest, "kernel")
		if err != nil {
			return fmt.Errorf("lab: %w", err)
		}
		plain := slices.Contains(rest, "--no-keep-outputs")
		rest = slices.DeleteFunc(rest, func(a string) bool { return a == "--no-keep-outputs" })
		return kernel.Lab(kernel.LabOptions{Prefix: prefix, Kernel: name, PageKeepsOutputs: plain, Args: rest})
	},
}

// tool is a command of the package tlkit/tools.
type tool struct {
	function string // its Go name
	// check parses arguments before the tool is compiled; if it is not ok, the command ends with the exit code.
	check func(args []string, stderr io.Writer) (code int, ok bool)
}

var tools = map[string]tool{
	"project": {"Project", func(args []string, stderr io.Writer) (int, bool) {
		_, code, ok := toolargs.ParseProject(args, stderr)
		return code, ok
	}},
	"train": {"Train", func(args []string, stderr io.Writer) (int, bool) {
		_, code, ok := toolargs.ParseTrain(args, stderr)
		return code, ok
	}},
	"runs": {"Runs", func(args []string, stderr io.Writer) (int, bool) {
		_, code, ok := toolargs.ParseRuns(args, stderr)
		return code, ok
	}},
}

func prefixFlag(flags *flag.FlagSet) *string {
	return flags.String("prefix", "", "folder of the installation")
}

func install(ctx context.Context, flags *flag.FlagSet, args []string) error {
	opts := kernel.InstallOptions{Log: os.Stdout}
	prefix := prefixFlag(flags)
	flags.StringVar(&opts.Source, "source", "", "a checkout of tlkit-notebooks")
	flags.StringVar(&opts.Venv, "venv", "", "a Python environment that has JupyterLab")
	flags.BoolVar(&opts.Weights, "weights", false, "fetch the weights of efficientnet_lite0 (17 MB)")
	flags.StringVar(&opts.Engine, "engine", "", "engine to install: "+strings.Join(kernel.EngineNames(), ", "))
	flags.StringVar(&opts.GoCache, "gocache", "", "a build cache to share")
	flags.StringVar(&opts.LiveCache, "livecache", "", "a folder of compiled workers to share")
	flags.BoolVar(&opts.Dev, "dev", false, "notebooks compile against the checkout itself")
	if err := parse(flags, args, 0); err != nil {
		return err
	}
	opts.Prefix = *prefix
	return kernel.Install(ctx, opts)
}

func execute(ctx context.Context, flags *flag.FlagSet, args []string) error {
	opts := kernel.ExecuteOptions{Log: os.Stdout}
	prefix := prefixFlag(flags)
	flags.StringVar(&opts.Out, "o", "", "the executed notebook")
	flags.StringVar(&opts.Kernel, "kernel", "", "tlkit or gonb-tlkit")
	flags.StringVar(&opts.HTML, "html", "", "the page, or none")
	flags.Func("timeout", "limit for each cell, such as 90s; 0 means none", duration(&opts.Timeout))
	if err := parse(flags, args, 1); err != nil {
		return err
	}
	opts.Prefix = *prefix
	return kernel.Execute(ctx, flags.Arg(0), opts)
}

func exitCode(err error) (int, error) {
	switch {
	case err == nil:
		return 0, nil
	case errors.Is(err, errUsage):
		return 2, err
	default:
		return 1, err
	}
}

// runKernel runs the command with which Jupyter starts a kernel: run [--live] FILE, and below that, live FILE.
func runKernel(args []string) (int, error) {
	command, args := args[0], args[1:]
	live := len(args) > 0 && args[0] == "--live"
	if live {
		args = args[1:]
	}
	if len(args) != 1 {
		return 2, fmt.Errorf("%s needs one connection file, got %d arguments; Jupyter calls it", command, len(args))
	}
	p, err := kernel.DefaultPrefix()
	if err != nil {
		return 1, err
	}
	if command == "live" {
		return kernel.Live(p, args[0])
	}
	return kernel.Run(p, args[0], live)
}

// takeFlag removes --flag VALUE or --flag=VALUE, with one dash or two, from arguments for another program, up to "--".
func takeFlag(args []string, flag string) (value string, rest []string, err error) {
	for i := 0; i < len(args); i++ {
		name, v, given := strings.Cut(args[i], "=")
		switch {
		case args[i] == "--":
			return value, append(rest, args[i:]...), nil
		case name != "-"+flag && name != "--"+flag:
			rest = append(rest, args[i])
			continue
		case given:
			value = v
		case i+1 == len(args):
			return "", nil, fmt.Errorf("flag needs an argument: --%s; %w", flag, errUsage)
		default:
			i++
			value = args[i]
		}
		if err := toolargs.CheckText(flag, value); err != nil {
			return "", nil, fmt.Errorf("%w; %w", err, errUsage)
		}
	}
	return value, rest, nil
}

// parse accepts flags before and after the n positional arguments. After it, flags.Args holds the positional arguments.
func parse(flags *flag.FlagSet, args []string, n int) error {
	switch err := toolargs.Interleaved(flags, args); {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return fmt.Errorf("%s: %w; %w", flags.Name(), err, errUsage)
	case flags.NArg() != n:
		return fmt.Errorf("%s: expected %d argument(s) that are no flags, got %d %q; %w", flags.Name(), n, flags.NArg(), flags.Args(), errUsage)
	}
	return nil
}

// duration sets a duration given as a number of seconds or as in Go, such as 90s, 15m or 1h30m.
func duration(to *time.Duration) func(string) error {
	return func(text string) error {
		d, err := time.ParseDuration(text)
		if n, numErr := strconv.ParseUint(text, 10, 32); numErr == nil {
			d, err = time.Duration(n)*time.Second, nil
		}
		if err != nil || d < 0 {
			return errors.New("expected a number of seconds, or a duration such as 90s, 15m or 1h30m")
		}
		*to = d
		return nil
	}
}
