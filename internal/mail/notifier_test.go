package mail

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func open(t *testing.T, config Config) *Notifier {
	t.Helper()
	n, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func end(t *testing.T, n *Notifier) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := n.Close(ctx); err != nil {
		t.Error(err)
	}
}

func fault() Event {
	return Event{Fingerprint: "9f3a", Title: "ValueError: no number in 'abc'", Language: "Python", Where: "shop/cart.py:42 in total", Worker: "web.1", Release: "v7",
		Request: "POST /cart", RequestID: "r-1", Level: slog.LevelError,
		Text: "Traceback (most recent call last):\n  File \"/srv/shop/cart.py\", line 42, in total\n    return int(x)\nValueError: no number in 'abc'\npostgres://shop:opensesame@db/shop\n"}
}

func TestAnErrorIsMailedAtOnceAndReadsWell(t *testing.T) {
	s := serve(t, nil, nil)
	n := open(t, Config{About: About{"shop", "production", "host-1"}, Sender: through(t, "smtp://"+s.address, "a@x.org"), Secrets: []string{"sw0rdfish"}})
	e := fault()
	e.Text += "key sw0rdfish\n"
	n.Report(e)
	poll(t, "the mail", func() bool { return len(s.all()) == 1 })
	end(t, n)
	m := s.all()[0]
	if m.subject != "[shop production] ValueError: no number in 'abc'" || m.count(t) != 1 {
		t.Errorf("got %q", m.subject)
	}
	for _, want := range []string{
		"where    shop/cart.py:42 in total\n", "count    1 new, 1 since 20", "release  v7\n", "host     host-1, web.1\n", "request  POST /cart, id r-1\n",
		"    return int(x)\n", "postgres://[scrubbed]@db/shop", "key [scrubbed]\n", "roadworthy mail mute 9f3a --for 24h",
	} {
		if !strings.Contains(m.body, want) {
			t.Errorf("missing %q in\n%s", want, m.body)
		}
	}
	if stats := n.Stats(); stats.Sent != 1 || stats.Told != 1 || stats.Pending != 0 || stats.LastSuccess.IsZero() || !stats.Enabled {
		t.Errorf("got %+v", stats)
	}
}

// What is pending is told when the program ends, but a program that ends all
// the time does not mail each time.
func TestTheEndTellsWhatIsPending(t *testing.T) {
	s := serve(t, nil, nil)
	path := filepath.Join(t.TempDir(), "state.json")
	for round, want := range []int{2, 2} { // mails in all, after each round
		n := open(t, Config{Sender: through(t, "smtp://"+s.address, "a@x.org"), Path: path, Closing: time.Hour})
		for range 5 {
			n.Report(fault())
		}
		if round == 0 {
			poll(t, "the first mail", func() bool { return len(s.all()) >= 1 })
			for range 3 {
				n.Report(fault())
			}
		}
		end(t, n)
		if len(s.all()) != want {
			t.Fatalf("round %d: %d mails, want %d", round, len(s.all()), want)
		}
	}
	told := uint64(0)
	for _, m := range s.all() {
		told += m.count(t)
	}
	if told != 8 {
		t.Errorf("the mails tell %d errors, want 8", told)
	}
	n := open(t, Config{Path: path})
	if stats := n.Stats(); stats.Pending != 5 || stats.Reported != 13 {
		t.Errorf("after the second round got %+v", stats)
	}
	end(t, n)
}

// Who has not been told of a kind is told at once, whatever others know.
func TestForOthersEveryKindIsNews(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	for round, audience := range []string{"a", "a", "b"} {
		s := serve(t, nil, nil)
		n := open(t, Config{Sender: through(t, "smtp://"+s.address, audience+"@x.org"), Path: path, Audience: audience})
		n.Report(fault())
		if round != 1 {
			poll(t, "the mail", func() bool { return len(s.all()) == 1 })
		}
		end(t, n)
		if got, want := len(s.all()), []int{1, 0, 1}[round]; got != want {
			t.Errorf("round %d: %d mails, want %d", round, got, want)
		}
	}
}

