package runner_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// storm is how hard the error mail is tried: by default, and in a soak as the
// goal asks.
type storm struct {
	kinds, errors  int
	every          time.Duration // between two errors
	firsts, digest int           // most mails
}

// F6: a storm of errors makes a handful of mails, and their counts add up to
// every single error.
func TestAStormOfErrorsMakesAHandfulOfMails(t *testing.T) {
	s := storm{kinds: 3, errors: 200, every: 5 * time.Millisecond, firsts: 3, digest: 1}
	if soak {
		s = storm{kinds: 20, errors: 100_000, every: 6 * time.Millisecond, firsts: 20, digest: 12}
	}
	box := openMailbox(t)
	r := start(t, []string{"python3", "faults.py"}, map[string]string{"log.access": "errors"}, box.environ()...)
	for kind := range s.kinds { // the first of each kind by itself: then there is no doubt which request it was
		if err := fault(http.DefaultClient, r.url, kind); err != nil {
			t.Fatal(err)
		}
		if kind < 3 {
			r.await("its mail", func() bool { return len(box.all()) == kind+1 })
		}
	}
	for kind, l := range box.all()[:3] {
		if want := fmt.Sprintf("GET /fault/%d", kind); !strings.Contains(l.body, want) || !strings.Contains(l.body, fmt.Sprintf("fault_%d.py:2", kind)) || l.count != 1 {
			t.Errorf("want a mail about %s, got %q, %d errors:\n%s", want, l.subject, l.count, l.body)
		}
	}
	failed, slowest := s.blow(r.url)
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	digests := box.with(" errors of ")
	firsts := len(box.all()) - len(digests)
	if len(digests) > s.digest || len(digests) == 0 || firsts > s.firsts {
		t.Errorf("got %d mails about a kind and %d digests, want %d and %d at most:\n%s", firsts, len(digests), s.firsts, s.digest, box.subjects())
	}
	if box.told() != s.errors {
		t.Errorf("the mails tell %d errors of %d", box.told(), s.errors)
	}
	if failed > 0 {
		t.Errorf("%d requests did not get their 500", failed)
	}
	t.Logf("%d errors of %d kinds: %d mails about a kind, %d digests; the slowest request took %s", s.errors, s.kinds, firsts, len(digests), slowest)
}

// blow raises the errors that are left, from several clients.
func (s storm) blow(url string) (failed int64, slowest time.Duration) {
	const clients = 16 // each waits for its answer
	var next, bad, longest atomic.Int64
	next.Store(int64(s.kinds))
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			client := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
			defer client.CloseIdleConnections()
			tick := time.NewTicker(clients * s.every)
			defer tick.Stop()
			for {
				n := next.Add(1) - 1
				if n >= int64(s.errors) {
					return
				}
				begun := time.Now()
				if fault(client, url, int(n)%s.kinds) != nil {
					bad.Add(1)
				}
				longest.Store(max(longest.Load(), int64(time.Since(begun))))
				<-tick.C
			}
		})
	}
	all.Wait()
	return bad.Load(), time.Duration(longest.Load()).Round(time.Millisecond)
}

func fault(client *http.Client, url string, kind int) error {
	reply, err := client.Get(fmt.Sprintf("%s/fault/%d?secret=%d", url, kind, kind))
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if _, err := io.Copy(io.Discard, reply.Body); err != nil {
		return err
	}
	if reply.StatusCode != http.StatusInternalServerError {
		return fmt.Errorf("got %s", reply.Status)
	}
	return nil
}
