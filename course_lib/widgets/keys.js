// Keys for the annotation view: k, f, r, u anywhere in it, Ctrl+Enter and Escape in a fix. Without
// this script (a front end that runs none) the key box and the buttons do the same.
(() => {
  const buttons = { k: "keep", f: "fix", r: "reject", u: "undo" };
  const saved = "\u0003save\u0003"; // as in fixing.py
  const PATIENCE = 60_000; // milliseconds; a kernel that says nothing for so long is gone

  const attach = (root) => {
    root.dataset.keys = "on";
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", "Annotation: one row at a time");
    root.tabIndex = -1;

    // A click may overtake the text that it is to save: kernels handle messages side by side. So
    // the text itself says that it is complete.
    const save = () => {
      root.querySelectorAll("textarea").forEach((area) => {
        if (!area.value.endsWith(saved)) area.value += saved;
        area.dispatchEvent(new Event("change", { bubbles: true }));
      });
    };
    // One press, one answer: while the kernel is busy, a second press would decide a row that
    // nobody has seen.
    let waiting = 0;
    const onClick = (event) => {
      const pressed = event.target.closest("button");
      if (!pressed) return;
      const isSave = pressed.classList.contains("annotation-save");
      const now = Date.now();
      if (isSave || now - waiting < PATIENCE) {
        event.preventDefault();
        event.stopImmediatePropagation();
      } else {
        waiting = now;
      }
      if (isSave) save();
    };
    root.addEventListener("click", onClick, true);

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
      root.querySelector(`.annotation-${name}`)?.click();
    };
    // On the window, because JupyterLab listens on the document.
    window.addEventListener("keydown", onKey, true);

    // The keyboard follows the view: into a fix when it opens, back to the key box when it closes.
    // In between the view itself holds it, or the notebook would take a letter for a command.
    let open = false;
    let wanted = null;
    const follow = (changes) => {
      // Every answer changes what is on the page: at least the note.
      if (changes.some((change) => change.type === "childList")) waiting = 0;
      const there = root.querySelector("textarea") !== null;
      if (there !== open) {
        open = there;
        wanted = open ? "textarea" : "input";
      }
      // Screen readers speak what changes inside a node that was there before.
      root.querySelector(".annotation-note")?.setAttribute("aria-live", "polite");
      if (!wanted) return;
      const active = document.activeElement;
      if (active !== document.body && !root.contains(active)) {
        wanted = null; // the person is elsewhere by now
        return;
      }
      const target = root.querySelector(wanted);
      if (target && target.offsetParent !== null) {
        wanted = null;
        target.focus();
      } else if (!root.contains(active)) {
        root.focus({ preventScroll: true });
      }
    };
    const watch = { childList: true, subtree: true, attributes: true, attributeFilter: ["style"] };
    new MutationObserver(follow).observe(root, watch);
    follow([]);
  };

  // The view may come onto the page after this script has run.
  let tries = 0;
  const look = () => {
    document.querySelectorAll(".course-annotation:not([data-keys])").forEach(attach);
    tries += 1;
    if (tries < 20) setTimeout(look, 100);
  };
  look();
})();
