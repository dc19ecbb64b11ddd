package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// Moved returns a client that goes on with the session of c, its cookies and
// the forms of its last page, on other processes, of this boot or another.
func (c *Client) Moved(targets ...*Process) *Client {
	moved := targets[0].boot.Client(targets...)
	moved.jar, moved.forms = c.jar, c.forms
	return moved
}

// SameValues returns the values of the boot that another boot must be given
// to be the same release in the same configuration: all but the port and the
// addresses of services, which belong to one boot.
func (b *Boot) SameValues() map[string]string {
	same := map[string]string{}
	for name, value := range b.Values.Set {
		effect := b.bench.Manifest.Config.Settings[name].Effect
		if effect != manifest.EffectPort && effect != manifest.EffectService {
			same[name] = value
		}
	}
	return same
}

// CarryFiles copies the services that are files, SQLite's, from another boot.
// A boot with Plan.Share has the same databases; a file is in one sandbox only.
// The application must not run meanwhile.
func (b *Boot) CarryFiles(ctx context.Context, from *Boot) error {
	for _, source := range from.OfType(manifest.SQLite) {
		target := b.Services[source.Service.Name]
		for _, suffix := range []string{"", "-wal", "-journal"} {
			file, err := from.sandbox.OpenFile(ctx, source.Path+suffix)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				err = errors.Join(b.sandbox.WriteFrom(ctx, target.Path+suffix, file, 0o644), file.Close())
			}
			if err != nil {
				return fmt.Errorf("carry %s to another sandbox: %w", source.Service.Name, err)
			}
		}
	}
	return nil
}

// Stores names the settings by which the manifest says that the application
// keeps something between two requests: sessions, and services that hold data.
func (b *Bench) Stores() []string {
	list := []string{}
	for _, s := range b.Manifest.Config.Sorted() {
		kind := b.Manifest.Services[s.Service].Type
		holds := kind != manifest.SMTP && kind != manifest.Syslog && kind != manifest.HTTP
		if s.Effect == manifest.EffectSession || s.Effect == manifest.EffectService && holds {
			list = append(list, s.Name)
		}
	}
	return list
}
