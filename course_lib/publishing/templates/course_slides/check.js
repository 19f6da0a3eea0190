// What cannot be seen or read on any slide: [[number, fault], …], the smallest text in pixels, and
// how many slides there are. Each is looked at as it is shown, with all its steps.
() => {
  Reveal.configure({ fragments: false });
  const count = Reveal.getTotalSlides();
  const faults = [];
  let smallest = Infinity;
  for (let number = 1; number <= count; number += 1) {
    const [found, size] = look(Reveal.getCurrentSlide());
    faults.push(...[...found].map((fault) => [number, fault]));
    smallest = Math.min(smallest, size);
    Reveal.next();
  }
  return [faults, smallest, count];

  function look(slide) {
    const scale = slide.getBoundingClientRect().width / slide.offsetWidth;
    const faults = new Set();
    let smallest = Infinity;
    const outside = (box) =>
      box.left < -1 || box.top < -1 || box.right > innerWidth + 1 || box.bottom > innerHeight + 1;
    const walker = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement;
      if (!node.data.trim() || element.closest("aside, style, script, annotation")) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const boxes = [...range.getClientRects()].filter((box) => box.width && box.height);
      if (!boxes.length) continue;
      const said = node.data.trim().slice(0, 40);
      if (boxes.some(outside)) faults.add(`runs off the slide: ${said}`);
      const own = element.closest("svg") ? element.getScreenCTM().a : scale;
      const size = parseFloat(getComputedStyle(element).fontSize) * own;
      smallest = Math.min(smallest, size);
      if (size < 17.99) faults.add(`text of ${size.toFixed(1)} px: ${said}`);
    }
    for (const element of slide.querySelectorAll("*")) {
      if (element.closest("aside")) continue;
      if (element.matches("img, svg, table, pre") && outside(element.getBoundingClientRect()))
        faults.add(`runs off the slide: ${element.tagName.toLowerCase()}`);
      const style = getComputedStyle(element);
      const cut = /hidden|auto|scroll|clip/.test(style.overflowX + style.overflowY);
      if (cut && element.clientWidth > 1 &&
          (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1))
        faults.add(`cut off: ${element.tagName.toLowerCase()} ${element.textContent.trim().slice(0, 40)}`);
      if (element.matches("img")) {
        if (!element.complete || !element.naturalWidth) faults.add("missing image");
        // The words of a figure of the course, 996 pixels wide, are 19.4 pixels high in it.
        const size = ((14 / 72) * 100 * element.getBoundingClientRect().width) / element.naturalWidth;
        if (element.naturalWidth > 600 && size < 17.9) faults.add(`figure with text of ${size.toFixed(1)} px`);
      }
    }
    return [faults, smallest];
  }
}
