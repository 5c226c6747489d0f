"""What a method runs depends on the class of `self`: on what that overrides, and on nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fastmigrate.project.callgraph import CallGraph
from fastmigrate.project.project import Project
from fastmigrate.sources import Sources
from tests.projects import findings, project

BASE = """
import requests

def get():
    return requests.get("http://x").text

class Made:
    def __init__(self):
        pass

class Mixin:
    def hook(self):
        return 0

class Base:
    made = Made
    def run(self):
        return self.step()
    def step(self):
        return self.hook()
    def hook(self):
        return 1
    @property
    def state(self):
        return 2
    def read(self):
        return self.state
    def call(self):
        return self()
    def __call__(self):
        return 3
    def enter(self):
        with self:
            return 4
    def __enter__(self):
        return self
    def __exit__(self, *_):
        return None
    def loop(self):
        return [one for one in self]
    def __iter__(self):
        yield 5
    @classmethod
    def new(cls):
        return cls()
    def make(self):
        return self.made()
    def nested(self):
        def inner():
            return self.hook()
        return inner()
    def handed(self):
        return list(map(self.hook, [1]))
    def several(self):
        for one in (self, 1):
            one.hook()
    def looped(self):
        for one in (self, 1):
            one()
    def kept(self):
        kept = {"self": self, "size": 1}
        return kept["self"].hook()
    def aliased(self):
        return self.other()
    other = hook
"""
OVERRIDES = {
    "run": "def hook(self):\n        return get()",
    "step": "def hook(self):\n        return get()",
    "read": "@property\n    def state(self):\n        return get()",
    "call": "def __call__(self):\n        return get()",
    "enter": "def __enter__(self):\n        return get()",
    "loop": "def __iter__(self):\n        yield get()",
    "new": "def __init__(self):\n        get()",
    "make": "class made:\n        def __init__(self):\n            get()",
    "nested": "def hook(self):\n        return get()",
    "handed": "def hook(self, _):\n        return get()",
    "several": "def hook(self):\n        return get()",
    "looped": "def __call__(self):\n        return get()",
    "kept": "def hook(self):\n        return get()",
    "aliased": "def hook(self):\n        return get()",
}
UNRELATED = ("def unrelated(self):\n        return get()", "size = 1", "def __repr__(self):\n        return get()")


def _family(folder: Path, method: str, override: str, given: str) -> Path:
    """An app whose path operation runs a method of what it is given: a class among many that inherit it."""
    blocks = [f"class Plain{index}(Base):\n    {body}" for index, body in enumerate(UNRELATED)]
    blocks += [f"class Inner(Base):\n    {UNRELATED[0]}", f"class Other(Inner):\n    {override}"]
    blocks += ["class Below(Other):\n    size = 2", f"class Mixed(Mixin, Base):\n    {UNRELATED[1]}"]
    blocks += ["class Foreign(Base, Exception):\n    size = 3"]
    main = "\n".join(["from fastapi import FastAPI", "from base import *", "from base import get", "app = FastAPI()"])
    route = f'@app.get("/")\nasync def index(one: Base):\n    return {given}.{method}()\n'
    return project(folder, base=BASE, main="\n".join([main, *blocks, route]))


@pytest.mark.parametrize("method", OVERRIDES)
@pytest.mark.parametrize("given", ["one", "Other()", "Below()"])
def test_a_class_that_overrides_what_a_method_uses_is_told_from_those_that_do_not(
    method: str, given: str, tmp_path: Path
) -> None:
    found = findings(_family(tmp_path, method, OVERRIDES[method], given))
    assert [one["code"] for one in found] == ([] if method == "aliased" else ["FM101"])  # `other` is what it was


@pytest.mark.parametrize("method", OVERRIDES)
@pytest.mark.parametrize("given", ["Plain0()", "Plain1()", "Plain2()", "Inner()", "Mixed()", "Foreign()"])
def test_what_other_classes_override_does_not_run_in_one_that_does_not(method: str, given: str, tmp_path: Path) -> None:
    found = findings(_family(tmp_path, method, OVERRIDES[method], given))
    is_one_below = (method, given) == ("looped", "Inner()")  # `self` by another name may be of any class below
    assert [one["code"] for one in found] == (["FM101"] if is_one_below else [])


@pytest.mark.parametrize("method", OVERRIDES)
def test_the_ways_are_those_that_each_class_by_itself_has(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _family(tmp_path, method, OVERRIDES[method], "one")
    together, number = _ways(folder)
    monkeypatch.setattr(CallGraph, "_with_topmost", lambda _, edge: edge)
    apart, larger = _ways(folder)
    assert together == apart
    assert number < larger


MIXED = """
from fastapi import FastAPI
import requests
app = FastAPI()
class Far:
    def hook(self):
        return {far}
class Near(Far):
    pass
class Beside:
    def hook(self):
        return {beside}
