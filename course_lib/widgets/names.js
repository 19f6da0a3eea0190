// What the keyboard and a screen reader need: in JupyterLab's command mode an arrow key on a radio
// button would move to another cell and "x" would cut one; and ipywidgets do not say which radio
// buttons belong together, what a slider is called and stands at, nor which of several toggle
// buttons is pressed. The mouse does without this script.
(() => {
  const set = (node, name, value) => {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  };
  const name = (root) => {
    root.querySelectorAll(".noUi-handle").forEach((handle) => {
      const part = handle.closest(".noUi-target").parentElement.parentElement;
      set(handle, "aria-label", part.querySelector(".widget-label")?.textContent ?? "");
      set(handle, "aria-valuetext", part.querySelector(".widget-readout")?.textContent ?? "");
    });
    root.querySelectorAll(".widget-radio-box").forEach(group);
    root.querySelectorAll("button.widget-toggle-button").forEach((button) => {
      set(button, "aria-pressed", String(button.classList.contains("mod-active")));
      set(button, "aria-description", button.title);
    });
  };
  let groups = 0;
  const group = (box) => {
    const question = box.closest(".widget-radio").previousElementSibling;
    set(box, "role", "radiogroup");
    set(box, "aria-label", question?.textContent.trim() ?? "");
    box.dataset.group ??= `course-${(groups += 1)}-${Date.now()}`;
    box.querySelectorAll("input").forEach((radio) => set(radio, "name", box.dataset.group));
  };
  const attach = (root) => {
    root.dataset.names = "on";
    // On the window, because JupyterLab listens on the document. A slider's own keys must pass.
    const onKey = (event) => {
      if (!root.isConnected) {
        window.removeEventListener("keydown", onKey, true);
        return;
      }
      if (!root.contains(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      const slider = event.target.classList.contains("noUi-handle");
      if (!slider || event.key.length === 1) event.stopImmediatePropagation();
    };
    window.addEventListener("keydown", onKey, true);
    name(root);
    const watch = { childList: true, subtree: true, attributes: true, characterData: true };
    new MutationObserver(() => name(root)).observe(root, watch);
  };
  // The view may come onto the page after this script has run.
  let tries = 0;
  const look = () => {
    const views = ".course-controls:not([data-names]), .course-xray:not([data-names])";
    document.querySelectorAll(views).forEach(attach);
    tries += 1;
    if (tries < 20) setTimeout(look, 100);
  };
  look();
})();
