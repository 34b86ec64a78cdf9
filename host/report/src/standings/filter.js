"use strict";
// Shows the lines that fit every selection, of all tables.
const selections = [...document.querySelectorAll("select[data-filter]")];
function filter() {
  for (const row of document.querySelectorAll("tr[data-track]")) {
    row.hidden = !selections.every(({ value, dataset }) => ["", value].includes(row.dataset[dataset.filter]) || value === "");
  }
  for (const table of document.querySelectorAll("table")) {
    const shown = table.querySelectorAll("tr[data-track]:not([hidden])").length;
    table.closest("section").querySelector(".count").textContent = `${shown} of ${table.tBodies[0].rows.length} lines`;
  }
}
selections.forEach(selection => selection.addEventListener("change", filter));
document.querySelector(".filters").hidden = false;
filter();
