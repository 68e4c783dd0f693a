for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => {
        const cell = row.cells[column];
        if (cell.querySelector(".missing")) return null;
        return "sort" in cell.dataset ? Number(cell.dataset.sort) : cell.textContent;
      };
      const compare = (a, b) =>
        typeof a === "number" && typeof b === "number"
          ? a - b
          : String(a).localeCompare(String(b), undefined, { numeric: true });
      // What is missing stays last either way.
      const order = (a, b) =>
        (a === null) - (b === null) || (a === null ? 0 : down ? compare(b, a) : compare(a, b));
      body.append(...[...body.rows].sort((a, b) => order(key(a), key(b))));
    });
  });
}
