// Start reveal.js, and make what stands on a slide fit its height: a lesson's output is as long as
// it is, and an instructor must not have to scroll.
(function () {
  const WIDTH = 1280, HEIGHT = 720;
  const LOWEST_FIGURE = 440; // pixels: below it the words in a figure are too small for the back row

  function fit(slide) {
    if (!slide || slide.dataset.fitted) return;
    slide.style.zoom = 1;
    // A figure gives way first, then all.
    for (const figure of slide.querySelectorAll(".jp-OutputArea-output img")) {
      const over = Math.max(0, slide.scrollHeight - HEIGHT);
      if (over) figure.style.maxHeight = `${Math.max(LOWEST_FIGURE, figure.clientHeight - over)}px`;
    }
    const high = slide.scrollHeight, wide = slide.scrollWidth;
    const scale = Math.min(1, HEIGHT / high, WIDTH / wide);
    slide.style.zoom = scale;
    slide.dataset.fitted = scale.toFixed(2);
  }

  // pandas sets every column to the right. A column that holds words is set to the left, what has
  // no place to break may break anywhere, and a long table is set closer.
  function setTable(table) {
    const rows = [...table.rows];
    table.classList.toggle("tall", rows.length > 12);
    table.querySelectorAll("td").forEach((cell) => {
      cell.classList.toggle("unbroken", /\S{40}/.test(cell.textContent));
    });
    const isFigure = (cell) => /^[\s\d.,%+\-–]*$|^(NaN|<NA>|True|False)$/.test(cell.textContent);
    const wordy = new Set();
    for (const row of table.tBodies[0]?.rows ?? [])
      for (const cell of row.cells)
        // Counted from the right: where one index stands for several rows, cells lack on the left.
        if (!isFigure(cell)) wordy.add(row.cells.length - cell.cellIndex);
    for (const row of rows)
      for (const cell of row.cells)
        if (cell.colSpan === 1 && wordy.has(row.cells.length - cell.cellIndex)) cell.classList.add("words");
  }

  document.querySelectorAll(".slides table").forEach(setTable);
  Reveal.initialize({
    width: WIDTH, height: HEIGHT, margin: 0.02, center: false, hash: true, controls: true,
    progress: true, slideNumber: "c/t", transition: "none", plugins: [RevealNotes],
  }).then(() => {
    fit(Reveal.getCurrentSlide());
    Reveal.layout();
  });
  Reveal.on("slidechanged", (event) => { fit(event.currentSlide); Reveal.layout(); });
})();
