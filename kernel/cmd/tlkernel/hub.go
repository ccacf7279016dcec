package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/kernel/hub"
)

// eachStart are the flags of "tlkernel hub" that have an effect at each start of a hub; the others stand in its
// configuration.
var eachStart = []string{"dir", "prefix", "users", "lessons", "renew", "prepare"}

// startHub prepares a JupyterHub and replaces this process by it.
func startHub(ctx context.Context, flags *flag.FlagSet, args []string) error {
	opts := hub.Options{Log: os.Stdout}
	prefix := prefixFlag(flags)
	flags.StringVar(&opts.Dir, "dir", "", "the hub's folder")
	flags.StringVar(&opts.IP, "ip", "", "the address to listen on")
	flags.Func("port", "the port to listen on", func(text string) (err error) {
		opts.Port, err = strconv.Atoi(text)
		if err != nil || opts.Port == 0 { // others are judged by the hub, for which 0 means none was given
			return errors.New("expected a number from 1 to 65533")
		}
		return nil
	})
	flags.StringVar(&opts.Cert, "cert", "", "a TLS certificate")
	flags.StringVar(&opts.Key, "key", "", "the certificate's key")
	flags.StringVar(&opts.SubdomainHost, "subdomain-host", "", "the hub's address, of which each user gets a subdomain")
	flags.StringVar(&opts.Auth, "auth", "", strings.Join(hub.Auths, ", "))
	flags.StringVar(&opts.Users, "users", "", "a file with one user name a line")
	flags.Func("admin", "a user who may stop others' servers; may be repeated", func(name string) error {
		opts.Admins = append(opts.Admins, name)
		return nil
	})
	flags.StringVar(&opts.Spawner, "spawner", "", strings.Join(hub.Spawners, ", "))
	limit := func(to *time.Duration) func(string) error {
		set := duration(to)
		return func(text string) error {
			err := set(text)
			if err == nil && *to == 0 {
				*to = hub.Never // as in Jupyter
			}
			return err
		}
	}
	flags.Func("idle", "time after which an idle kernel is ended; 0 is never", limit(&opts.Idle))
	flags.Func("age", "time after which a server is ended; 0 is never", limit(&opts.Age))
	flags.Func("memory", "memory for each user, such as 2G", func(text string) (err error) {
		opts.Memory, err = hub.ParseBytes(text)
		return err
	})
	flags.Float64Var(&opts.Cores, "cores", 0, "cores for each user")
	flags.StringVar(&opts.Lessons, "lessons", "", "a folder of notebooks for new users")
	flags.BoolVar(&opts.Renew, "renew", false, "write the configuration anew")
	prepareOnly := flags.Bool("prepare", false, "set up, and don't start")
	if err := parse(flags, args, 0); err != nil {
		return err
	}
	opts.Prefix = *prefix
	flags.Visit(func(f *flag.Flag) {
		opts.Given = opts.Given || !slices.Contains(eachStart, f.Name)
	})
	if err := hub.Prepare(ctx, opts); err != nil || *prepareOnly {
		return err
	}
	// JupyterHub replaces this process. The signals that are caught here have their default there, also where a shell
	// has started this process in the background, with interrupts ignored.
	return hub.Start(opts)
}

// copyLessons is what an image's entry point calls: it copies lessons into a home folder. A failure is told, and is no
// error: the user can still work.
func copyLessons(args []string) {
	if len(args) != 2 {
		fmt.Fprintln(os.Stderr, "tlkernel: copy-lessons needs two folders; with-lessons calls it")
		return
	}
	hub.GiveLessons(args[0], args[1])
}

// hubSession is what JupyterHub starts as a user: flags, "--", and the command of the user's server.
func hubSession(args []string) error {
	var opts hub.SessionOptions
	flags := flag.NewFlagSet("tlkernel hub-session", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&opts.Prefix, "prefix", "", "")
	flags.StringVar(&opts.Lessons, "lessons", "", "")
	flags.StringVar(&opts.Data, "data", "", "")
	flags.Int64Var(&opts.Memory, "memory", 0, "")
	flags.Float64Var(&opts.Cores, "cores", 0, "")
	flags.StringVar(&opts.Limits, "limits", "", "")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("hub-session: %w; JupyterHub calls it", err)
	}
	return hub.Session(opts, flags.Args())
}
