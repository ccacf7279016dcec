package kernel

// openVINO is OpenVINO (Apache-2.0). Of its wheel's 59 MB only the libraries that compute ONNX models on the processor
// are kept, 92 MB, with the licences. The sums are those of the wheels for Linux on x86-64 as the package index lists
// them (pip install --dry-run --report, 2026-11-29), for CPython 3.11 to 3.14 in this order.
var openVINO = unpacked{
	name:  "openvino",
	wheel: "openvino==2026.4.1",
	hashes: []string{
		"2d22b1da03f7caf74df30e9f6417d0ab2f637e4a38e08e1dcd294d2c37407aaf",
		"6b4375c17ddcac83a5180349e2e2bb811185c261066e2a920659892d58ef0e3b",
		"a9b637846c579d7b81b17b6585e0c7b1947574e8d13cf83d7307ce50cd2c352e",
		"3631dd889dccf3d5087775948590a6609a662f90c24a9cf85bb4dfa0cdd7fd2f",
	},
	files: []string{
		"openvino-2026.4.1.dist-info/licenses/LICENSE",
		"openvino-2026.4.1.dist-info/licenses/licensing/onednn_third-party-programs.txt",
		"openvino-2026.4.1.dist-info/licenses/licensing/onetbb_third-party-programs.txt",
		"openvino-2026.4.1.dist-info/licenses/licensing/runtime-third-party-programs.txt",
		"openvino/libs/libtbb.so.12",
		"openvino/libs/libtbbmalloc.so.2",
		"openvino/libs/libopenvino.so.2641",
		"openvino/libs/libopenvino_onnx_frontend.so.2641",
		"openvino/libs/libopenvino_intel_cpu_plugin.so",
		"openvino/libs/libopenvino_c.so.2641",
	},
}
