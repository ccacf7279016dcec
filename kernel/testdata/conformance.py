"""jupyter_kernel_test for the live kernel, with all that it can test switched on.

Run by TestConformance: python conformance.py KERNEL
"""

import os
import sys
import time
import unittest

import jupyter_kernel_test
from jupyter_client.manager import start_new_kernel

kernel = sys.argv.pop(1)
# Its limits are for a quiet machine; ours runs other packages' tests beside.
jupyter_kernel_test.TIMEOUT = 120


class LiveKernel(jupyter_kernel_test.KernelTests):
    kernel_name = kernel
    language_name = "go"
    file_extension = ".go"

    @classmethod
    def setUpClass(cls):
        # Not the default's 60 seconds; and the first question about code comes after
        # gopls has loaded the workspace. Before that the answer would be right but
        # shorter: test_strict_client sees to it that it comes in time.
        cls.km, cls.kc = start_new_kernel(kernel_name=kernel, startup_timeout=120)
        cls.kc.execute_interactive("1 + 1", timeout=120, output_hook=lambda msg: None)
        for _ in range(120):
            if cls.kc.complete("fmt.Printl", reply=True, timeout=60)["content"]["matches"]:
                break
            time.sleep(0.5)

    code_hello_world = 'fmt.Println("hello, world")'
    code_stderr = 'fmt.Fprintln(os.Stderr, "a line")'
    completion_samples = [
        {"text": "fmt.Printl", "matches": {"Println"}},
        {"text": 'x := "é𝄞"; strings.ToUpp', "matches": {"ToUpper", "ToUpperSpecial"}},
        {"text": "fallthr", "matches": {"fallthrough"}},
    ]
    complete_code_samples = [
        "x := 1",
        "6 * 7",
        "func f(x int) int {\n\treturn x\n}",
        "type T struct{ A int }",
        'import "fmt"\n\nfmt.Println("a")',
        "for i := range 3 {\n\tfmt.Println(i)\n}",
        "%%\nfmt.Println(1)",
        "!ls",
        "%help",
    ]
    incomplete_code_samples = [
        "func f(x int) int {",
        "for i := range 3 {\n\tfmt.Println(i)",
        "x := []int{1,",
        "fmt.Println(",
        "s := `a",
        "import (",
    ]
    invalid_code_samples = ["x := := 1", "func 3() {}", "x ]", "if { }}"]
    code_page_something = "%help"
    code_generate_error = 'panic("as asked")'
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": 'strings.ToUpper("go")', "result": "GO"},
        {"code": "[]int{1, 2}", "mime": "text/plain"},
    ]
    code_display_data = [
        {
            "code": 'import "github.com/janpfeifer/gonb/gonbui"\ngonbui.DisplayHTML("<b>bold</b>")',
            "mime": "text/html",
        },
        {
            "code": 'import "github.com/janpfeifer/gonb/gonbui"\ngonbui.DisplayMarkdown("**bold**")',
            "mime": "text/markdown",
        },
    ]
    code_history_pattern = "6 ? 7"
    supported_history_operations = ("tail", "range", "search")
    code_clear_output = "%clear"
    code_inspect_sample = "fmt.Println"


class Welcome(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = kernel
    support_iopub_welcome = True


if __name__ == "__main__":
    unittest.main(verbosity=2)
