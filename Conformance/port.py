"""Port an installed autobahntestsuite 25.10.1 (+ autobahn 0.10.9) to Python 3.

usage: port.py SITE_PACKAGES

The idea that keeps this small: the suite is Python 2 code that handles payloads
as Python 2 `str`, i.e. octet strings.  A Python 3 `str` whose code points are
all in 0..255 (a "latin-1 string") behaves exactly like one: "\\xfe" is one
element, indexing gives a 1-element string, chr(i), "*" * n, "".join, ==, len and
slices all agree.  So the ~500 test cases are left as they are, and octets are
turned into such strings (and back) only where the cases meet autobahn:
class Py2Boundary in _py2str.py, a base of FuzzingProtocol.  Every conversion is
latin-1, a bijection on octets: it cannot lose, add or repair anything, so it
cannot hide an invalid UTF-8 sequence, and a wrong type raises.

Every patch states how many times its text must occur; any other number aborts.
"""
import os
import re
import sys

SP = os.path.abspath(sys.argv[1])
PKG = os.path.join(SP, "autobahntestsuite")
AB = os.path.join(SP, "autobahn")

# --------------------------------------------------------------------------
# helper module put into the package
# --------------------------------------------------------------------------
HELPER = r'''
"""Python 2 octet strings on Python 3 (written by port.py, not part of upstream)."""
import binascii
import os


def b(x):
    """py2 str (latin-1 str) -> octets; octets pass through."""
    if isinstance(x, str):
        return x.encode("latin-1")      # raises for anything that is no octet
    if isinstance(x, (bytes, bytearray)):
        return bytes(x)
    raise TypeError("octets or py2 str expected, not %s" % type(x).__name__)


def s(x):
    """octets -> py2 str (latin-1 str)"""
    return bytes(x).decode("latin-1")


def text(x):
    """octets or py2 str holding UTF-8 -> real text, for reports only"""
    if x is None:
        return None
    return b(x).decode("utf-8", "replace")


def octets_text(x):
    """octets -> text for reports; what is text already is left alone"""
    return x.decode("utf-8", "replace") if isinstance(x, bytes) else x


def b2a_hex(x):
    return binascii.b2a_hex(b(x)).decode("ascii")


hexlify = b2a_hex


def resource_filename(pkg, path):
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), path)


def binLogData(data, maxlen=64):
    data = b(data)
    ellipses = " ..."
    if len(data) > maxlen - len(ellipses):
        return b2a_hex(data[:maxlen]) + ellipses
    return b2a_hex(data)


def asciiLogData(data, maxlen=64, replace=False):
    data = b(data)
    ellipses = " ..."
    try:
        dd = data[:maxlen] + b" ..." if len(data) > maxlen - len(ellipses) else data
        return dd.decode("utf8", errors="replace" if replace else "strict")
    except UnicodeDecodeError:
        return "0x" + binLogData(data, maxlen)


class Py2Boundary(object):
    """Sits between the test cases (py2 str) and autobahn's protocol (bytes)."""

    # cases -> wire
    def sendFrame(self, opcode, payload=b"", *args, **kwargs):
        return super().sendFrame(opcode, b(payload), *args, **kwargs)

    def sendMessage(self, payload, *args, **kwargs):
        return super().sendMessage(b(payload), *args, **kwargs)

    def sendMessageFrame(self, payload, *args, **kwargs):
        return super().sendMessageFrame(b(payload), *args, **kwargs)

    def sendMessageFrameData(self, payload, *args, **kwargs):
        return super().sendMessageFrameData(b(payload), *args, **kwargs)

    def sendCloseFrame(self, code=None, reasonUtf8=None, isReply=False):
        if reasonUtf8 is not None:
            if isReply:   # autobahn passes the peer's reason as text here
                reasonUtf8 = reasonUtf8.encode("utf-8")
            else:
                reasonUtf8 = b(reasonUtf8)
        return super().sendCloseFrame(code=code, reasonUtf8=reasonUtf8, isReply=isReply)

    # wire -> cases
    def _onMessage(self, payload, isBinary):
        return super()._onMessage(s(payload), isBinary)

    def _onPong(self, payload):
        return super()._onPong(s(payload))
'''

# --------------------------------------------------------------------------
# patches on the upstream text, before 2to3: (old, new, occurrences)
# --------------------------------------------------------------------------
H = "from autobahntestsuite import _py2str\n"

