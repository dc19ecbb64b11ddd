package term

import (
	"slices"
	"strings"
)

// Cell is one cell of a [Table]. Its text must be clean.
type Cell struct {
	Text  string
	Style Style
}

// Table is rows of cells in aligned columns, without borders, so that it
// reads the same on a terminal and in a pipe.
type Table struct {
	Indent int      // spaces before the first column
	Right  []int    // columns that are set to the right
	Flex   int      // the column that is shortened when a row is too wide
	Rows   [][]Cell //
}

const gutter = 2

// Lines sets the table within the terminal's width.
func (t *Terminal) Lines(table Table) []string {
	widths := table.widths()
	total := table.Indent
	for _, w := range widths {
		total += w + gutter
	}
	if over := total - gutter - t.Width(); over > 0 && table.Flex < len(widths) {
		widths[table.Flex] = max(widths[table.Flex]-over, 8)
	}
	lines := make([]string, len(table.Rows))
	for i, row := range table.Rows {
		lines[i] = t.row(table, row, widths)
	}
	return lines
}

func (table Table) widths() []int {
	var widths []int
	for _, row := range table.Rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], Width(cell.Text))
		}
	}
	return widths
}

func (t *Terminal) row(table Table, row []Cell, widths []int) string {
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", table.Indent))
	for i, cell := range row {
		text := t.Cut(cell.Text, widths[i])
		room := strings.Repeat(" ", widths[i]-Width(text))
		painted := t.Paint(cell.Style, text)
		switch {
		case slices.Contains(table.Right, i):
			b.WriteString(room + painted)
		case i == len(row)-1:
			b.WriteString(painted)
		default:
			b.WriteString(painted + room)
		}
		if i < len(row)-1 {
			b.WriteString(strings.Repeat(" ", gutter))
		}
	}
	return strings.TrimRight(b.String(), " ")
}
