package effect

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/probe/start"
)

// session takes the cookie of a session to two further processes: one under
// the same key must honour it, one under another key must not.
func (l *scene) session(ctx context.Context, setting manifest.Setting, sight *Sight) error {
	cookie := l.client.Cookies()
	path, with, ok := l.mark(ctx, cookie)
	if !ok {
		sight.Opaque = "no declared reply depends on the cookie of a session; add a GET step to traffic whose reply shows the session"
		return nil
	}
	same, changed := map[string]string{}, map[string]string{setting.Name: Render(setting, l.Boot.Random.Secret())}
	if l.Beside { // a source that does not count may change as it likes
		same[setting.Name] = Render(setting, l.Boot.Random.Secret())
	}
	var kept, moved string
	var err error
	switch {
	case l.Boot.InFile(setting):
		kept, err = l.replay(ctx, nil, same, path, cookie)
		if err == nil {
			moved, err = l.replay(ctx, nil, changed, path, cookie)
		}
	default:
		kept, err = l.replay(ctx, nil, same, path, cookie)
		if err == nil {
			moved, err = l.replay(ctx, changed, nil, path, cookie)
		}
	}
	if err != nil {
		return err
	}
	if kept == "" || moved == "" {
		sight.Opaque = "a second process beside the first one does not serve; let it listen on PORT alone"
		return nil
	}
	sight.Shown = kept == with && moved != with
	if !l.steady(ctx, path, with, cookie) { // it may have been honoured for a while only, which looks like either
		sight.Opaque = "its own process answers the same cookie now so and now otherwise, whatever the key is; mend that first"
		return nil
	}
	sight.Other = l.Beside && kept != with && moved == with
	sight.How = fmt.Sprintf("a process under the same value %s its cookie, one under another value %s it",
		verb(kept == with), verb(moved == with))
	return nil
}

// steady asks the process that gave the cookie until each of its workers is
// likely to have answered. Where they differ, other answers elsewhere say
// nothing about a key.
func (l *scene) steady(ctx context.Context, path, with, cookie string) bool {
	for range 8 {
		if l.answer(ctx, l.Process, path, cookie) != with {
			return false
		}
	}
	return true
}

func verb(honours bool) string {
	if honours {
		return "honours"
	}
	return "refuses"
}

// mark finds a request whose reply tells whether the cookie is honoured.
func (l *scene) mark(ctx context.Context, cookie string) (path, with string, ok bool) {
	if cookie == "" {
		return "", "", false
	}
	var paths []string
	for _, step := range slices.Backward(l.Bench.Manifest.Traffic) {
		if step.Method == http.MethodGet && !slices.Contains(paths, step.Path) {
			paths = append(paths, step.Path)
		}
	}
	for _, path := range paths[:min(len(paths), 4)] {
		with := l.answer(ctx, l.Process, path, cookie)
		without := l.answer(ctx, l.Process, path, "")
		if with != "" && without != "" && with != without && with == l.answer(ctx, l.Process, path, cookie) {
			return path, with, true
		}
	}
	return "", "", false
}

// answer describes a reply by what a session changes in it; "" where none came.
func (l *scene) answer(ctx context.Context, process *bench.Process, path, cookie string) string {
	client := l.Boot.Client(process)
	defer client.Close()
	request := bench.Request{Method: "GET", Target: l.Boot.Expand(path, l.nonce), Within: 10 * time.Second, Header: map[string]string{}}
	if cookie != "" {
		request.Header["Cookie"] = cookie
	}
	reply := client.Do(ctx, request)
	if reply.Err != "" {
		return ""
	}
	return fmt.Sprint(reply.Status, " ", reply.Header.Get("Location"), " ", strings.Count(reply.Body, l.nonce))
}

// replay starts a further process and gives its answer, "" where it does not serve.
func (l *scene) replay(ctx context.Context, env, file map[string]string, path, cookie string) (string, error) {
	process, err := l.Boot.LaunchChanged(ctx, env, file)
	if err != nil {
		return "", err
	}
	port := process.Port
	outcome, err := start.Watch{Limit: l.Bench.Manifest.Boot, Sick: 2 * time.Second, Grace: 24 * time.Hour}.On(ctx, l.Bench, l.Boot, process)
	if err != nil || !outcome.Served || outcome.Port != port {
		return "", err
	}
	answer := l.answer(ctx, process, path, cookie)
	return answer, process.Kill(ctx)
}
