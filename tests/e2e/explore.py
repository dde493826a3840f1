"""What explore answers: right and wrong requests, then thousands of damaged ones.

    python3 explore.py BUILD_FOLDER PORT
"""
import gzip
import json
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import time

build, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
failures = 0


def check(name, holds, detail=""):
    global failures
    if not holds:
        failures += 1
        print(f"{name}: {detail}")


def sent(raw, patience=20):
    """All that comes back until the server closes the connection, or until we have no more patience."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        try:
            connection.sendall(raw)
            while piece := connection.recv(1 << 16):
                answer += piece
        except (ConnectionError, TimeoutError):  # it may refuse before all has been sent
            pass
    return answer


def ask(method, path, body=b"", **headers):
    """Status, headers and body. An underscore in a name stands for a hyphen; None: no such header."""
    lines = {"Host": f"127.0.0.1:{port}", "Content-Length": str(len(body))}
    if method == "POST":
        lines["Content-Type"] = "application/json"
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
    raw = sent(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
    head, _, rest = raw.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else 0, head.decode("latin-1").lower(), rest


def question(path, **fields):
    return ask("POST", path, json.dumps(fields).encode())


def refused(name, status, *arguments, **headers):
    got, _, body = ask(*arguments, **headers)
    check(name, got == status and body.count(b"\n") == 1 and body.endswith(b"\n"), (got, body[:200]))


# ---- The page, and who may see it ----
status, head, page = ask("GET", "/")
check("the page", status == 200 and page.startswith(b"<!DOCTYPE html>"), status)
check("its policy", b"default-src 'none'; connect-src 'self'; style-src" in page)
check("its headers", all(part in head for part in ("no-store", "nosniff", "frame-ancestors 'none'", "same-origin")), head)
check("only the head", ask("HEAD", "/")[::2] == (200, b""))
check("a name of this machine", ask("GET", "/", Host=f"LOCALHOST:{port}")[0] == 200 and ask("GET", "/", Host=f"[::1]:{port}")[0] == 200)
for host in ("example.org", f"example.org:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}", f"127.0.0.1.example.org:{port}", "", None):
    refused(f"host {host}", 421, "GET", "/", Host=host)
question_body = b'{"example":"neuron"}'
for origin in ("http://example.org", "null", f"https://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"):
    refused(f"origin {origin}", 403, "POST", "/tape", question_body, Origin=origin)
for site in ("cross-site", "same-site", "none"):
    refused(f"from {site}", 403, "POST", "/tape", question_body, Sec_Fetch_Site=site)

# ---- Wrong requests ----
for path in ("/tape/", "/page.html", "/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/examples/explore.cpp", "//", "/a%0ab"):
    refused(f"path {path}", 404, "GET", path)
for method, path in (("GET", "/tape"), ("PUT", "/tape"), ("DELETE", "/page"), ("PATCH", "/page"), ("OPTIONS", "/tape"), ("POST", "/")):
    refused(f"{method} {path}", 405, method, path)
for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", None):
    refused(f"type {kind}", 415, "POST", "/tape", question_body, Content_Type=kind)
for body in (b"", b"[]", b"{}", b"{", b'{"expression":1}', b'{"expression":"x","inputs":"x=2"}', b'{"example":"none"}', b"\xff", b"[" * 100000,
             b'{"example":"transformer","changes":[{"leaf":"w","element":-1,"value":0}]}'):
    refused(f"body {body[:40]}", 400, "POST", "/tape", body)
check("a range", ask("GET", "/", Range="bytes=0-1")[0] == 400)
large = json.dumps({"expression": "1+" * 600000 + "x"}).encode()
refused("over 1 MB", 413, "POST", "/tape", large)
refused("over 1 MB when unpacked", 413, "POST", "/tape", gzip.compress(b" " * 20_000_000), Content_Encoding="gzip")
chunks = b"".join(b"%x\r\n%s\r\n" % (len(large[i:i + 60000]), large[i:i + 60000]) for i in range(0, len(large), 60000)) + b"0\r\n\r\n"
refused("over 1 MB in chunks", 413, "POST", "/tape", chunks, Content_Length=None, Transfer_Encoding="chunked")

# ---- Questions ----
has_dot = shutil.which("dot") is not None
if has_dot:
    words = ["sum(softmax(q @ k') @ v)", "q=[[1,0],[0,1]]", "k=[[1,1],[0,2]]", "v=[[1,2],[3,4]]"]
    status, head, body = question("/tape", expression=words[0], inputs=words[1:])
    told = json.loads(subprocess.run([build / "explain", *words, "--json"], check=True, capture_output=True).stdout)
    check("the numbers are explain's", status == 200 and json.loads(body)["tape"] == told)
    subprocess.run([build / "explain", *words, "--html", "explained.html"], check=True, capture_output=True)
    check("the file is explain's", question("/page", expression=words[0], inputs=words[1:])[2] == pathlib.Path("explained.html").read_bytes())
problem = json.loads(question("/tape", expression="x * (y + ", inputs=["x=2"])[2])["problem"]
check("what is wrong, and where", problem["column"] == 10 and problem["message"].startswith("column 10: expected"), problem)
problem = json.loads(question("/tape", expression="x*y + z", inputs=["x=2"])[2])["problem"]
check("names without a value", problem["missing"] == ["y", "z"], problem)
problem = json.loads(question("/tape", expression="x*y", inputs=["y=3", "x=[1,2"])[2])["problem"]
check("the input that is wrong", problem["input"] == 1 and problem["column"] == 3, problem)
for name, expression in (("many nodes", "; ".join(["h0 = x"] + [f"h{i} = sin(h{i - 1})" for i in range(1, 3000)]) + "; h2999"),
                         ("large tensors", "sum(zeros([1e5, 1e5]) * x)"), ("many elements", "+".join(["sum(x*ones([100,100]))"] * 100)),
                         ("long expressions", "+".join(["1"] * 300000) + "+x"), ("deep brackets", "(" * 100000 + "x"),
                         ("many operands", "concat(" + "x," * 30000 + "x, axis=0)")):
    begin = time.time()
    status, _, body = question("/tape", expression=expression, inputs=["x=2" if name != "many operands" else "x=[2]"])
    check(f"{name} are a problem", status == 200 and "problem" in json.loads(body), (status, body[:200]))
    check("  soon", time.time() - begin < 5, time.time() - begin)

# ---- Damaged requests ----
# They are refused, answered, or the connection is closed. The server goes on.
choice = random.Random(1)
seeds = [f"POST /tape HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
         for body in (question_body, b'{"expression":"softmax(x)","inputs":["x=[1,2]"]}', b'{"expression":"1+","inputs":[]}')]
seeds += [f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nRange: bytes=0-1,5-9\r\nAccept-Encoding: gzip, br\r\n\r\n".encode(), bytes(range(256))]
statuses = {}
begin = time.time()
count = int(sys.argv[3]) if len(sys.argv) > 3 else 1500
for _ in range(count):
    raw = bytearray(choice.choice(seeds))
    for _ in range(choice.randrange(4)):
        at, length = choice.randrange(len(raw) + 1), choice.randrange(8)
        raw[at:at + length] = choice.choice((b"", b"\r\n", b"\0", b":", b"9" * 20, bytes(raw[:length]), choice.randbytes(length), b"%00", b"A" * 9000))
    status = sent(bytes(raw), patience=0.02).split(b" ", 2)[1:2]
    statuses[bytes(status[0]) if status else b"closed"] = statuses.get(bytes(status[0]) if status else b"closed", 0) + 1
check("some are answered, some refused", len(statuses) >= 4, statuses)
check("no failure of the server", not any(status.startswith(b"5") and status != b"505" for status in statuses), statuses)
check("it still answers", ask("GET", "/")[0] == 200)
print(f"{count} damaged requests in {time.time() - begin:.1f} s: {statuses}")
sys.exit(failures > 0)