PATCHES = {
    "fuzzing.py": [
        ("import os, json, binascii, time, textwrap, pkg_resources\n",
         "import os, json, time, textwrap\n" + H, 1),
        # these two replace the module's own binLogData/asciiLogData
        ("class FuzzingProtocol:",
         "from autobahntestsuite._py2str import binLogData, asciiLogData\n\n\n"
         "class FuzzingProtocol(_py2str.Py2Boundary):", 1),
        # (the wire log) frames arrive as a list of octet strings
        ("p = ''.join(payload)", "p = b''.join(payload)", 1),
        ("binascii.b2a_hex(", "_py2str.b2a_hex(", 5),
        # direct command mode: JSON text, not octets, is wanted
        ("obj = json.loads(msg)", "obj = json.loads(_py2str.text(msg))", 1),
        # reports: octets -> text
        ('"description": self.Case.DESCRIPTION,', '"description": _py2str.text(self.Case.DESCRIPTION),', 1),
        ('"localCloseReason": self.localCloseReason,', '"localCloseReason": _py2str.octets_text(self.localCloseReason),', 1),
        ("self.http_request_data if hasattr(", "_py2str.octets_text(self.http_request_data) if hasattr(", 1),
        ("self.http_response_data if hasattr(", "_py2str.octets_text(self.http_response_data) if hasattr(", 1),
        ("</p>\\n' % CCase.DESCRIPTION)", "</p>\\n' % _py2str.text(CCase.DESCRIPTION))", 1),
        (", 'w')\n", ", 'w', encoding = 'utf8', errors = 'backslashreplace')\n", 4),
        (", c[1])).encode(\"utf-8\"))", ", c[1])))", 1),
        (", ll.encode('utf8')))", ", ll))", 1),
        # twisted.web wants octets for path segments
        ("webdir.putChild('cwd', curdir)", "webdir.putChild(b'cwd', curdir)", 1),
        ("pkg_resources.resource_filename(", "_py2str.resource_filename(", 1),
    ],
    "wstest.py": [
        ("import os, json, sys, pkg_resources\n", "import os, json, sys\n", 1),
        # needs autobahn's unit tests + unittest2 (py2 only): load only if that mode is asked for
        ("import serializer\n", "", 1),
        ("return serializer.start(", "import serializer\n         return serializer.start(", 1),
    ],
    "broadcast.py": [
        ("import pkg_resources\nimport os, socket, binascii\n", "import os, socket\n" + H, 1),
        ("pkg_resources.resource_filename(", "_py2str.resource_filename(", 1),
        ("binascii.b2a_hex(", "_py2str.b2a_hex(", 1),
        ('self.broadcast("tick %d" % self.tickcount)', 'self.broadcast(_py2str.b("tick %d" % self.tickcount))', 1),
        ('self.sendMessage("hello from %s[%d]" % (socket.gethostname(), os.getpid()))',
         'self.sendMessage(_py2str.b("hello from %s[%d]" % (socket.gethostname(), os.getpid())))', 1),
    ],
    "massconnect.py": [("time.clock()", "time.perf_counter()", 2)],
    "case/case.py": [
        # py2 pickles compared contents; py3 pickles of equal values may differ (memo by
        # identity).  == on lists of tuples of str/bool is exact: str never equals bytes.
        ("return pickle.dumps(obj1) == pickle.dumps(obj2)", "return obj1 == obj2", 1),
        ("import pickle\n", "", 1),
    ],
    "case/case10_1_1.py": [
        ("len(self.payload) / self.p.autoFragmentSize", "len(self.payload) // self.p.autoFragmentSize", 1),
    ],
    "case/case12_x_x.py": [
        ("import copy, os, pkg_resources, hashlib, binascii\n", "import copy, os, hashlib\n" + H, 1),
        ("pkg_resources.resource_filename(", "_py2str.resource_filename(", 3),
        ("(object, Case, )", "(Case, )", 2),
        ("binascii.hexlify(", "_py2str.hexlify(", 2),
        ("      msg = ''\n", "      msg = b'' if self.TESTDATA['binary'] else ''\n", 1),
        # this one case works on octets (sha1), not on py2 strings
        ("def onMessage(self, msg, binary):\n", "def onMessage(self, msg, binary):\n   msg = _py2str.b(msg)\n", 1),
    ],
    "case/case6_x_x.py": [
        ("# coding=utf-8", "# coding=latin-1", 1),
        ("import binascii\nfrom case import Case\n", H + "from case import Case\n", 1),
        ("res = v.validate(vss[:i])", "res = v.validate(_py2str.b(vss[:i]))", 1),
        ('"""%s<br><br>Payload: 0x%s""" % (desc, binascii.b2a_hex(p[1]))',
         '"""%s<br><br>Payload: 0x%s""" % (desc, _py2str.b2a_hex(p[1]))', 1),
        ("(object, Case, )", "(Case, )", 1),
    ],
    "case/case7_5_1.py": [
        ("import binascii\n", H, 1),
        ("binascii.b2a_hex(", "_py2str.b2a_hex(", 1),
    ],
    "case/case7_7_X.py": [("(object, Case, )", "(Case, )", 1)],
    "case/case7_9_X.py": [("(object, Case, )", "(Case, )", 1)],
    "case/case9_7_X.py": [("(object, Case, )", "(Case, )", 1)],
    "case/case9_9_1.py": [   # not in the case list upstream either, but imported
        ("import binascii\n", "", 1),
        ("from zope.interface import implements\n", "from zope.interface import implementer\n", 1),
        ("class FrameProducer:\n\n   implements(interfaces.IPushProducer)\n",
         "@implementer(interfaces.IPushProducer)\nclass FrameProducer:\n", 1),
    ],
}
for n, k in (("case6_2_1", 1), ("case6_2_2", 2), ("case6_2_3", 1), ("case6_2_4", 1),
             ("case6_3_1", 1), ("case6_3_2", 1),
             ("case6_4_1", 3), ("case6_4_2", 3), ("case6_4_3", 3), ("case6_4_4", 3)):
    # Declared latin-1, the UTF-8 octets of the non-ASCII literals in these files become
    # one character each: just what a py2 byte string literal is.
    PATCHES["case/%s.py" % n] = [
        ("# coding=utf-8", "# coding=latin-1", 1),
        ("import binascii\n", H, 1),
        ("binascii.b2a_hex(", "_py2str.b2a_hex(", k),
    ]

