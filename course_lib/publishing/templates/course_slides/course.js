// Lay the slides out once the page is complete, then start reveal.js.
window.addEventListener("load", () => {
  const seconds = SlidePages.make(document.querySelector(".slides"));
  Reveal.initialize({
    width: SlidePages.WIDTH, height: SlidePages.HEIGHT, margin: 0, center: false, hash: true,
    controls: true, progress: true, slideNumber: "c/t", transition: "none", totalTime: seconds,
    pdfMaxPagesPerSlide: 1, pdfSeparateFragments: false, plugins: [RevealNotes],
  });
});
