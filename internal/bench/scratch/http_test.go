package scratch

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
)

func TestHTTPStubRecords(t *testing.T) {
	s := mustStart(t, HTTP, options(t))
	d, other := mustProvision(t, s), mustProvision(t, s)
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return d.Dial(ctx) },
	}}
	defer client.CloseIdleConnections()
	for _, body := range []string{"one", strings.Repeat("x", maxBody+1)} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://stub/pay?id=7", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Nonce", "n1")
		reply, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(reply.Body)
		if err != nil || reply.StatusCode != http.StatusOK || string(text) != "{}" {
			t.Errorf("got %s %q %v", reply.Status, text, err)
		}
		_ = reply.Body.Close()
	}
	if err := CheckQuery(t.Context(), d, nil); err != nil {
		t.Fatal(err)
	}
	got := d.Requests()
	if len(got) != 2 || len(other.Requests()) != 0 {
		t.Fatalf("recorded %d and %d requests, want 2 and 0", len(got), len(other.Requests()))
	}
	first := got[0]
	if first.Method != http.MethodPost || first.Target != "/pay?id=7" || first.Header.Get("X-Nonce") != "n1" || string(first.Body) != "one" {
		t.Errorf("recorded %+v", first)
	}
	if len(got[1].Body) != maxBody {
		t.Errorf("kept %d bytes", len(got[1].Body))
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := dialUnix(d.socket); err == nil {
		t.Error("a closed stub accepts")
	}
}

func TestHTTPStubForgetsTheOldest(t *testing.T) {
	s := &stub{}
	for i := range maxRequests + 1 {
		s.record(Request{Target: strings.Repeat("/", i)})
	}
	if got := s.list(); len(got) != maxRequests || got[0].Target != "/" {
		t.Errorf("kept %d, the first is %q", len(got), got[0].Target)
	}
}

// TestHTTPStubCloses with a client that has sent half a request.
func TestHTTPStubCloses(t *testing.T) {
	d := mustProvision(t, mustStart(t, HTTP, options(t)))
	conn, err := d.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: stub\r\nContent-Length: 10\r\n\r\nhalf"); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestSQLiteFiles(t *testing.T) {
	s := mustStart(t, SQLite, options(t))
	d := mustProvision(t, s)
	if _, err := d.Dial(t.Context()); err == nil {
		t.Error("a file was dialled")
	}
	content := append([]byte("SQLite format 3\x00"), bytes.Repeat([]byte{7}, 100)...)
	for suffix, text := range map[string][]byte{"": content, "-wal": []byte("log"), "-shm": []byte("memory")} {
		if err := os.WriteFile(d.Path+suffix, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	template, err := s.Snapshot(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.Path, []byte("not a database"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := CheckQuery(t.Context(), d, nil); err == nil {
		t.Error("a file of another kind passed")
	}
	copied, err := s.ProvisionFrom(t.Context(), template)
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckQuery(t.Context(), copied, nil); err != nil {
		t.Error(err)
	}
	if got, _ := os.ReadFile(copied.Path); !bytes.Equal(got, content) {
		t.Error("the copy differs")
	}
	if _, err := os.Stat(copied.Path + "-wal"); err != nil {
		t.Error("the write-ahead log was not copied:", err)
	}
	if _, err := os.Stat(copied.Path + "-shm"); err == nil {
		t.Error("the shared memory was copied")
	}
}
