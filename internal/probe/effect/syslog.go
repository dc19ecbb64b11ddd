package effect

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/bench/syslogsink"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// facilities are the names of RFC 5424 section 6.2.1, by number.
var facilities = strings.Fields("kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock" +
	" local0 local1 local2 local3 local4 local5 local6 local7")

// facility looks at the priority of each frame that arrived.
func (l *scene) facility(ctx context.Context, setting manifest.Setting, sight *Sight) error {
	if !l.await(ctx, func(syslogsink.Frame) bool { return true }) {
		return l.noFrame(ctx, sight)
	}
	counts := map[int]int{}
	for _, frame := range l.Boot.Syslog.Frames() {
		counts[frame.Parsed.Facility]++
	}
	own := slices.Index(facilities, l.Own[setting.Name].Text)
	other := slices.Index(facilities, l.Other[setting.Name].Text)
	sight.Shown = own >= 0 && counts[own] > 0 && len(counts) == 1
	sight.Other = other >= 0 && other != own && counts[other] > 0
	var seen []string
	for number := -1; number < len(facilities); number++ {
		switch {
		case counts[number] > 0 && number < 0:
			seen = append(seen, "none")
		case counts[number] > 0:
			seen = append(seen, facilities[number])
		}
	}
	sight.How = "its frames have the facility " + strings.Join(seen, ", ")
	return nil
}

// await waits until a fitting frame has arrived.
func (l *scene) await(ctx context.Context, fits func(syslogsink.Frame) bool) bool {
	wait, cancel := context.WithTimeout(ctx, patience(&l.framed, arriveLimit/2))
	defer cancel()
	return l.Boot.Syslog.Wait(wait, func(all []syslogsink.Frame) bool { return slices.ContainsFunc(all, fits) })
}

// noFrame says what the silence of syslog means: nothing, where nothing that
// was asked of the application had to be logged at its level.
func (l *scene) noFrame(ctx context.Context, sight *Sight) error {
	if !l.raised && l.quietLevel() {
		sight.Opaque = "at this level ordinary requests are not logged; " + noException
		return nil
	}
	for _, collector := range l.Boot.OfType(manifest.Syslog) {
		if err := l.control(ctx, collector); err != nil {
			return err
		}
	}
	sight.How = "no frame arrived"
	return nil
}

// quietLevel reports whether the boot's level holds back ordinary records.
func (l *scene) quietLevel() bool {
	for _, setting := range l.Bench.Manifest.Config.WithEffect(manifest.EffectLevel) {
		if level := l.Own[setting.Name].Text; level == setting.LevelName("ERROR") || level == setting.LevelName("WARNING") {
			return true
		}
	}
	return false
}

// collector looks whether frames arrived at the address of the boot.
func (l *scene) collector(ctx context.Context, transport string, sight *Sight) error {
	sight.Shown = l.await(ctx, func(f syslogsink.Frame) bool { return f.Transport == transport })
	if !sight.Shown {
		return l.noFrame(ctx, sight)
	}
	sight.How = fmt.Sprintf("%d frames arrived there", len(l.Boot.Syslog.Frames()))
	return nil
}
