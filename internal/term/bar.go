package term

import (
	"fmt"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

const barColumns = 24

// Duration writes a time as people read it: "85ms", "1.2s", "48s", "3m05s".
func Duration(d time.Duration) string {
	switch {
	case d <= 0:
		return "0s"
	case d < time.Millisecond:
		return fmt.Sprintf("%.1fms", float64(d)/float64(time.Millisecond))
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < 20*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return wholeSeconds(d)
}

func wholeSeconds(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	if d < time.Minute {
		return fmt.Sprintf("%ds", int(d.Seconds()))
	}
	if d < time.Hour {
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

// lines returns the bar and the running items, without and with styles, each
// short enough that the terminal does not break it.
func (p *Progress) lines() (plain, painted []string) {
	add := func(style Style, line string) {
		line = p.terminal.Cut(line, p.terminal.Width()-1)
		plain = append(plain, line)
		painted = append(painted, p.terminal.Paint(style, line))
	}
	add(Bold, p.bar())
	now := p.now()
	for i, item := range p.running {
		if i == shownItems {
			add(Muted, fmt.Sprintf("  and %d more", len(p.running)-shownItems))
			break
		}
		add(Muted, "  "+Pad(item.name, 16)+" "+wholeSeconds(now.Sub(item.since)))
	}
	return plain, painted
}

func (p *Progress) bar() string {
	full, empty := "━", "─"
	if !p.terminal.utf8 {
		full, empty = "#", "-"
	}
	filled := 0
	if p.total > 0 {
		filled = min(p.done*barColumns/p.total, barColumns)
	}
	parts := []string{
		strings.Repeat(full, filled) + strings.Repeat(empty, barColumns-filled),
		fmt.Sprintf("%d/%d", p.done, p.total),
	}
	for _, outcome := range []standard.Outcome{standard.Fail, standard.Error, standard.Unknown} {
		if n := p.counts[outcome]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, MarkOf(outcome).Word))
		}
	}
	return strings.Join(append(parts, wholeSeconds(p.now().Sub(p.began))), "  ")
}
