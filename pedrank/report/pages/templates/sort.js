const head = event.target.closest('th'), column = head.cellIndex, body = this.parentNode.tBodies[0];
const rows = this.firstOrder ??= [...body.rows], up = head.getAttribute('aria-sort') === 'descending';
for (const other of head.parentNode.cells) other.removeAttribute('aria-sort');
if (column) head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
const value = row => parseFloat(row.cells[column].dataset.value);
const order = (a, b) => isNaN(a) - isNaN(b) || (up ? a - b : b - a) || 0;
body.append(...(column ? rows.toSorted((a, b) => order(value(a), value(b))) : rows));