class Both(Near, Beside):
    def run(self):
        return self.hook()
class Below(Both, Far):
    pass
@app.get("/")
async def index():
    return {made}().run()
"""


@pytest.mark.parametrize("made", ["Both", "Below"])
@pytest.mark.parametrize(
    ("far", "beside"), [('requests.get("http://x").text', "1"), ("1", 'requests.get("http://x").text')]
)
def test_what_is_inherited_twice_is_looked_for_as_python_does(far: str, beside: str, made: str, tmp_path: Path) -> None:
    found = findings(project(tmp_path, main=MIXED.format(far=far, beside=beside, made=made)))
    assert [one["code"] for one in found] == (["FM101"] if "requests" in far else [])


SLOW = "import requests\n\ndef slow(*_):\n    return requests.get('http://x').json()\n\ndef quick(*_):\n    return 1\n"
HELD = {
    "a list": ("handlers = [quick]", "handlers = [slow]", "[one() for one in self.handlers]"),
    "a tuple": ("steps = ()", "steps = (slow,)", "self.steps[0]()"),
    "a dict": ("table = {'a': quick}", "table = {'a': slow}", "self.table[key]()"),
    "a dict, by get": ("table = {'a': quick}", "table = {'a': slow}", "self.table.get(key)()"),
    "a dict, by items": ("table = {'a': quick}", "table = {'a': slow}", "[f() for _, f in self.table.items()]"),
    "objects": ("steps = [Quick()]", "steps = [Slow()]", "[step.run() for step in self.steps]"),
    "items": (
        "def __init__(self):\n        self.handlers = {}",
        "def __init__(self):\n        super().__init__()\n        self.handlers['a'] = slow",
        "self.handlers[key]()",
    ),
}


@pytest.mark.parametrize("kind", HELD)
@pytest.mark.parametrize("made", ["Base", "Impl", "Plain"])
def test_what_lists_and_dicts_of_a_class_hold_is_its_own(kind: str, made: str, tmp_path: Path) -> None:
    before, after, run = HELD[kind]
    main = f"{SLOW}\nclass Quick:\n    def run(self):\n        return 1\n\nclass Slow:\n    def run(self):\n"
    main += f"        return slow()\n\nclass Base:\n    {before}\n    def run(self, key):\n        return {run}\n\n"
    main += f"class Impl(Base):\n    {after}\n\nclass Plain(Base):\n    size = 1\n\n"
    main += "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\nasync def index(key: str):\n"
    main += f"    return {made}().run(key)\n"
    found = findings(project(tmp_path, main=main))
    assert [one["code"] for one in found] == (["FM101"] if made == "Impl" else [])


@pytest.mark.parametrize("method", ["bound", "of_class", "static"])
def test_a_method_by_a_name_of_its_module_is_that_method(method: str, tmp_path: Path) -> None:
    """The class has another one of that name."""
    util = (
        SLOW + "\nclass Box:\n    def bound(self):\n        return slow()\n    @classmethod\n    def of_class(cls):\n"
    )
    util += "        return slow()\n    @staticmethod\n    def static():\n        return slow()\n"
    util += "    def other(self):\n        return 1\n\nbox = Box()\n"
    util += f"other = box.{method}\n"
    main = "import util\nfrom fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\nasync def index():\n"
    found = findings(project(tmp_path, util=util, main=f"{main}    return util.other()\n"))
    assert [one["code"] for one in found] == ["FM101"]


def test_a_deep_lattice_of_classes_is_put_in_order_at_once(tmp_path: Path) -> None:
    """There are 2 ** 24 ways from the last class to the first one."""
    classes = ["class A0:\n    def __init__(self):\n        self.s = self.make()\n    def make(self):\n"]
    classes[0] += (
        "        return requests.Session()\n    def run(self):\n        return self.s.get('u')\n\nclass B0:\n    pass\n"
    )
    for level in range(1, 25):
        body = f"    def __init__(self):\n        self.s{level} = self.make()\n        super().__init__()\n"
        classes += [f"class {one}{level}(A{level - 1}, B{level - 1}):\n{body}" for one in "AB"]
    main = "import requests\nfrom fastapi import FastAPI\napp = FastAPI()\n" + "\n".join(classes)
    main += "\nobj = A24()\nsess = obj.make()\n@app.get('/')\nasync def index():\n    return obj.run()\n"
    assert [one["code"] for one in findings(project(tmp_path, main=main))] == ["FM101"]


def _ways(folder: Path) -> tuple[dict[str, Any], int]:
    """What runs each function on the event loop, and with how many receivers all of them run."""
    reach = Project(Sources(folder)).reach
    callers = {
        scope.qualname: {(caller.qualname, edge.how, edge.place.line) for caller, edge in reach.callers_of(scope)}
        for scope in reach.nodes
    }
    return callers, sum(map(len, reach.nodes.values()))
