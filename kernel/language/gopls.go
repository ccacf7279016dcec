package language

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"
)

// cellFile is the name of the file in which gopls sees a cell; the file is never written.
const cellFile = "tlkernel_cell.go"

// server is a running gopls. Its methods are not for concurrent use.
type server struct {
	cmd     *exec.Cmd
	conn    jsonrpc2.Conn
	dir     string
	file    protocol.DocumentURI
	version int32
	seen    map[string]time.Time // files of dir that gopls was told of, with the time of their last change
	gone    chan struct{}        // closed when gopls has ended
}

// settings are the settings of gopls: https://go.dev/gopls/settings.
var settings = map[string]any{
	"completionBudget": "1s",
	"deepCompletion":   true,
	"matcher":          "CaseInsensitive",
	"hoverKind":        "FullDocumentation",
	"linksInHover":     false,
	"semanticTokens":   false,
	"staticcheck":      false,
	// The kernel shows no diagnostics. Without the delay gopls analyses all packages that cells import, which takes
	// three times the time and memory.
	"diagnosticsTrigger": "Save",
	"diagnosticsDelay":   "8760h",
	"usePlaceholders":    false,
}

// startServer starts gopls for the module in dir and waits until it has loaded the module. gopls ends with life.
func startServer(ctx, life context.Context, program, dir string, env []string) (*server, error) {
	cmd := exec.CommandContext(life, program, "serve")
	cmd.Dir, cmd.Env, cmd.Stderr = dir, env, io.Discard
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("language: starting gopls: %w", err)
	}
	s := &server{cmd: cmd, dir: dir, file: uri.File(filepath.Join(dir, cellFile)), gone: make(chan struct{})}
	s.conn = jsonrpc2.NewConn(jsonrpc2.NewStream(pipe{stdout, stdin}))
	s.conn.Go(context.Background(), answerServer)
	go func() {
		<-s.conn.Done() // Wait closes the pipe, which must be read first
		cmd.Wait()
		close(s.gone)
	}()
	if err := s.initialize(ctx); err != nil {
		s.close()
		return nil, fmt.Errorf("language: gopls: %w", err)
	}
	return s, nil
}

// pipe is gopls's standard input and output as one stream.
type pipe struct {
	io.ReadCloser
	io.WriteCloser
}

func (p pipe) Read(b []byte) (int, error)  { return p.ReadCloser.Read(b) }
func (p pipe) Write(b []byte) (int, error) { return p.WriteCloser.Write(b) }
func (p pipe) Close() error {
	p.WriteCloser.Close()
	return p.ReadCloser.Close()
}

// answerServer replies to gopls's requests to its client. A request for settings gets the settings; the others make no
// difference here and get an empty reply.
func answerServer(ctx context.Context, reply jsonrpc2.Replier, req jsonrpc2.Request) error {
	if req.Method() != protocol.MethodWorkspaceConfiguration {
		return reply(ctx, nil, nil)
	}
	var params protocol.ConfigurationParams
	if err := json.Unmarshal(req.Params(), &params); err != nil {
		return reply(ctx, nil, err)
	}
	all := make([]any, len(params.Items))
	for i := range all {
		all[i] = settings
	}
	return reply(ctx, all, nil)
}

// call sends a request and waits for the reply. It returns when gopls has ended, for which jsonrpc2's
// Call does not look.
func (s *server) call(ctx context.Context, method string, params, result any) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-s.conn.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	_, err := s.conn.Call(ctx, method, params, result)
	return err
}

func (s *server) initialize(ctx context.Context) error {
	root := uri.File(s.dir)
	params := map[string]any{ // not protocol.InitializeParams, whose capabilities are those of an older version
		"processId":             os.Getpid(),
		"rootUri":               root,
		"workspaceFolders":      []map[string]any{{"uri": root, "name": "cells"}},
		"initializationOptions": settings,
		"capabilities": map[string]any{
			"workspace": map[string]any{"configuration": true, "didChangeWatchedFiles": map[string]any{"dynamicRegistration": false}},
			"textDocument": map[string]any{
				"completion": map[string]any{"completionItem": map[string]any{"snippetSupport": false}},
				"hover":      map[string]any{"contentFormat": []string{"markdown"}},
			},
		},
	}
	var ignored json.RawMessage
	if err := s.call(ctx, protocol.MethodInitialize, params, &ignored); err != nil {
		return err
	}
	if err := s.conn.Notify(ctx, protocol.MethodInitialized, &protocol.InitializedParams{}); err != nil {
		return err
	}
	s.seen = s.files()
	return nil
}

