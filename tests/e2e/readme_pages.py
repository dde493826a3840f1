"""What a README.md holds: its blocks, links and names of files; and whether it shows what was printed."""
import glob
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MOST_WORDS = 1200


class Wrong(Exception):
    """What is wrong with a page, in words for its author."""


# ---- Pages and their blocks ----------------------------------------------------------------------
class Block:
    def __init__(self, page, language, first_line):
        self.page, self.language, self.first_line = page, language, first_line
        self.number = 0     # among the page's blocks of this language, from 1
        self.lines = []
        self.output = None  # the block with what this one prints

    @property
    def text(self):
        return "".join(line + "\n" for line in self.lines)

    @property
    def name(self):
        return f"{self.language}{self.number}"

    @property
    def is_program(self):
        return re.search(r"^int main\(", self.text, re.MULTILINE) is not None

    def __str__(self):
        return f"{self.page}:{self.first_line}"


def blocks_of(page, lines):
    """The blocks of a page. Each `output` block is also that of the block above it."""
    blocks, block, prints, interrupts = [], None, None, False
    for number, line in enumerate(lines, 1):
        fence = re.match(r"( *)```(.*)$", line)
        if block and block.language != "indented":
            if fence:
                block = None
            else:
                block.lines.append(line[indentation:])
        elif fence:
            indentation = len(fence[1])
            block = Block(page, fence[2], number + 1)
            blocks.append(block)
            if block.language == "output":
                if not prints:
                    raise Wrong(f"{block}: there is no block above in the section that prints this")
                prints.output, prints = block, None
            else:
                prints = block
        elif line.startswith("    ") and (block or not interrupts):
            if not block:
                block = Block(page, "indented", number)
                blocks.append(block)
            block.lines.append(line)
        else:
            if line.strip():
                block = None
            if line.startswith("#"):
                prints = None
        # An indented line behind a line of text belongs to its paragraph.
        interrupts = line.strip() and not line.startswith(("#", "```"))
    counts = {}
    for block in blocks:
        counts[block.language] = block.number = counts.get(block.language, 0) + 1
    return blocks


def listed_files(lines):
    """The names between backticks in the column `file` of a table, if the next column has a heading, too."""
    column = None
    for line in lines:
        if not line.startswith("|"):
            column = None
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        for heading, next_heading in zip(cells, cells[1:]):
            if heading in ("file", "files") and next_heading:
                column = cells.index(heading)
        if column is not None:
            yield from re.findall(r"`([\w./*-]+)`", cells[column])


def check_text(page, lines):
    """Complains about too many words, and about links, headings and files that do not exist."""
    words = len(" ".join(lines).split())
    if words > MOST_WORDS:
        raise Wrong(f"{page}: {words} words; the most is {MOST_WORDS}")
    prose = "\n".join(lines)
    folder = os.path.join(ROOT, os.path.dirname(page))
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        path, _, heading = target.partition("#")
        if path.startswith("http"):
            continue
        file = os.path.join(folder, path) if path else os.path.join(ROOT, page)
        if not os.path.exists(file):
            raise Wrong(f"{page}: a dead link: {target}")
        if heading:
            titles = re.findall(r"^#+ (.*)$", open(file, encoding="utf-8").read(), re.MULTILINE)
            if heading not in [re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles]:
                raise Wrong(f"{page}: a link to a heading that does not exist: {target}")
    for name in listed_files(lines):
        if not any(glob.glob(f"{folder}/**/{name}{end}", recursive=True) for end in ["", ".*"]):
            raise Wrong(f"{page}: lists a file that does not exist: {name}")
    for path in re.findall(r"`((?:\.ci|autograd|nn|data|examples|tests)/[\w./*-]+)`", prose):
        found = [glob.glob(f"{base}/{path}{end}") for base in [ROOT, folder] for end in ["", ".*"]]
        if "/mine" not in path and not any(found):  # a reader's own file may be called that
            raise Wrong(f"{page}: there is no {path}")


# ---- Comparing -----------------------------------------------------------------------------------
NUMBER = r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?"


def alike(shown, printed):
    """Whether a page shows what was printed. `…` stands for anything in a line, and alone on a line for
    any lines. Integers are equal, other numbers to four digits; rounding errors need not agree, nor
    the number of spaces that align columns."""
    pattern, numbers = "", []
    for line in shown.rstrip("\n").split("\n"):
        if line.strip() == "…":
            pattern += r"(?:.*\n)*?"
            continue
        for piece in re.split(f"({NUMBER}|…|(?<=\\S) {{2,}})", line.rstrip()):
            if re.fullmatch(NUMBER, piece):
                pattern += f"({NUMBER})"
                numbers.append(piece)
            else:
                pattern += ".*?" if piece == "…" else " {2,}" if re.fullmatch(" {2,}", piece) else re.escape(piece)
        pattern += r"[ ]*\n"
    match = re.fullmatch(pattern, printed.rstrip("\n") + "\n")
    return match is not None and all(map(close, numbers, match.groups()))


def close(a, b):
    if re.fullmatch(r"-?\d+", a) or re.fullmatch(r"-?\d+", b):
        return a == b
    a, b = float(a), float(b)
    return abs(a - b) <= 1e-4 * max(abs(a), abs(b)) or max(abs(a), abs(b)) < 1e-6


def selftest():
    assert alike("x 3, 0.25\n", "x 3, 0.250001\n") and not alike("x 3\n", "x 4\n")
    assert not alike("0.25\n", "0.26\n") and not alike("0.25\n", "-0.25\n")
    assert alike("ok, error 8.1e-15\n", "ok, error 3.7e-16\n") and not alike("8.1e-5\n", "3e-5\n")
    assert alike("name  12  …  12  …  …\n", "name  12  0.04  12  0.02    4.59\n")
    assert alike("took … s\n", "took 3.14 s\n") and not alike("took … s\n", "took 3.14 s,\n")
    assert alike("a\n…\nz\n", "a\nb\nc\nz\n") and not alike("a\n…\nz\n", "a\nb\nc\n")
    assert not alike("a\n", "a\nb\n") and not alike("a\nb\n", "a\n") and not alike("x[1, 2]\n", "x[1, 3]\n")
    assert alike("a    1\n", "a  1\n") and not alike("  a\n", "a\n")
    page = ["```cpp", "f();", "```", "which prints", "```output", "1", "```", "", "    y = x", "", "* a", "    b"]
    blocks = blocks_of("page", page)
    assert [str(b) + b.language for b in blocks] == ["page:2cpp", "page:6output", "page:9indented"]
    assert blocks[0].output is blocks[1]
    try:
        blocks_of("page", ["```cpp", "```", "# Another section", "```output", "```"])
        raise AssertionError("an output of nothing")
    except Wrong:
        pass
