// Lay a lesson's sections out as slides of 1280 by 720, before reveal.js starts.
//
// A cell's output is as long as it is. Nothing here is ever made smaller to fit: what does not fit
// goes on to a further slide, parted where a reader would part it, under the same heading with a
// number. Only figures have a choice, between the least width at which their words can be read and
// the whole width of a slide.
const SlidePages = (function () {
  "use strict";
  const WIDTH = 1280, HEIGHT = 720;
  const LIMIT = HEIGHT; // margins included
  const SMALLEST_TEXT = 18;
  // The words of the course's figures are 14 points at 100 dots an inch: 19.4 pixels.
  const FIGURE_TEXT = (14 / 72) * 100;
  const LEAST_UNITS = 3; // lines or rows that may stand alone before or after a break

  // ---- What a section is made of ------------------------------------------------------------

  // A leaf is what is moved as one piece: {chain, units, build, keep, notes}. Its chain are the
  // elements around it, outermost first; build(units) makes an element of some of its units.

  const WHOLE = "p, pre, table, ul, ol, dl, img, svg, h1, h2, h3, h4, h5, h6, hr, math, details";
  const isHeading = (element) => /^H[1-6]$/.test(element.tagName);

  function leavesOf(section) {
    const leaves = [];
    let first = 0; // of the present cell
    (function walk(element, chain) {
      for (const child of [...element.childNodes]) {
        if (child.nodeType === Node.TEXT_NODE && child.data.trim()) {
          const span = document.createElement("span");
          span.append(child);
          leaves.push(leafOf(span, chain));
        }
        if (child.nodeType !== Node.ELEMENT_NODE) continue;
        if (child.matches("aside.notes")) {
          // What is said about a cell belongs to the slide on which the cell begins.
          const about = leaves[first] ?? leaves.at(-1);
          if (about) about.notes.push({ aside: child, chain });
          first = leaves.length;
        } else if (child.matches(WHOLE) || hasInlineParts(child)) {
          for (const part of child.tagName === "TABLE" ? narrowTables(child) : [child])
            leaves.push(leafOf(part, chain));
        } else walk(child, [...chain, child]);
      }
    })(section, []);
    return leaves;
  }

  function hasInlineParts(element) {
    const style = getComputedStyle(element);
    // Things side by side stay so.
    if (/flex|grid/.test(style.display) && !/column/.test(style.flexDirection)) return true;
    return [...element.childNodes].some((node) =>
      node.nodeType === Node.TEXT_NODE
        ? node.data.trim()
        : node.nodeType === Node.ELEMENT_NODE && /^inline/.test(getComputedStyle(node).display) &&
          !node.matches("img, svg, math"));
  }

  function leafOf(element, chain) {
    const leaf = { chain, notes: [], keep: isHeading(element), units: [element], build: () => element };
    leaf.heading = isHeading(element) ? element : null;
    if (element.tagName === "P" && /[:：]\s*$/.test(element.textContent)) leaf.keep = true;
    const figure = element.matches("img, svg") ? element : element.querySelector("img");
    leaf.figure = figure;
    if (figure) setFigure(figure);
    else if (element.tagName === "PRE") Object.assign(leaf, byLines(element));
    else if (element.tagName === "TABLE") Object.assign(leaf, byRows(element));
    else if (element.matches("ul, ol")) Object.assign(leaf, byItems(element));
    else if (!leaf.heading) Object.assign(leaf, byNodes(element));
    return leaf;
  }

  const filled = (shell, parts) => {
    const element = shell.cloneNode(false);
    element.append(...parts.map((part) => part.cloneNode(true)));
    return element;
  };

  function byLines(pre) {
    const text = pre.textContent.replace(/\n+$/, "");
    const units = [];
    for (let start = 0; start <= text.length; ) {
      const line = text.indexOf("\n", start);
      const end = line < 0 ? text.length : line;
      // A line so long that it fills a slide is parted too.
      for (let at = start; at < end || at === start; at += 900)
        units.push(piece(pre, at, Math.min(end, at + 900)));
      start = end + 1;
    }
    const build = (lines) => {
      const element = filled(pre, []);
      lines.forEach((line, number) => element.append(number ? "\n" : "", line.cloneNode(true)));
      return element;
    };
    return { units, build };
  }

  // The characters from start to end, within clones of the elements around them.
  function piece(root, start, end) {
    const range = document.createRange();
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    let seen = 0, begun = false;
    range.selectNodeContents(root);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const next = seen + node.length;
      if (!begun && start < next) { range.setStart(node, start - seen); begun = true; }
      if (end <= next) { range.setEnd(node, Math.max(0, end - seen)); break; }
      seen = next;
    }
    let part = range.cloneContents();
    for (let at = range.commonAncestorContainer; at !== root; at = at.parentNode)
      if (at.nodeType === Node.ELEMENT_NODE) {
        const around = at.cloneNode(false);
        around.append(part);
        part = around;
      }
    const holder = document.createElement("span");
    holder.append(part);
    return holder;
  }

  // Rows that share a cell stay together; the head is said again on each slide.
  function byRows(table) {
    const units = [];
    let spanned = 0;
    for (const row of [...table.tBodies].flatMap((body) => [...body.rows])) {
      if (spanned > 0) units.at(-1).push(row);
      else units.push([row]);
      spanned = Math.max(spanned, ...[...row.cells].map((cell) => cell.rowSpan)) - 1;
    }
    const build = (groups) => {
      const head = [...table.children].filter((part) => part.matches("caption, colgroup, thead"));
      const element = filled(table, head);
      const body = (table.tBodies[0] ?? document.createElement("tbody")).cloneNode(false);
      body.append(...groups.flat().map((row) => row.cloneNode(true)));
      element.append(body);
      return element;
    };
    return { units, build };
  }

  // Items keep their numbers.
  function byItems(list) {
    const items = [...list.children];
    const build = (units) => {
      const element = filled(list, units);
      if (list.tagName === "OL") element.start = list.start + items.indexOf(units[0]);
      return element;
    };
    return { units: items, build };
  }

  // Of a paragraph sentences, of anything else the nodes in it.
  function byNodes(element) {
    const units = [...element.childNodes].flatMap((node) => {
      if (node.nodeType !== Node.TEXT_NODE) return [node];
      return node.data.split(/(?<=[.!?。！？\n])/).map((text) => document.createTextNode(text));
    });
    return { units, build: (parts) => filled(element, parts) };
  }

  // ---- Tables that are too wide -------------------------------------------------------------

  // pandas sets every column to the right. A column that holds words is set to the left.
  function alignColumns(table) {
    const isFigure = (cell) => /^[\s\d.,%+\-–]*$|^(NaN|<NA>|True|False)$/.test(cell.textContent);
    const wordy = new Set();
    for (const row of table.tBodies[0]?.rows ?? [])
      for (const cell of row.cells)
        // Counted from the right: where one index stands for several rows, cells lack on the left.
        if (!isFigure(cell)) wordy.add(row.cells.length - cell.cellIndex);
    for (const row of table.rows)
      for (const cell of row.cells)
        if (cell.colSpan === 1 && wordy.has(row.cells.length - cell.cellIndex)) cell.classList.add("words");
  }

  // Cells break between words; then closer together; then columns go on to a further table, the
  // first column said again; and what cannot be parted so breaks anywhere.
  function narrowTables(table) {
    alignColumns(table);
    const room = WIDTH - 80;
    const around = document.createElement("div");
    around.className = "jp-RenderedHTMLCommon";
    around.append(table);
    const isWide = () => { stage.replaceChildren(around); return table.offsetWidth > room; };
    if (!isWide()) return [table];
    table.classList.add("close");
    for (const cell of table.querySelectorAll("td, th"))
      cell.classList.toggle("unbroken", /\S{25}/.test(cell.textContent));
    if (!isWide()) return [table];
    const rows = [...table.rows];
    const regular = rows.every((row) => [...row.cells].every((cell) => cell.colSpan * cell.rowSpan === 1));
    const columns = rows[0]?.cells.length ?? 0;
    if (!regular || columns < 3 || rows.some((row) => row.cells.length !== columns)) {
      table.classList.add("anywhere");
      return [table];
    }
    const widths = [...rows[0].cells].map((cell) => cell.offsetWidth);
    const groups = [[]];
    let width = widths[0];
    for (let column = 1; column < columns; column += 1) {
      if (groups.at(-1).length && width + widths[column] > room) { groups.push([]); width = widths[0]; }
      groups.at(-1).push(column);
      width += widths[column];
    }
    return groups.map((group) => {
      const part = table.cloneNode(true);
      for (const row of part.rows)
        [...row.cells].forEach((cell, column) => { if (column && !group.includes(column)) cell.remove(); });
      around.replaceChildren(part);
      if (part.offsetWidth > room) part.classList.add("anywhere");
      return part;
    });
  }

  // ---- Figures ------------------------------------------------------------------------------

  function setFigure(figure) {
    const isPicture = figure.tagName === "IMG";
    const box = isPicture ? null : figure.viewBox.baseVal;
    const width = isPicture ? figure.naturalWidth : box?.width || figure.width.baseVal.value;
    const height = isPicture ? figure.naturalHeight : box?.height || figure.height.baseVal.value;
    const texts = isPicture ? [] : [...figure.querySelectorAll("text")];
    const text = isPicture ? FIGURE_TEXT
      : Math.min(...texts.map((node) => parseFloat(getComputedStyle(node).fontSize)), FIGURE_TEXT);
    const most = (WIDTH - 80) / width;
    // A picture smaller than a figure of the course is an icon or a photograph: as it is.
    const small = isPicture && width < 600;
    figure.bounds = {
      width, height,
      least: Math.min(most, small ? 1 : SMALLEST_TEXT / text),
      most: small ? Math.min(1, most) : most,
    };
    figure.classList.add("figure");
  }

  function scaleFigure(figure, scale) {
    figure.style.width = `${figure.bounds.width * scale}px`;
    figure.style.height = `${figure.bounds.height * scale}px`;
  }

  // Give the figures of a slide the height that its words leave. Whether it all fits.
  function settle(slide, limit) {
    const figures = [...slide.querySelectorAll(".figure")];
    for (const figure of figures) scaleFigure(figure, figure.bounds.least);
    const free = limit - slide.offsetHeight;
    if (free < 0) return false;
    for (const figure of figures) {
      const { height, least, most } = figure.bounds;
      scaleFigure(figure, Math.min(most, least + free / figures.length / height));
    }
    return true;
  }

  // ---- Slides -------------------------------------------------------------------------------

  let stage;

  // A slide is a list of parts, {leaf, units}, drawn anew each time that it is measured.
  function draw(parts, section) {
    const slide = section.cloneNode(false);
    const clones = new Map();
    for (const { leaf, units } of parts) {
      let at = slide;
      for (const source of leaf.chain) {
        let last = at.lastElementChild;
        if (!last || clones.get(source) !== last) {
          last = source.cloneNode(false);
          clones.set(source, last);
          at.append(last);
        }
        at = last;
      }
      at.append(leaf.build(units));
    }
    return { slide, clones };
  }

  // The slides of a section, or null where something does not fit below the limit.
  function paginate(leaves, section, limit, heading) {
    const pages = [];
    const state = { ...heading };
    const carried = () => {
      if (!state.html) return [];
      const element = document.createElement("h2");
      element.className = "carried";
      element.innerHTML = `${state.html} <span>(${state.part + 1})</span>`;
      const around = document.createElement("div");
      around.className = "jp-RenderedHTMLCommon";
      return [{ leaf: { chain: [around], notes: [], units: [element], build: () => element, carried: true }, units: [element] }];
    };
    const fits = (parts) => {
      const { slide } = draw(parts, section);
      stage.replaceChildren(slide);
      return settle(slide, limit);
    };
    let page = [];
    const open = (leaf) => { page = leaf.heading ? [] : carried(); if (page.length) state.part += 1; };
    const close = () => { pages.push(page); };
    // Nothing but headings and words that lead up to what comes.
    const isBare = () => page.every(({ leaf }) => leaf.carried || leaf.keep);
    const part = ({ leaf, units }, count) => {
      page.push({ leaf, units: units.slice(0, count) });
      queue.unshift({ leaf, units: units.slice(count) });
      close();
      open(leaf);
    };
    const note = (leaf) => { if (leaf.heading) { state.html = leaf.heading.innerHTML; state.part = 1; } };

    const queue = leaves.map((leaf) => ({ leaf, units: leaf.units }));
    if (queue.length) open(queue[0].leaf);
    while (queue.length) {
      const next = queue.shift();
      if (fits([...page, next])) { page.push(next); note(next.leaf); continue; }
      if (isBare()) {
        const count = howMany(page, next, fits, 1);
        if (count) { part(next, count); continue; }
        if (limit < LIMIT) return null;
        // A piece that cannot be parted: without the heading, and be it too large.
        if (page.some((each) => !each.leaf.carried)) close();
        page = [next];
        if (!fits(page) && next.leaf.figure) shrink(next.leaf.figure);
        note(next.leaf);
        continue;
      }
      // It goes on to the next slide whole where it fits there, else its beginning stays here.
      const back = [];
      while (page.length > 1 && page.at(-1).leaf.keep && !page.at(-2).leaf.carried) back.unshift(page.pop());
      const fresh = next.leaf.heading || back[0]?.leaf.heading ? [] : carried();
      if (!fits([...fresh, ...back, next])) {
        const count = howMany([...page, ...back], next, fits);
        if (count) { page.push(...back); part(next, count); continue; }
      }
      queue.unshift(...back, next);
      close();
      open(queue[0].leaf);
    }
    if (page.length) close();
    return { pages, heading: state };
  }

  // How many units of a leaf can stand on a slide, with enough left over for the next; 0 for none.
  function howMany(page, { leaf, units }, fits, least = LEAST_UNITS) {
    let low = 0, high = units.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (fits([...page, { leaf, units: units.slice(0, middle) }])) low = middle;
      else high = middle - 1;
    }
    const most = Math.min(low, Math.max(1, units.length - LEAST_UNITS));
    return most >= Math.min(least, units.length - 1) ? most : 0;
  }

  function shrink({ bounds }) {
    bounds.least = Math.min(bounds.least, (HEIGHT - 60) / bounds.height);
  }

  // Of all layouts with the fewest slides the most even one: no slide with one lonely line.
  function layOut(leaves, section, heading) {
    let best = paginate(leaves, section, LIMIT, heading);
    for (let limit = LIMIT - 40; best.pages.length > 1 && limit > LIMIT / 2; limit -= 40) {
      const even = paginate(leaves, section, limit, heading);
      if (!even || even.pages.length > best.pages.length) break;
      best = even;
    }
    return best;
  }

  // A section below without a heading of its own is the next step of the slide before it: it stays
  // there as far as there is room.
  const asStep = (leaf, step) => ({
    ...leaf, chain: [step, ...leaf.chain],
    notes: leaf.notes.map(({ aside, chain }) => ({ aside, chain: [step, ...chain] })),
  });

  // A slide as it is shown: figures grown, what continues shown at once, notes where cells begin.
  function finish(parts, section, isFirst) {
    const { slide, clones } = draw(parts, section);
    stage.replaceChildren(slide);
    settle(slide, LIMIT);
    let seconds = 0;
    for (const { leaf, units } of parts) {
      if (units[0] !== leaf.units[0]) continue;
      for (const { aside, chain } of leaf.notes) {
        (clones.get(chain.at(-1)) ?? slide).append(aside);
        seconds += Number(aside.querySelector("[data-seconds]")?.dataset.seconds ?? 0);
      }
    }
    slide.dataset.timing = String(Math.round(seconds));
    const begins = parts.find((part) => !part.leaf.carried);
    const fragment = begins?.leaf.chain.find((source) => source.classList.contains("fragment"));
    if (!isFirst && fragment) clones.get(fragment).classList.remove("fragment");
    return slide;
  }

  // No text is smaller than the back row can read, whatever an output asks for.
  function raiseSmallText(root) {
    for (const element of root.querySelectorAll("*")) {
      const hasText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
      if (hasText && !element.closest("svg, aside") && parseFloat(getComputedStyle(element).fontSize) < SMALLEST_TEXT)
        element.style.setProperty("font-size", `${SMALLEST_TEXT}px`, "important");
    }
  }

  // Returns the seconds that the whole lesson takes.
  function make(slides) {
    for (const style of slides.querySelectorAll("style")) document.head.append(style);
    for (const scaffold of slides.querySelectorAll(".jp-InputPrompt, .jp-OutputPrompt, .jp-Collapser, .anchor-link"))
      scaffold.remove();
    const sections = [...slides.querySelectorAll(":scope > section > section")];
    const outer = document.createElement("section");
    outer.className = "stack measuring";
    slides.append(outer);
    stage = outer;
    const lists = []; // of leaves, with the section that they stand in
    for (const section of sections) {
      raiseSmallText(section);
      const leaves = leavesOf(section);
      const before = lists.at(-1);
      if (before?.section.parentNode === section.parentNode && leaves.length && !leaves[0].heading) {
        const step = document.createElement("div");
        step.className = "fragment";
        before.leaves.push(...leaves.map((leaf) => asStep(leaf, step)));
        section.remove();
      } else lists.push({ section, leaves });
    }
    let heading = { html: "", part: 1 }, seconds = 0;
    for (const { section, leaves } of lists) {
      const laid = layOut(leaves, section, heading);
      heading = laid.heading;
      const made = laid.pages.map((parts, number) => finish(parts, section, number === 0));
      section.replaceWith(...made);
      for (const slide of made) seconds += Number(slide.dataset.timing);
    }
    outer.remove();
    return seconds;
  }

  return { WIDTH, HEIGHT, make };
})();