// show sends gopls the text of the cell's file, and the changes of other files.
func (s *server) show(ctx context.Context, text []byte) error {
	now := s.files()
	var events []*protocol.FileEvent
	for path, changed := range now {
		old, known := s.seen[path]
		switch {
		case !known:
			events = append(events, &protocol.FileEvent{Type: protocol.FileChangeTypeCreated, URI: uri.File(path)})
		case !changed.Equal(old):
			events = append(events, &protocol.FileEvent{Type: protocol.FileChangeTypeChanged, URI: uri.File(path)})
		}
	}
	for path := range s.seen {
		if _, there := now[path]; !there {
			events = append(events, &protocol.FileEvent{Type: protocol.FileChangeTypeDeleted, URI: uri.File(path)})
		}
	}
	s.seen = now
	if len(events) > 0 {
		if err := s.conn.Notify(ctx, protocol.MethodWorkspaceDidChangeWatchedFiles, &protocol.DidChangeWatchedFilesParams{Changes: events}); err != nil {
			return err
		}
	}
	s.version++
	if s.version == 1 {
		return s.conn.Notify(ctx, protocol.MethodTextDocumentDidOpen, &protocol.DidOpenTextDocumentParams{
			TextDocument: protocol.TextDocumentItem{URI: s.file, LanguageID: "go", Version: s.version, Text: string(text)}})
	}
	return s.conn.Notify(ctx, protocol.MethodTextDocumentDidChange, map[string]any{
		"textDocument":   map[string]any{"uri": s.file, "version": s.version},
		"contentChanges": []map[string]any{{"text": string(text)}}})
}

// files returns the Go and module files of the folder, with the time of their last change.
func (s *server) files() map[string]time.Time {
	all := map[string]time.Time{}
	filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if name := d.Name(); strings.HasSuffix(name, ".go") || name == "go.mod" || name == "go.sum" {
			if info, err := d.Info(); err == nil {
				all[path] = info.ModTime()
			}
		}
		return nil
	})
	return all
}

// item is the part of gopls's CompletionItem that this package uses.
type item struct {
	Label         string             `json:"label"`
	Detail        string             `json:"detail"`
	Kind          int                `json:"kind"`
	TextEdit      *protocol.TextEdit `json:"textEdit"`
	Documentation json.RawMessage    `json:"documentation"` // a string, or MarkupContent
	// AdditionalTextEdits are edits elsewhere, such as an import line.
	AdditionalTextEdits []json.RawMessage `json:"additionalTextEdits"`
}

// doc returns the documentation as text.
func (it item) doc() string {
	var text string
	if json.Unmarshal(it.Documentation, &text) == nil {
		return text
	}
	var markup protocol.MarkupContent
	if json.Unmarshal(it.Documentation, &markup) == nil {
		return terminalText(markup.Value)
	}
	return ""
}

// complete requests completions at a byte offset of the text shown last.
func (s *server) complete(ctx context.Context, text []byte, offset int) ([]item, error) {
	var list struct {
		Items []item `json:"items"`
	}
	err := s.call(ctx, protocol.MethodTextDocumentCompletion, s.at(text, offset), &list)
	return list.Items, err
}

// hover requests the description of the code at a byte offset; empty if there is none.
func (s *server) hover(ctx context.Context, text []byte, offset int) (markdown string, err error) {
	var hover *struct {
		Contents protocol.MarkupContent `json:"contents"`
	}
	if err := s.call(ctx, protocol.MethodTextDocumentHover, s.at(text, offset), &hover); err != nil || hover == nil {
		return "", err
	}
	return hover.Contents.Value, nil
}

func (s *server) at(text []byte, offset int) *protocol.TextDocumentPositionParams {
	return &protocol.TextDocumentPositionParams{TextDocument: protocol.TextDocumentIdentifier{URI: s.file}, Position: position(text, offset)}
}

// position converts an offset to the language server protocol's form: lines, and UTF-16 units in a line.
func position(text []byte, offset int) protocol.Position {
	var p protocol.Position
	for i := 0; i < offset && i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == '\n' {
			p.Line, p.Character = p.Line+1, 0
		} else {
			p.Character += uint32(utf16.RuneLen(r))
		}
		i += n
	}
	return p
}

// close ends gopls.
func (s *server) close() {
	s.cmd.Process.Kill()
	<-s.gone
}
