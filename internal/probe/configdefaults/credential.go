package configdefaults

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/probe/effect"
	"github.com/roadworthy-dev/roadworthy/internal/probe/start"
)

// wellKnown are tokens that somebody writes until there is a better one.
var wellKnown = strings.Fields(`secret admin password token changeme change-me change_me changeit default test testing dev
	development debug local letmein root guest user demo example sample status monitor monitoring health healthcheck ping
	none None null nil undefined false true 0 1 123456 12345678 qwerty abc123 s3cr3t foo xxx REPLACE_ME production
	secret-token status-token my-secret my-token your-token-here supersecret`)

const (
	mostLiterals = 150       // texts of the artifact that are tried
	mostFiles    = 3000      // of the artifact that are read for them
	largestFile  = 256 << 10 // bytes
	askWithin    = 2 * time.Second
)

// credential plans two boots without a token: with the variable missing, and
// with an empty one.
func credential(ctx context.Context, b *bench.Bench, r *probe.Recorder, group *errgroup.Group, limit time.Duration, c *Credential) {
	const claim = "config.defaults.credential"
	if b.Manifest.Status == nil {
		r.Opaque(claim, "no status route is declared", "add status: {path: /status, token: STATUS_TOKEN} to roadworthy.yaml")
		return
	}
	c.Setting = b.Manifest.Status.Token
	try := func(plan bench.Plan, into *Opening) {
		group.Go(func() error {
			r.Try(claim, func() error { return open(ctx, b, plan, limit, into) })
			return nil
		})
	}
	try(bench.Plan{Unset: []string{c.Setting}}, &c.Unset)
	try(bench.Plan{Set: map[string]string{c.Setting: ""}}, &c.Empty)
}

// open starts the application by a plan without a token and tries to get in.
func open(ctx context.Context, b *bench.Bench, plan bench.Plan, limit time.Duration, o *Opening) error {
	boot, released, err := start.Boot(ctx, b, plan)
	if err != nil {
		return err
	}
	o.Bare = !released
	defer boot.Close()
	process, err := boot.Launch(ctx, bench.Launch{NoWait: true})
	if err != nil {
		return err
	}
	watch := start.Watch{Limit: limit, Linger: lateEnd, Sick: ill, Grace: time.Second}
	if o.Outcome, err = watch.On(ctx, b, boot, process); err != nil || !o.Outcome.Served {
		return err
	}
	if err := ask(ctx, b, boot, process, o); err != nil {
		return err
	}
	o.Control, err = control(ctx, b, boot)
	return err
}

// control shows that the status route opens where a token was set.
func control(ctx context.Context, b *bench.Bench, boot *bench.Boot) (bool, error) {
	token := b.Manifest.Config.Settings[b.Manifest.Status.Token]
	secret := boot.Random.Secret()
	process, err := boot.LaunchChanged(ctx, map[string]string{token.Name: effect.Render(token, secret)}, nil)
	if err != nil {
		return false, err
	}
	outcome, err := start.Watch{Limit: b.Manifest.Boot, Sick: ill, Grace: time.Hour}.On(ctx, b, boot, process)
	if err != nil || !outcome.Served {
		return false, err
	}
	client := boot.Client(process)
	defer client.Close()
	return client.Settled(ctx, boot.StatusRequest(secret)).OK(), ctx.Err()
}

// ask tries the status route with no token, with an empty one in three forms,
// with well-known ones, and with texts that stand beside the setting in the
// artifact.
func ask(ctx context.Context, b *bench.Bench, boot *bench.Boot, process *bench.Process, o *Opening) error {
	client := boot.Client(process)
	defer client.Close()
	name, form, _ := strings.Cut(b.Manifest.Status.Header, ":")
	name, form = strings.TrimSpace(name), strings.TrimSpace(form)
	note := func(words string, opened bool) {
		if o.Asked++; opened && len(o.Opened) < 5 && !slices.Contains(o.Opened, words) {
			o.Opened = append(o.Opened, words)
		}
	}
	try := func(words, value string) {
		request := boot.StatusRequest("")
		request.Within = askWithin
		if value != "-" {
			request.Header[name] = value
		}
		note(words, client.Do(ctx, request).OK())
	}
	try("no token", "-")
	try("an empty header", "")
	try("an empty token", strings.ReplaceAll(form, "$token", ""))
	// Clients cut the blank at the end of "Bearer "; an application may expect it.
	status, _ := raw(ctx, boot, process.Port, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s: %s\r\n\r\n",
		b.Manifest.Status.Path, name, strings.ReplaceAll(form, "$token", "")))
	note("an empty token", status >= 200 && status < 400)
	app := b.Manifest.Name
	for _, word := range slices.Concat(wellKnown, []string{app, app + "-secret", app + "-token"},
		literals(b.Root, b.Manifest.Config.Settings[b.Manifest.Status.Token])) {
		try(`the token "`+word+`"`, strings.ReplaceAll(form, "$token", word))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

var quoted = regexp.MustCompile("[\"'`]([^\"'`\\s]{2,64})[\"'`]")

// literals collects the quoted texts that stand beside the setting's name in
// the files of the artifact: a default is written there.
func literals(root string, setting manifest.Setting) []string {
	var found []string
	files := 0
	folder, err := os.OpenRoot(root)
	if err != nil {
		return nil
	}
	defer func() { _ = folder.Close() }()
	tree := folder.FS() // a link that leaves the artifact is not followed
	_ = fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() { // what cannot be read is not tried
			return nil //nolint:nilerr // see above
		}
		if files++; files > mostFiles || len(found) >= mostLiterals {
			return fs.SkipAll
		}
		info, err := entry.Info()
		if err != nil || info.Size() > largestFile {
			return nil //nolint:nilerr // see above
		}
		content, err := fs.ReadFile(tree, path)
		if err == nil && bytes.IndexByte(content, 0) < 0 {
			found = beside(found, string(content), setting)
		}
		return nil
	})
	return found[:min(len(found), mostLiterals)]
}

// beside adds the quoted texts of lines that name the setting, and of the
// lines before and after.
func beside(found []string, content string, setting manifest.Setting) []string {
	lines := strings.Split(content, "\n")
	for i, line := range lines {
		if !strings.Contains(line, setting.Name) && (setting.Key == "" || !strings.Contains(line, setting.Key)) {
			continue
		}
		for _, near := range lines[max(0, i-1):min(len(lines), i+2)] {
			for _, match := range quoted.FindAllStringSubmatch(near, -1) {
				if !slices.Contains(found, match[1]) {
					found = append(found, match[1])
				}
			}
		}
	}
	return found
}
