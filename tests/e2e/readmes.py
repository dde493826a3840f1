#!/usr/bin/env python3
"""Compiles and runs the blocks of every README.md, and compares what they print with the page.

    tests/e2e/readmes.py build [PATH...]   check all pages, or those whose path begins like this
    tests/e2e/readmes.py build --write …   and replace each `output` block by what was printed

README.md beside this file has the rules for blocks. readmes/ has what the blocks of a page need and
do not show, in files named after the page's folder: nn_layers.cpp, nn_layers.sh.
"""
import concurrent.futures
import glob
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from readme_pages import ROOT, Wrong, alike, blocks_of, check_text, selftest

HERE = os.path.dirname(os.path.abspath(__file__))

# Blocks that nothing here runs: page, language, number; and the test that holds them to the truth, or
# the reason why there is none.
ELSEWHERE = {
    ("autograd/gradcheck/README.md", "text", 1): "tests/autograd/gradcheck/tape_walk_test.cpp",
    ("data/README.md", "text", 1): "a drawing",
    ("examples/README.md", "cmake", 1): "tests/e2e/install.sh",
    ("examples/explain/README.md", "console", 1): "tests/e2e/explain.sh",
    ("examples/explain/README.md", "console", 2): "tests/e2e/explain.sh",
    ("examples/gradcheck/adapters/README.md", "text", 1): "tests/examples/gradcheck/program_test.cpp",
    ("examples/gradcheck/adapters/README.md", "julia", 1): "Debian has no Julia",
    ("nn/checks/README.md", "text", 1): "tests/nn/checks/classic_bugs_test.cpp",
    ("nn/checks/README.md", "text", 2): "tests/nn/checks/classic_bugs_test.cpp",
    ("tests/autograd/gradcheck/README.md", "text", 1): "tests/autograd/gradcheck/beside_pytorch.py",
    ("tests/autograd/gradcheck/README.md", "text", 2): "tests/autograd/gradcheck/beside_pytorch.py",
}
# Pages with formulas, which alone are indented instead of fenced.
FORMULAS = ["autograd/ops/README.md"]

MOST_SECONDS = 300

# The program around the fragments of a page that has no file of its own.
AROUND = """#include "adjoint.h"
#include <iostream>
using namespace adjoint;
int main() {
#include "rest"
}
"""

# In what a program prints, these stand around what a block with an output has printed.
BEGIN, END = "\x1e", "\x1f"


