"""A notebook open in a real JupyterLab, as the tests of widgets handle it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat


class LabNotebook:
    """A notebook open in JupyterLab; its last cell is where the kernel is asked.

    Attributes:
        page: Playwright's page, 1000 pixels wide as on a small laptop.
        folder: Where the kernel works.
    """

    def __init__(self, page: Any, folder: Path, cells: int) -> None:
        self.page, self.folder = page, folder
        self._cells = cells
        self._asked = 0

    def cell(self, number: int) -> Any:
        """A cell, counted from 0."""
        return self.page.locator(".jp-NotebookPanel .jp-CodeCell").nth(number)

    def run(self, number: int) -> Any:
        """Run a cell as a person does; what is shown below it, perhaps before it has ended."""
        self.cell(number).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        return self.cell(number).locator(".jp-Cell-outputArea")

    def ask(self, expression: str) -> Any:
        """What Python holds: the value of an expression in the kernel, by way of JSON."""
        self._asked += 1
        self.cell(self._cells).locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        mark = f"answer {self._asked}:"
        code = f"import json; print({mark!r}, json.dumps({expression}))"
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Control+Enter")
        said = self.cell(self._cells).locator(".jp-Cell-outputArea", has_text=mark)
        said.wait_for()
        return json.loads(said.inner_text().split(mark, 1)[1])

    def until(self, expression: str, wanted: object) -> None:
        """Ask until Python holds what it is to hold: a widget's message takes its time."""
        for _ in range(40):
            held = self.ask(expression)
            if held == wanted:
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"{expression} is {held!r}, not {wanted!r}")


class Lab:
    """A JupyterLab that runs, and the browser that looks at it."""

    def __init__(self, address: str, token: str, folder: Path, browser: Any) -> None:
        self._address, self._token, self._folder = address, token, folder
        self._browser = browser

    def open(self, name: str, cells: Sequence[str]) -> LabNotebook:
        """Open a new notebook of these cells and wait for its kernel."""
        from nbformat.v4 import new_code_cell, new_notebook

        folder = self._folder / name
        folder.mkdir(exist_ok=True)  # a worker may come back to these tests
        notebook = new_notebook(cells=[new_code_cell(source) for source in (*cells, "")])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": ""}
        nbformat.write(notebook, folder / f"{name}.ipynb")
        page = self._browser.new_page(viewport={"width": 1000, "height": 1000})
        page.set_default_timeout(60_000)
        page.goto(f"{self._address}/lab/tree/{name}/{name}.ipynb?reset&token={self._token}")
        # A cell run before the kernel is there makes JupyterLab ask which kernel to take.
        page.locator("#jp-main-statusbar").get_by_text("(ipykernel) | Idle").wait_for()
        # The list of files would take a third of the page.
        page.keyboard.press("Control+b")
        return LabNotebook(page, folder, len(cells))


# Every text in the view against its own background, by WCAG 2's formula: 4.5 is the least.
_CONTRASTS = """view => {
  const parts = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (parts(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const poor = [];
  for (const node of view.querySelectorAll("*")) {
    if (![...node.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    if (["STYLE", "SCRIPT"].includes(node.tagName) || node.closest("svg")) continue;
    const [a, b] = [light(getComputedStyle(node).color), light(behind(node))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) poor.push(`${node.tagName} ${node.textContent}: ${contrast.toFixed(1)}`);
  }
  return poor;
}"""


def poor_contrasts(view: Any) -> list[str]:
    """The texts of a view on a page that are hard to read, each with its contrast."""
    found: list[str] = view.evaluate(_CONTRASTS)
    return found
