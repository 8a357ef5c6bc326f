// Marks inline equations wider than their paragraph; book.css lets those scroll.
function markWideMath() {
  for (const equation of document.querySelectorAll("mjx-container:not([display])")) {
    equation.classList.remove("wide");
    const column = equation.closest("p, li, dd, td, th, figcaption, h1, h2, h3");
    const right = column?.getBoundingClientRect().right;
    equation.classList.toggle("wide", equation.getBoundingClientRect().right > right + 1);
  }
}

window.addEventListener("load", () => {
  window.MathJax?.startup?.promise.then(markWideMath);
  window.addEventListener("resize", markWideMath);
});