AB_PATCHES = {
    "websocket/protocol.py": [
        # py2 integer division
        ("range(payload_len / len(payload))", "range(payload_len // len(payload))", 1),
        ("int(filter(lambda x: x.isdigit(), key)) / key.count(\" \")",
         "int(''.join(filter(lambda x: x.isdigit(), key))) // key.count(\" \")", 1),
        # py2's utf8 codec let surrogates pass (the reason has been found invalid just above)
        ("self.remoteCloseReason = reasonRaw.decode('utf8')",
         "self.remoteCloseReason = reasonRaw.decode('utf8', 'surrogatepass')", 1),
    ],
}


def patch(path, subs):
    # latin-1 in, latin-1 out: the octets of the file stay what they are
    with open(path, encoding="latin-1", newline="") as f:
        t = f.read()
    if "\r" in t:
        t = t.replace("\r\n", "\n")
    for old, new, n in subs:
        got = t.count(old)
        if got != n:
            sys.exit("port.py: %s: expected %d x %r, found %d" % (path, n, old, got))
        t = t.replace(old, new)
    with open(path, "w", encoding="latin-1", newline="") as f:
        f.write(t)


def main():
    marker = os.path.join(PKG, "_py2str.py")
    if os.path.exists(marker):
        sys.exit("port.py: already ported")
    try:
        from lib2to3.refactor import RefactoringTool, get_fixers_from_package
        fixes = "lib2to3.fixes"
    except ImportError:     # Python >= 3.13, or a distribution that splits it off
        from fissix.refactor import RefactoringTool, get_fixers_from_package
        fixes = "fissix.fixes"

    for rel, subs in PATCHES.items():
        patch(os.path.join(PKG, rel), subs)
    for rel, subs in AB_PATCHES.items():
        patch(os.path.join(AB, rel), subs)

    files = [os.path.join(PKG, f) for f in sorted(os.listdir(PKG)) if f.endswith(".py")]
    cd = os.path.join(PKG, "case")
    files += [os.path.join(cd, f) for f in sorted(os.listdir(cd)) if f.endswith(".py")]
    tool = RefactoringTool(get_fixers_from_package(fixes), {}, explicit=[])
    for f in files:
        with open(f, "rb") as fh:
            raw = fh.read()
        if not raw.endswith(b"\n"):
            raw += b"\n"
        m = re.search(rb"^#.*coding[=:]\s*([-\w.]+)", raw[:400], re.M)
        enc = m.group(1).decode() if m else "ascii"
        out = str(tool.refactor_string(raw.decode(enc), f))
        with open(f, "wb") as fh:
            fh.write(out.encode(enc))
    with open(marker, "w") as f:
        f.write(HELPER.lstrip())
    print("port.py: %d modules converted" % len(files))


main()
