package effect

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// service looks whether the service was reached at its address, with its
// credentials, and whether the other address was tried.
func (l *scene) service(ctx context.Context, setting manifest.Setting, sight *Sight) error {
	attached := l.Boot.Service(setting)
	tried, err := l.tried(ctx)
	if err != nil {
		return err
	}
	other := l.Other[setting.Name]
	sight.Other = slices.ContainsFunc(other.Hosts, func(host string) bool { return slices.Contains(tried, host) })
	switch attached.Service.Type {
	case manifest.SMTP:
		err = l.mailServer(ctx, attached, sight)
	case manifest.Syslog:
		err = l.collector(ctx, attached.Transport, sight)
	case manifest.SQLite:
		err = l.file(ctx, attached, other, sight)
	default:
		err = l.conversations(ctx, setting, attached, sight)
	}
	if strangers := l.strangers(tried); !sight.Shown && sight.Opaque == "" && len(strangers) > 0 {
		sight.How += ", and it tried " + strings.Join(strangers[:min(len(strangers), 3)], ", ")
	}
	return err
}

// tried lists the addresses and names that the application asked for.
func (l *scene) tried(ctx context.Context) ([]string, error) {
	reached, err := l.Boot.Reached(ctx)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, destination := range reached {
		if !l.ours(destination) {
			all = append(all, destination.Address)
		}
	}
	for _, query := range l.Boot.Lookups() {
		// A host asks for its own name by its address; nobody is reached so.
		if !slices.Contains(all, query.Name) && !strings.HasSuffix(query.Name, ".arpa") && query.Name != "localhost" {
			all = append(all, query.Name)
		}
	}
	return all, nil
}

// ours reports destinations that every process has: the name server and the
// application itself.
func (l *scene) ours(d sandbox.Destination) bool {
	return strings.HasSuffix(d.Address, ":53") || strings.HasSuffix(d.Address, fmt.Sprintf(":%d", l.Process.Port))
}

// strangers lists what was tried and belongs to no service of the boot.
func (l *scene) strangers(tried []string) []string {
	return slices.DeleteFunc(slices.Clone(tried), func(address string) bool {
		for _, a := range l.Boot.Services {
			if address == a.Host || address == fmt.Sprintf("%s:%d", a.IP, a.Port) {
				return true
			}
		}
		return false
	})
}

// mailServer looks whether a mail arrived at the boot's own mail server.
func (l *scene) mailServer(ctx context.Context, a *bench.Attached, sight *Sight) error {
	if !l.raised {
		sight.Opaque = noException
		return nil
	}
	var expected []string
	for _, setting := range l.Bench.Manifest.Config.WithEffect(manifest.EffectRecipients) {
		expected = addresses(l.Own[setting.Name].Text)
	}
	got, err := l.mailed(ctx, a, expected)
	sight.Shown = len(got) > 0
	sight.How = fmt.Sprintf("%d mails arrived there", len(a.Mail.Messages()))
	return err
}

// file looks whether the database was made where it was said to be.
func (l *scene) file(ctx context.Context, a *bench.Attached, other Value, sight *Sight) error {
	made := func(path string) (bool, error) {
		if path == "" {
			return false, nil
		}
		file, err := l.Boot.Sandbox().OpenFile(ctx, path)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		defer file.Close()
		info, err := file.Stat()
		return err == nil && info.Size() > 0, err
	}
	var err error
	if sight.Shown, err = made(a.Path); err != nil {
		return err
	}
	sight.How = "no database is in the file " + a.Path
	if sight.Shown {
		sight.How = "the database is in the file " + a.Path
	}
	sight.Other, err = made(other.Path)
	return err
}

// conversations looks at what the application said to the service. Of a value
// that holds credentials these must have been used, and have been accepted.
func (l *scene) conversations(ctx context.Context, setting manifest.Setting, a *bench.Attached, sight *Sight) error {
	best := login{}
	count := 0
	for _, c := range a.Proxy.Conversations() {
		if c.BytesUp == 0 {
			continue
		}
		count++
		best = best.or(loginOf(a, c.FirstBytes))
	}
	if count == 0 {
		sight.How = "no connection came to " + a.Host
		return l.control(ctx, a)
	}
	needs := manifest.References(setting.Value)
	missing := best.missing(a.Service.Type, needs)
	sight.Shown = len(missing) == 0
	sight.How = fmt.Sprintf("%d connections came to %s", count, a.Host)
	if len(missing) > 0 {
		sight.How += ", but not with its " + strings.Join(missing, " and ")
	}
	return nil
}
