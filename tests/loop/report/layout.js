() => {
  const SLACK = 2;  // pixels: a line's box is a little taller than its ink
  const seen = (node, rect) => {
    let [left, top, right, bottom] = [rect.left, rect.top, rect.right, rect.bottom];
    for (let box = node.parentElement; box && box !== document.body; box = box.parentElement) {
      if (box.tagName === "svg" || getComputedStyle(box).overflow === "visible") continue;
      const edge = box.getBoundingClientRect();
      [left, top] = [Math.max(left, edge.left), Math.max(top, edge.top)];
      [right, bottom] = [Math.min(right, edge.right), Math.min(bottom, edge.bottom)];
    }
    return {left, top, right, bottom};
  };
  const pieces = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (!node.data.trim()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of range.getClientRects()) {
      const box = seen(node, rect);
      if (box.right - box.left > SLACK && box.bottom - box.top > SLACK) pieces.push({node, text: node.data.trim(), ...box});
    }
  }
  const met = [];
  pieces.forEach((one, n) => {
    for (const other of pieces.slice(n + 1)) {
      if (other.node === one.node) continue;
      const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      if (across > SLACK && down > SLACK) met.push([one.text.slice(0, 60), other.text.slice(0, 60), across, down]);
    }
  });
  const blocks = [...document.querySelectorAll("h1, h2, h3, p, .scroll, figure, article, dl div, footer, nav a")];
  const boxes = blocks.map((block) => [block, block.getBoundingClientRect()]);
  boxes.forEach(([one, a], n) => {
    for (const [other, b] of boxes.slice(n + 1)) {
      if (one.contains(other) || other.contains(one)) continue;
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (across > SLACK && down > SLACK) met.push([one.outerHTML.slice(0, 60), other.outerHTML.slice(0, 60), across, down]);
    }
  });
  const width = document.documentElement.clientWidth;
  const wide = boxes.filter(([, box]) => box.right > width + 1 || box.left < -1).map(([block]) => block.outerHTML.slice(0, 80));
  if (document.documentElement.scrollWidth > width) wide.push(`the page: ${document.documentElement.scrollWidth}`);
  return {wide, met};
}
