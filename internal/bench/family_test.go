package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

func TestFamilyHasDescendantsOnly(t *testing.T) {
	all := []sandbox.ProcessInfo{
		{PID: 9, Parent: 5}, {PID: 5, Parent: 3}, {PID: 3, Parent: 1}, {PID: 4, Parent: 1}, {PID: 6, Parent: 5, State: "Z"},
		{PID: 8, Parent: 1, Session: 3},
	}
	var pids []int
	for _, info := range familyOf(all, 3) {
		pids = append(pids, info.PID)
	}
	if fmt.Sprint(pids) != "[9 5 3 8]" {
		t.Errorf("got %v", pids)
	}
}

func TestConnectionsAreOursAndAtThePort(t *testing.T) {
	p := &Process{Port: 80, boot: &Boot{front: "10.1.1.1"}}
	got := p.Connections(sandbox.ProcessInfo{Accepted: []string{
		"127.0.0.1:80 10.1.1.1:4000", "127.0.0.1:81 10.1.1.1:4001", "127.0.0.1:80 127.0.0.1:4002", "127.0.0.1:80 10.1.1.11:4003",
	}})
	if len(got) != 1 || got[0] != "10.1.1.1:4000" {
		t.Errorf("got %v", got)
	}
}

func TestWorkersAreLikeThoseThatAccept(t *testing.T) {
	p := &Process{PID: 1, Port: 80, boot: &Boot{front: "10.1.1.1"}}
	taken := []string{"127.0.0.1:80 10.1.1.1:4000"}
	family := []sandbox.ProcessInfo{
		{PID: 1, Args: []string{"app"}, Accepted: taken},
		{PID: 4, Args: []string{"app"}, Started: 9},
		{PID: 3, Args: []string{"app"}, Accepted: taken, Started: 8},
		{PID: 5, Args: []string{"logger"}},
	}
	got := p.workers(family)
	if len(got) != 2 || got[0].PID != 3 || got[1].PID != 4 {
		t.Errorf("got %v", got)
	}
	behind := []sandbox.ProcessInfo{
		{PID: 1, Args: []string{"front"}, Accepted: taken, Listening: []string{"0.0.0.0:80"}},
		{PID: 2, Args: []string{"app"}, Listening: []string{"127.0.0.1:9001"}, Started: 2},
		{PID: 3, Args: []string{"app"}, Listening: []string{"127.0.0.1:9002"}, Started: 3},
		{PID: 4, Args: []string{"logger"}},
	}
	if got := p.workers(behind); len(got) != 2 || got[0].PID != 2 {
		t.Errorf("behind a process that hands requests on: %v", got)
	}
	behind[0].Accepted = nil
	if got := p.workers(behind); len(got) != 0 {
		t.Errorf("nobody accepts, but there are workers: %v", got)
	}
	if got := p.workers(family[:1]); len(got) != 0 {
		t.Errorf("a process without children has workers: %v", got)
	}
}

func TestEncodedRequestIsReadAsItWasMeant(t *testing.T) {
	for _, want := range []Request{
		{Method: "GET", Target: "/a?b=c", Header: map[string]string{"X-A": "b"}},
		{Method: "POST", Target: "/", Type: "text/plain", Body: []byte("hello"), Fresh: true},
		{Method: "POST", Target: ""},
	} {
		got, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(want.Encode(81, len(want.Body)))))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(got.Body)
		if err != nil || string(body) != string(want.Body) {
			t.Errorf("got body %q, %v", body, err)
		}
		if got.Method != want.Method || want.Target != "" && got.RequestURI != want.Target || got.Host != "127.0.0.1:81" ||
			got.Close != want.Fresh || got.Header.Get("Content-Type") != want.Type || got.Header.Get("X-A") != want.Header["X-A"] {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestRedirectStaysInTheApplication(t *testing.T) {
	for _, c := range []struct {
		status   int
		location string
		want     string
		ok       bool
	}{
		{303, "/b", "/b", true},
		{302, "c?d=e", "/a/c?d=e", true},
		{302, "http://127.0.0.1:99/x", "/x", true},
		{302, "http://elsewhere.example/x", "", false},
		{200, "/b", "", false},
		{304, "", "", false},
		{302, "http://[", "", false},
	} {
		got, ok := redirect(Reply{Target: "/a/", Status: c.status, Header: http.Header{"Location": {c.location}}})
		if got != c.want || ok != c.ok {
			t.Errorf("%d %q: got %q, %t", c.status, c.location, got, ok)
		}
	}
}
