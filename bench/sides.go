package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/bench/processor"
)

// A peer is one way in which others compute the same work.
type peer struct {
	name string
	// script is the program in ../shared/peer that measures a step, and setting its last argument.
	script, setting string
	// bf16 is true if it computes in bfloat16: other numbers, compared apart.
	bf16 bool
	// trains is false if it only infers.
	trains bool
	// module is the Python package that it needs.
	module string
}

// peers are the settings of PyTorch, the slowest first, and OpenVINO.
var peers = []peer{
	{name: "eager", script: "step.py", setting: "eager", trains: true, module: "torch"},
	{name: "channels_last", script: "step.py", setting: "channels_last", trains: true, module: "torch"},
	{name: "compile", script: "step.py", setting: "compile", trains: true, module: "torch"},
	{name: "bf16", script: "step.py", setting: "bf16", bf16: true, trains: true, module: "torch"},
	{name: "openvino", script: "infer_openvino.py", setting: "f32", module: "openvino"},
	{name: "openvino_bf16", script: "infer_openvino.py", setting: "bf16", bf16: true, module: "openvino"},
}

// eagerSide is what PyTorch's tutorials do: every other setting of PyTorch takes a line more.
const eagerSide = "eager"

// peerNamed returns a row of peers.
func peerNamed(name string) (peer, bool) {
	i := slices.IndexFunc(peers, func(p peer) bool { return p.name == name })
	if i < 0 {
		return peer{}, false
	}
	return peers[i], true
}

// does reports whether a peer can do a job: all of PyTorch's float32 settings train on hymenoptera.
func (p peer) does(j job) bool { return j.Work == "step" || p.trains && !p.bf16 }

// fp32 lists the names of PyTorch's settings that compute in float32, among those that are measured.
func (o options) fp32() []string {
	var names []string
	for _, p := range peers {
		if p.module == "torch" && !p.bf16 && slices.Contains(o.peers, p.name) {
			names = append(names, p.name)
		}
	}
	return names
}

// choosePeers returns the peers to measure: those named, or, if the name is "auto", all that the Python has packages
// for, those in bfloat16 only on a processor that computes it fast. left says which are left out, and why.
func (o options) choosePeers(named []string) (chosen, left []string, err error) {
	if o.peer == "" {
		return nil, nil, nil
	}
	if !slices.Equal(named, []string{"auto"}) {
		for _, name := range named {
			if _, ok := peerNamed(name); !ok {
				return nil, nil, fmt.Errorf("no peer %q; there are %s", name, strings.Join(peerNames(), ", "))
			}
		}
		return named, nil, nil
	}
	has, fast := map[string]bool{}, processor.FastBF16(processor.Features())
	for _, p := range peers {
		if _, asked := has[p.module]; !asked {
			has[p.module] = exec.Command(o.peer, "-c", "import "+p.module).Run() == nil
		}
		switch {
		case !has[p.module]:
			left = append(left, fmt.Sprintf("%s: %s has no package %s", p.name, o.peer, p.module))
		case p.bf16 && !fast:
			left = append(left, p.name+": this processor has no instructions for bfloat16")
		default:
			chosen = append(chosen, p.name)
		}
	}
	if len(chosen) == 0 {
		return nil, nil, fmt.Errorf("%s has neither torch nor openvino", o.peer)
	}
	return chosen, left, nil
}

func peerNames() []string {
	var names []string
	for _, p := range peers {
		names = append(names, p.name)
	}
	return names
}

// peerCommand returns the Python program and arguments with which a peer does a job.
func (o options) peerCommand(p peer, j job, data string, seed int) []string {
	folder := filepath.Join(o.shared, "peer")
	if j.Work == "step" {
		return []string{"-c", peerClocks[o.clock] + runScript, filepath.Join(folder, p.script), j.Model, strconv.Itoa(j.Batch), strconv.Itoa(j.Size), strconv.Itoa(o.steps), p.setting}
	}
	return []string{"-c", peerClocks[o.clock] + loadedAs[p.setting] + runScript, filepath.Join(folder, "hymenoptera.py"), data, weightFile(o.shared), j.Work, strconv.Itoa(o.epochs), strconv.Itoa(seed)}
}

// runScript is a Python program that runs the peer's script given as the first argument.
const runScript = `
import runpy, sys, os
sys.argv = sys.argv[1:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")`

// loadedAs has, by the setting of PyTorch, lines that change the function with which hymenoptera.py loads its network:
// the script itself knows one setting.
var loadedAs = map[string]string{
	"channels_last": faster(""),
	"compile":       faster("\n    model.compile()"),
}

func faster(further string) string {
	return `
import sys, os
sys.path.insert(0, os.path.dirname(sys.argv[1]))
import common, torch
def load(model, path, plain=common.load):
    model = plain(model, path).to(memory_format=torch.channels_last)` + further + `
    return model
common.load = load
`
}