// Goal: 10,000 traces a minute of 20 kinds for 10 minutes give at most 20
// first mails and 12 digests, with exact counts, and nobody waits.
func TestStorm(t *testing.T) {
	s := serve(t, nil, nil) // outside of the bubble: its goroutines wait for the network
	path := filepath.Join(t.TempDir(), "state.json")
	synctest.Test(t, func(t *testing.T) {
		n := open(t, Config{About: About{Application: "shop"}, Sender: through(t, "smtp://"+s.address, "a@x.org"), Path: path})
		waited := time.Duration(0)
		for i := range 100_000 {
			e := fault()
			e.Fingerprint = fmt.Sprint("kind-", i%20)
			before := time.Now()
			n.Report(e)
			waited += time.Since(before)
			time.Sleep(6 * time.Millisecond)
		}
		if stats := n.Stats(); stats.Told+stats.Pending != 100_000 || waited != 0 {
			t.Errorf("waited %v, %+v", waited, stats)
		}
		mails, digests, told := 0, 0, uint64(0)
		for _, m := range s.all() {
			told += m.count(t)
			if m.header.Get("X-Roadworthy-Fingerprint") != "" {
				mails++
			} else {
				digests++
			}
		}
		if stats := n.Stats(); stats.Told != told || mails > 20 || digests > 12 || digests == 0 || stats.Retries+stats.Refused != 0 {
			t.Errorf("%d mails and %d digests tell %d, %+v", mails, digests, told, stats)
		}
		t.Logf("%d mails, %d digests for 100,000 errors", mails, digests)
		time.Sleep(24 * time.Hour) // the storm is over: all the rest is told
		synctest.Wait()
		told = 0
		for _, m := range s.all() {
			told += m.count(t)
		}
		if told != 100_000 {
			t.Errorf("%d of 100000 are told", told)
		}
		end(t, n)
	})
}

// flaky fails as it is told.
type flaky struct {
	mu    sync.Mutex
	err   error
	tried int
	told  uint64
	texts []string
}

func (f *flaky) Send(_ context.Context, m Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tried++
	if f.err == nil {
		f.told += m.Count
		f.texts = append(f.texts, m.Subject+"\n"+m.Body)
	}
	return f.err
}

func (f *flaky) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func TestADeadServerIsTriedLessAndLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{err: errTest}
		n := open(t, Config{Sender: f})
		for range 3600 {
			n.Report(fault())
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if f.tried < 10 || f.tried > 30 {
			t.Errorf("%d attempts in an hour", f.tried)
		}
		if stats := n.Stats(); stats.Pending != 3600 || stats.Retries != uint64(f.tried) || stats.LastError == "" || stats.Due != 1 {
			t.Errorf("got %+v", stats)
		}
		f.set(nil)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if stats := n.Stats(); stats.Told != 3600 || f.told != 3600 || len(f.texts) != 1 {
			t.Errorf("%d told in %d mails, %+v", f.told, len(f.texts), stats)
		}
		end(t, n)
	})
}

func TestARefusedMailIsDroppedAndItsErrorsAreNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{err: fmt.Errorf("%w: 550", ErrRefused)}
		n := open(t, Config{Sender: f})
		n.Report(fault())
		synctest.Wait()
		if stats := n.Stats(); f.tried != 1 || stats.Refused != 1 || stats.Pending != 1 {
			t.Errorf("tried %d, %+v", f.tried, stats)
		}
		f.set(nil)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if stats := n.Stats(); stats.Told != 1 || stats.Pending != 0 {
			t.Errorf("got %+v", stats)
		}
		end(t, n)
	})
}

// stalled answers only when the context ends.
type stalled struct{ began atomic.Int32 }

func (s *stalled) Send(ctx context.Context, _ Message) error {
	s.began.Add(1)
	<-ctx.Done()
	return ctx.Err()
}