# ---- Running -------------------------------------------------------------------------------------
def run(command, folder, what, environment=None):
    """Runs a command and returns what it prints. If it takes too long it ends, with all that it started."""
    process = subprocess.Popen(command, cwd=folder, env=environment, text=True, errors="replace",
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               start_new_session=True)
    try:
        printed, complaints = process.communicate(timeout=MOST_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise Wrong(f"{what}: it takes more than {MOST_SECONDS} seconds") from None
    if process.returncode != 0:
        said = (complaints.strip() or printed.strip()).split("\n")
        raise Wrong(f"{what} (exit code {process.returncode})\n" + "\n".join(said[-12:]))
    return printed


class Compiler:
    def __init__(self, build, scratch):
        shared, = glob.glob(f"{build}/libadjoint.so.*")
        self.scratch = scratch
        self.command = shlex.split(os.environ.get("CXX", "g++")) + [
            "-std=c++20", "-fopenmp-simd", "-Wall", "-Wextra", "-Werror", f"-I{scratch}", f"-I{ROOT}",
            f"-I{ROOT}/examples"]
        self.libraries = [shared, f"-Wl,-rpath,{build}"]
        # Reading the library's headers takes longer than compiling any of these programs.
        write(f"{scratch}/adjoint.h", '#include "examples/adjoint.h"\n')
        run(self.command + ["-x", "c++-header", "adjoint.h", "-o", "adjoint.h.gch"], scratch,
            "adjoint.h does not compile")

    def __call__(self, source, folder, page):
        run(self.command + [f"-I{folder}", source, *self.libraries, "-o", f"{folder}/program"], folder,
            f"{page}: does not compile")
        return run([f"{folder}/program"], folder, f"{page}: the program fails")


def beside(page, suffix):
    """The file with what the blocks of a page need, and its text."""
    name = os.path.dirname(page).replace("/", "_") or "root"
    path = f"{HERE}/readmes/{name}{suffix}"
    return path, open(path, encoding="utf-8").read() if os.path.exists(path) else None


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def compare(block, printed, rewrite):
    if block.output is None:
        if printed.strip():
            raise Wrong(f"{block}: the page does not show what this prints, in an `output` block:\n{printed}")
    elif not alike(block.output.text, printed):
        if rewrite:
            rewrite(block.output, printed)
        else:
            raise Wrong(f"{block.output}: this is printed, not what the page shows:\n{printed}")


def parts(printed, blocks):
    """Cuts what was printed: for each block with an output, its part, and in the end the rest."""
    rest, *begun = printed.split(BEGIN)
    for piece in begun:
        name, _, text = piece.partition("\n")
        text, _, after = text.partition(END)
        rest += after
        yield next(block for block in blocks if block.name == name), text
    yield None, rest


def run_cpp(page, blocks, folder, compiler, rewrite):
    source, around = beside(page, ".cpp")
    fragments = [block for block in blocks if not block.is_program]
    for block in blocks:
        line = f'#line {block.first_line} "{page}"\n'
        if block.is_program:
            write(f"{folder}/program.cpp", line + block.text)
            compare(block, compiler(f"{folder}/program.cpp", folder, block), rewrite)
        elif block.output:
            write(f"{folder}/{block.name}", f'std::cout << "{BEGIN}{block.name}\\n";\n{line}{block.text}\n'
                  f'std::cout << "{END}";\n')
        else:
            write(f"{folder}/{block.name}", line + block.text)
    if not fragments:
        return
    if around is None:
        around = AROUND
        source = f"{folder}/around.cpp"
        write(source, around)
    rest = [block for block in fragments if f'#include "{block.name}"' not in around]
    if rest and '#include "rest"' not in around:
        raise Wrong(f'{rest[0]}: is not compiled: include "{rest[0].name}" in {os.path.relpath(source, ROOT)}')
    # One behind another, each with the names of those before it.
    write(f"{folder}/rest", "".join(f'{{\n#include "{block.name}"\n' for block in rest) + "}" * len(rest))
    for block, text in parts(compiler(source, folder, page), blocks):
        if block:
            compare(block, text, rewrite)
        elif text.strip():
            raise Wrong(f"{page}: a program prints this, and no `output` block shows it:\n{text}")


def run_sh(page, blocks, folder, environment, rewrite):
    prelude = open(f"{HERE}/readmes/common.sh", encoding="utf-8").read() + (beside(page, ".sh")[1] or "")
    script = "set -e\n" + prelude
    for block in blocks:
        write(f"{folder}/{block.name}", block.text)
        script += f"""
where="the block at line {block.first_line}"
printf '{BEGIN}%s\\n' {block.name}
. ./{block.name}
printf '{END}'
"""
    write(f"{folder}/script", script)
    printed = run(["bash", "script"], folder, f"{page}: a command fails", environment)
    for block, text in parts(printed, blocks):
        if block and block.output:
            compare(block, text, rewrite)


def checkout(folder, build):
    """A folder that looks like the repository after the build, for commands to run in."""
    os.makedirs(f"{folder}/build")
    for entry in os.listdir(ROOT):
        if not entry.startswith(".") and entry not in ("build", "data"):
            os.symlink(f"{ROOT}/{entry}", f"{folder}/{entry}")
    for program in glob.glob("*", root_dir=build) + glob.glob("solutions/*", root_dir=build):
        if os.path.isfile(f"{build}/{program}") and os.access(f"{build}/{program}", os.X_OK):
            os.makedirs(os.path.dirname(f"{folder}/build/{program}"), exist_ok=True)
            os.symlink(f"{build}/{program}", f"{folder}/build/{program}")


# ---- All pages -----------------------------------------------------------------------------------
def check_page(page, build, compiler, scratch, rewrite):
    start = time.monotonic()
    lines = open(f"{ROOT}/{page}", encoding="utf-8").read().split("\n")
    check_text(page, lines)
    blocks = blocks_of(page, lines)
    kinds = {kind: [b for b in blocks if b.language == kind] for kind in {b.language for b in blocks}}
    for listed, language, number in ELSEWHERE:
        if listed == page and len(kinds.get(language, [])) < number:
            raise Wrong(f"{page}: has no `{language}` block number {number}, which tests/e2e/readmes.py lists")
    sh, shell = kinds.get("sh", []), beside(page, ".sh")[1]
    for block in blocks:
        if block.language in ("cpp", "sh", "output"):
            continue
        reason = ELSEWHERE.get((page, block.language, block.number))
        if block.language == "indented":
            if page not in FORMULAS:
                raise Wrong(f"{block}: indented; fence it, so that the test knows what it is")
        elif reason is None and not (shell and block.name in shell):
            raise Wrong(f"{block}: nothing tests this `{block.language}` block: use {block.name} in "
                        f"{os.path.relpath(beside(page, '.sh')[0], ROOT)}, or list it in tests/e2e/readmes.py")
        elif reason and reason.startswith("tests/") and not os.path.exists(f"{ROOT}/{reason}"):
            raise Wrong(f"{block}: {reason} is to test this, and does not exist")
    folder = f"{scratch}/{os.path.dirname(page).replace('/', '_') or 'root'}"
    checkout(folder, build)
    for block in blocks:
        write(f"{folder}/{block.name}", block.text)
    if "cpp" in kinds:
        run_cpp(page, kinds["cpp"], folder, compiler, rewrite)
    if sh or shell:
        run_sh(page, sh, folder, dict(os.environ, root=ROOT), rewrite)
    counts = [f"{len(kinds[kind])} {kind}" for kind in sorted(kinds)] + [f"{time.monotonic() - start:.1f} s"]
    return f"{page}: " + ", ".join(counts)


def main():
    arguments = sys.argv[1:]
    if arguments == ["--selftest"]:
        return selftest()
    rewriting = "--write" in arguments
    build, *paths = [argument for argument in arguments if argument != "--write"]
    build = os.path.abspath(build)
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "README.md", "*/README.md"]
    pages = sorted(set(subprocess.check_output(listing, cwd=ROOT, text=True).split()))
    used = {os.path.basename(beside(page, suffix)[0]) for page in pages for suffix in (".cpp", ".sh")}
    strays = set(os.listdir(f"{HERE}/readmes")) - used - {"common.sh"}
    failures = [f"tests/e2e/readmes/{name}: belongs to no page" for name in sorted(strays)]
    failures += [f"tests/e2e/readmes.py: lists {page}, which does not exist" for page, _, _ in ELSEWHERE
                 if page not in pages]
    for failure in failures:
        print("FAILED ", failure)

    changes = []
    rewrite = (lambda output, printed: changes.append((output, printed))) if rewriting else None
    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(2) as pool:
        compiler = Compiler(build, scratch)
        chosen = [page for page in pages if not paths or any(map(page.startswith, paths))]
        futures = [pool.submit(check_page, page, build, compiler, scratch, rewrite) for page in chosen]
        for future in futures:
            try:
                print("ok     ", future.result())
            except Wrong as wrong:
                failures.append(str(wrong))
                print("FAILED ", str(wrong).rstrip().replace("\n", "\n        "))
    for page in {output.page for output, _ in changes}:
        lines = open(f"{ROOT}/{page}", encoding="utf-8").read().split("\n")
        here = [change for change in changes if change[0].page == page]
        for output, printed in sorted(here, key=lambda change: -change[0].first_line):
            begin = output.first_line - 1
            lines[begin:begin + len(output.lines)] = printed.rstrip("\n").split("\n")
        write(f"{ROOT}/{page}", "\n".join(lines))
        print("written:", page)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
