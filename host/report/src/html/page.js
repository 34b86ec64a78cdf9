"use strict";
// Pressing the name of a column sorts its table: first ascending, then descending, then in the original order.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0], original = [...body.rows], heads = [...table.tHead.rows[0].cells];
  const status = document.getElementById("status");
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const next = { ascending: "descending", descending: undefined }, now = head.getAttribute("aria-sort");
      const order = now === null ? "ascending" : next[now];
      heads.forEach(other => other.removeAttribute("aria-sort"));
      if (order) head.setAttribute("aria-sort", order);
      table.classList.toggle("sorted", Boolean(order));
      body.append(...(order ? sorted(column, order === "ascending" ? 1 : -1) : original));
      status.textContent = `${button.textContent}: ${order ? "sorted " + order : "original order"}`;
    });
  });
  // Rows without a value come last in both orders.
  function sorted(column, sign) {
    const numeric = heads[column].classList.contains("n");
    const key = row => {
      const cell = row.cells[column];
      return numeric ? parseFloat(cell.dataset.value) : cell.textContent.trim();
    };
    return [...original].sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      if (!numeric) return sign * x.localeCompare(y, "en", { numeric: true });
      return isNaN(x) || isNaN(y) ? isNaN(x) - isNaN(y) : sign * (x - y);
    });
  }
}

// Print shows what is folded on the page.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  folded.forEach(part => { part.open = true; });
});
addEventListener("afterprint", () => folded.forEach(part => { part.open = false; }));
