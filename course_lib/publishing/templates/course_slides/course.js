// Start reveal.js, and make what stands on a slide fit its height: a lesson's output is as long as
// it is, and an instructor must not have to scroll.
(function () {
  const WIDTH = 1280, HEIGHT = 720;

  function fit(slide) {
    if (!slide || slide.dataset.fitted) return;
    slide.style.zoom = 1;
    const high = slide.scrollHeight, wide = slide.scrollWidth;
    const scale = Math.min(1, HEIGHT / high, WIDTH / wide);
    slide.style.zoom = scale;
    slide.dataset.fitted = scale.toFixed(2);
  }

  Reveal.initialize({
    width: WIDTH, height: HEIGHT, margin: 0.02, center: false, hash: true, controls: true,
    progress: true, slideNumber: "c/t", transition: "none", plugins: [RevealNotes],
  }).then(() => {
    fit(Reveal.getCurrentSlide());
    Reveal.layout();
  });
  Reveal.on("slidechanged", (event) => { fit(event.currentSlide); Reveal.layout(); });
})();