func TestAStallingServerHoldsNobodyUp(t *testing.T) {
	s := &stalled{}
	path := filepath.Join(t.TempDir(), "state.json")
	n := open(t, Config{Sender: s, Path: path, Timeout: time.Hour})
	n.Report(fault())
	poll(t, "the attempt", func() bool { return s.began.Load() == 1 })
	for range 1000 {
		n.Report(fault()) // would hang here
	}
	if len(n.Groups()) != 1 || n.Stats().Pending != 1001 {
		t.Errorf("got %+v", n.Stats())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := n.Close(ctx); err != nil {
		t.Error(err)
	}
	again := open(t, Config{Path: path})
	if again.Stats().Pending != 1001 {
		t.Errorf("after the end: %+v", again.Stats())
	}
	end(t, again)
}

func TestACrashLoopDoesNotMailTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{}
		path := filepath.Join(t.TempDir(), "state.json")
		for range 50 { // each start fails alike
			n := open(t, Config{Sender: f, Path: path})
			n.Report(fault())
			time.Sleep(2 * time.Second)
			end(t, n)
		}
		if len(f.texts) != 2 || f.told < 30 {
			t.Errorf("%d mails tell %d", len(f.texts), f.told)
		}
		n := open(t, Config{Sender: f, Path: path})
		if stats := n.Stats(); stats.Reported != 50 || stats.Told != f.told || stats.Pending != 50-f.told {
			t.Errorf("%d told, %+v", f.told, stats)
		}
		end(t, n)
	})
}

// A program that is killed while a mail is under way reads the state of just
// before: nothing is lost, and nothing is mailed again at once.
func TestKilledWhileSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state.json")
		s := &stalled{}
		killed := open(t, Config{Sender: s, Path: path, Timeout: time.Hour})
		killed.Report(fault())
		killed.Report(fault())
		synctest.Wait()
		left, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		copied := path + ".copy"
		if err := os.WriteFile(copied, left, 0o600); err != nil {
			t.Fatal(err)
		}
		f := &flaky{}
		n := open(t, Config{Sender: f, Path: copied})
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if f.tried != 0 || n.Stats().Pending == 0 {
			t.Errorf("tried %d at once, %+v", f.tried, n.Stats())
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if f.told == 0 || n.Stats().Pending != 0 {
			t.Errorf("told %d, %+v", f.told, n.Stats())
		}
		end(t, n)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = killed.Close(ctx)
	})
}

func TestABrokenStateIsPutAside(t *testing.T) {
	for _, text := range []string{"", "{", `{"version":99}`, `{"version":1,"groups":[{"fingerprint":"a","total":1,"told":2}]}`, `{"version":1,"groups":[null]}`} {
		folder := t.TempDir()
		path := filepath.Join(folder, "state.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		n := open(t, Config{Path: path, Log: slog.New(slog.NewTextHandler(&log, nil))})
		n.Report(fault())
		end(t, n)
		found, _ := filepath.Glob(path + ".broken-*")
		if len(found) != 1 || !strings.Contains(log.String(), "put_aside") {
			t.Errorf("%q: put aside %q, log %s", text, found, log.String())
			continue
		}
		if kept, _ := os.ReadFile(found[0]); string(kept) != text {
			t.Errorf("%q became %q", text, kept)
		}
		if data, err := os.ReadFile(path); err != nil || !json.Valid(data) {
			t.Errorf("%q: %v %s", text, err, data)
		}
	}
}

func TestAStateThatCannotBeSavedIsTold(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "gone")
	n := open(t, Config{Path: filepath.Join(folder, "state.json")})
	n.Report(fault())
	if err := n.Close(context.Background()); err == nil || n.Stats().StateError == "" {
		t.Errorf("got %v, %+v", err, n.Stats())
	}
}

