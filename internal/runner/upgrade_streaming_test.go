package runner_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Streams do not hold an upgrade up: they end by their policy, where that can
// be waited for, and nobody else notices.
func TestUpgradesEndStreams(t *testing.T) {
	for policy, c := range map[string]struct {
		drain string
		code  uint16 // of the WebSocket's close frame; 0 for none
	}{
		"close": {"10s", 1001},
		"cut":   {"10s", 0},
		// The default of times.drain lets them linger for longer than an upgrade can wait.
		"linger": {"25s", 0},
	} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			p := launch(t, "", []string{"python3", "streams.py"}, map[string]string{"streams": policy, "times.drain": c.drain, "log.access": "errors"}, nil, nil)
			p.ready(2)
			before := p.pids()
			ws := dialSocket(t, p.url)
			events, err := http.Get(p.url + "/events")
			if err != nil {
				t.Fatal(err)
			}
			defer events.Body.Close()
			quiet := visit(t, p.url)
			if err := quiet.ask(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan string, 2)
			go func() {
				if echoes, code, err := ws.chat(); err != nil || code != c.code || echoes == 0 {
					t.Errorf("the websocket ended with %d after %d echoes, %v; want %d", code, echoes, err, c.code)
				}
				ended <- "websocket"
			}()
			go func() {
				text, err := io.ReadAll(events.Body)
				if clean := err == nil && bytes.HasSuffix(text, []byte("\n\n")); clean != (c.code != 0) || len(text) == 0 {
					t.Errorf("the event stream ended with %v: …%q", err, text[max(0, len(text)-40):])
				}
				ended <- "event stream"
			}()
			load := p.traffic(3)
			time.Sleep(300 * time.Millisecond)
			begun := time.Now()
			out, err := p.order("upgrade")
			took := time.Since(begun)
			if err != nil {
				t.Errorf("upgrade: %v: %s\n%s", err, out, tailOf(p.log()))
			}
			for range 2 {
				select {
				case <-ended:
				case <-time.After(10 * time.Second):
					t.Fatal("a stream does not end")
				}
			}
			failed, slowest := load()
			if len(failed) > 0 {
				t.Errorf("%d requests failed: %v", len(failed), failed[0])
			}
			if err := quiet.ask(); err != nil {
				t.Errorf("the connection that was kept open: %v", err)
			}
			if now := p.pids(); now != before {
				t.Errorf("workers %q, before %q", now, before)
			}
			if took > 6*time.Second {
				t.Errorf("it took %s: as long as if it had waited for the streams", took)
			}
			again := dialSocket(t, p.url)
			if err := again.send(1, []byte("again")); err != nil {
				t.Fatal(err)
			}
			if _, text, err := again.receive(); err != nil || !strings.HasSuffix(string(text), " again") {
				t.Errorf("after the upgrade: %q, %v", text, err)
			}
			t.Logf("%s; took %s, the slowest other request %s", strings.TrimSpace(out), took.Round(time.Millisecond), slowest)
		})
	}
}
