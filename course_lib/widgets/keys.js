// Keys for the annotation view: k, f, r, u anywhere in it, Ctrl+Enter and Escape in a fix. Without
// this script (a front end that runs none) the key box and the buttons do the same.
(() => {
  const buttons = { k: "keep", f: "fix", r: "reject", u: "undo" };

  const attach = (root) => {
    root.dataset.keys = "on";
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", "Annotation: one row at a time");
    const press = (name) => root.querySelector(`.annotation-${name}`)?.click();

    const onKey = (event) => {
      if (!root.isConnected) {
        window.removeEventListener("keydown", onKey, true);
        return;
      }
      if (!root.contains(event.target) || event.isComposing || event.altKey) return;
      const writes = event.target.tagName === "TEXTAREA";
      const control = event.ctrlKey || event.metaKey;
      let name = null;
      if (writes) {
        if (event.key === "Enter" && control) name = "save";
        if (event.key === "Escape") name = "cancel";
      } else if (!control) {
        name = buttons[event.key?.toLowerCase()];
      }
      if (!name) return;
      // In the notebook's command mode "r" and "k" mean something else.
      event.preventDefault();
      event.stopImmediatePropagation();
      if (event.repeat) return; // a key held down decides one row, not forty
      // A text area tells the kernel what is in it when it is left: before the click.
      if (writes) event.target.dispatchEvent(new Event("change", { bubbles: true }));
      press(name);
    };
    // On the window, because JupyterLab listens on the document.
    window.addEventListener("keydown", onKey, true);
  };

  // The view and its parts may come onto the page after this script has run.
  let tries = 0;
  const look = () => {
    document.querySelectorAll(".course-annotation:not([data-keys])").forEach(attach);
    // Screen readers speak what changes inside a node that was there before.
    document
      .querySelectorAll(".course-annotation[data-keys] .annotation-note")
      .forEach((note) => note.setAttribute("aria-live", "polite"));
    tries += 1;
    if (tries < 20) setTimeout(look, 100);
  };
  look();
})();