func TestNoSecretOnDiskNorInGroups(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	n := open(t, Config{Path: path, Secrets: []string{"sw0rdfish"}})
	e := fault()
	e.Title += " sw0rdfish"
	e.Request = "GET /?token=sw0rdfish"
	n.Report(e)
	groups, err := json.Marshal(n.Groups())
	if err != nil {
		t.Fatal(err)
	}
	end(t, n)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(groups), string(data)} {
		if strings.Contains(text, "sw0rdfish") || strings.Contains(text, "opensesame") || !strings.Contains(text, "[scrubbed]") {
			t.Errorf("got %s", text)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// A text that is made a secret later leaves what was kept before: the groups,
// and the file, also where it is hidden only by the next one who opens it.
func TestWhatWasKeptLosesSecretsThatAreDeclaredLater(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	synctest.Test(t, func(t *testing.T) {
		first := open(t, Config{Path: path})
		for _, secret := range []string{"sw0rdfish", "abracadabra"} {
			e := fault()
			e.Fingerprint, e.Title, e.Text = secret, "ValueError: "+secret, secret+"\nand more"
			first.Report(e)
		}
		kept := func() string {
			time.Sleep(time.Minute) // longer than between two saves
			synctest.Wait()
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			return string(data)
		}
		told := func(n *Notifier) string { return n.Groups()[0].Title + n.Groups()[1].Title }
		if text := kept(); !strings.Contains(text, "ValueError: sw0rdfish") || !strings.Contains(text, "ValueError: abracadabra") {
			t.Fatalf("nobody said that these are secrets: %s", text)
		}
		first.Hide([]string{"sw0rdfish"})
		if strings.Contains(told(first), "sw0rdfish") {
			t.Errorf("the groups hold the secret: %s", told(first))
		}
		if text := kept(); strings.Contains(text, "ValueError: sw0rdfish") || strings.Contains(text, "sw0rdfish\\n") {
			t.Errorf("the file holds the secret: %s", text)
		}
		end(t, first)
		next := open(t, Config{Path: path, Secrets: []string{"abracadabra"}})
		if strings.Contains(told(next), "abracadabra") {
			t.Errorf("the next one's groups hold its secret: %s", told(next))
		}
		if text := kept(); strings.Contains(text, "ValueError: abracadabra") || strings.Contains(text, "abracadabra\\n") {
			t.Errorf("the next one's file holds its secret: %s", text)
		}
		end(t, next)
	})
}

func TestManyReportersCountExactly(t *testing.T) {
	f := &flaky{}
	n := open(t, Config{Sender: f, MaxKinds: 5, Path: filepath.Join(t.TempDir(), "state.json")})
	var reporters sync.WaitGroup
	for who := range 8 {
		reporters.Go(func() {
			for i := range 500 {
				e := fault()
				e.Fingerprint = fmt.Sprint(who * i % 11)
				n.Report(e)
				if i%100 == 0 {
					n.Groups()
					n.Mute("0", time.Now())
					n.Fixed("1")
				}
			}
		})
	}
	reporters.Wait()
	end(t, n)
	if stats := n.Stats(); stats.Reported != 4000 || stats.Told+stats.Pending != 4000 || stats.Told != f.told {
		t.Errorf("%d told, %+v", f.told, stats)
	}
}

func TestLongTracesAreCapped(t *testing.T) {
	e := fault()
	e.Text = "head\n" + strings.Repeat("middle ü\n", 100_000) + "tail"
	e.Title = strings.Repeat("ü", 10_000)
	c := e.capped()
	if len(c.Text) > maxText || len(c.Title) > maxWords || !strings.HasPrefix(c.Text, "head\n") || !strings.HasSuffix(c.Text, "tail") || !strings.Contains(c.Text, "… cut …") {
		t.Errorf("%d and %d bytes", len(c.Text), len(c.Title))
	}
	if strings.ToValidUTF8(c.Text+c.Title, "") != c.Text+c.Title {
		t.Error("a character is cut in two")
	}
}

func BenchmarkReport(b *testing.B) {
	n, err := Open(Config{})
	if err != nil {
		b.Fatal(err)
	}
	e := fault()
	for b.Loop() {
		n.Report(e)
	}
	_ = n.Close(context.Background())
}
