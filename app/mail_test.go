package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"github.com/roadworthy-dev/roadworthy/app"
)

// mailbox is a mail server that keeps what it gets.
type mailbox struct {
	mu    sync.Mutex
	mails []string
}

func (m *mailbox) all() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.mails...)
}

func (m *mailbox) Reset()                               {}
func (m *mailbox) Logout() error                        { return nil }
func (m *mailbox) Mail(string, *smtp.MailOptions) error { return nil }
func (m *mailbox) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (m *mailbox) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mails = append(m.mails, string(text))
	return err
}

func newMailbox(t *testing.T) (*mailbox, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mailbox{}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return m, nil }))
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Close(); listener.Close(); <-done }) // a server that has not begun to serve does not close it
	return m, "smtp://" + listener.Addr().String()
}

func cart(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/half" {
		fmt.Fprint(w, "half")
		http.NewResponseController(w).Flush()
	}
	w.Header().Set("Content-Type", "application/pdf")
	var items []int
	_ = items[3] // panics
}

func TestAPanicIsLoggedMailedAndNotShown(t *testing.T) {
	box, url := newMailbox(t)
	r := begin(t, map[string]string{"ERROR_MAIL": "a@x.org", "SMTP_URL": url, "ENVIRONMENT": "staging"}, app.Options{Setup: handler(cart)})
	code, body, header := ask(t, r.url+"/cart?secret=1", "X-Request-Id", "r-17")
	if code != 500 || body != "Internal Server Error\n" || header.Get("X-Request-Id") != "r-17" || strings.Contains(header.Get("Content-Type"), "pdf") {
		t.Errorf("got %d %q %v", code, body, header)
	}
	poll(t, "the mail", func() bool { return len(box.all()) == 1 })
	mail := box.all()[0]
	for _, want := range []string{"[shop staging] panic: runtime error: index out of range [3] with length 0", "app/mail_test.go", "GET /cart, id r-17", "goroutine "} {
		if !strings.Contains(strings.ReplaceAll(strings.ReplaceAll(mail, "=\r\n", ""), "\r\n ", " "), want) {
			t.Errorf("missing %q in\n%s", want, mail)
		}
	}
	records := r.log.records(t, "panic in a handler")
	if raw := r.log.String(); strings.Index(raw, `"request_id":"r-17"`) > strings.Index(raw, `"stack":`) {
		t.Errorf("the id comes after the stack, where a datagram is cut: %s", raw)
	}
	if len(records) != 1 || records[0]["level"] != "ERROR" || records[0]["request_id"] != "r-17" || !strings.Contains(records[0]["stack"].(string), "mail_test.go") {
		t.Errorf("got %v", records)
	}
	answer, err := http.Get(r.url + "/half")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err == nil {
		t.Errorf("half an answer looks whole: %q", text)
	}
	requests := r.log.records(t, "request")
	if len(requests) < 1 || requests[0]["path"] != "/cart" || requests[0]["status"] != 500.0 || strings.Contains(r.log.String(), "secret=1") {
		t.Errorf("got %v", requests)
	}
}

// What is mailed are stack traces, as by the runtime: of Report, of panics, and
// those that the application itself logs.
func TestStackTracesInTheLogAreMailed(t *testing.T) {
	box, url := newMailbox(t)
	r := begin(t, map[string]string{"ERROR_MAIL": "a@x.org", "SMTP_URL": url}, app.Options{Setup: func(a *app.App) (http.Handler, error) {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			a.Log.WarnContext(r.Context(), "nothing to worry about")
			a.Log.With("cart", 7).ErrorContext(r.Context(), "cannot pay", "error", errors.New("bank is closed"))
			a.Report(r.Context(), &os.PathError{Op: "open", Path: "x", Err: os.ErrNotExist})
			a.Log.With("cart", 8).ErrorContext(r.Context(), "recovered", "stack", "panic: no ink\n\n"+string(debug.Stack()))
		}), nil
	}})
	ask(t, r.url+"/")
	poll(t, "the mails", func() bool { return len(box.all()) == 2 })
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	all := strings.ReplaceAll(strings.ReplaceAll(strings.Join(box.all(), "\n"), "=\r\n", ""), "=22", `"`)
	for _, want := range []string{"Subject: [shop] fs.PathError: open x", "Subject: [shop] panic: no ink", `"cart":8`} {
		if !strings.Contains(all, want) {
			t.Errorf("missing %q in\n%s", want, all)
		}
	}
	if len(box.all()) != 2 || strings.Contains(all, "bank is closed") {
		t.Errorf("an error without a stack trace is mailed:\n%s", all)
	}
	if got := r.log.records(t, "nothing to worry about"); len(got) != 1 || got[0]["level"] != "WARNING" || got[0]["request_id"] == nil {
		t.Errorf("got %v", got)
	}
}

func TestTheEndTellsWhatIsPending(t *testing.T) {
	box, url := newMailbox(t)
	r := begin(t, map[string]string{"ERROR_MAIL": "a@x.org", "SMTP_URL": url}, app.Options{Setup: handler(cart)})
	for range 3 {
		ask(t, r.url+"/cart")
		poll(t, "the first mail", func() bool { return len(box.all()) == 1 })
	}
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	if all := box.all(); len(all) != 2 || !strings.Contains(all[1], "X-Roadworthy-Count: 2") {
		t.Errorf("got %q", all)
	}
}

func TestItMailsNothingWhereTheRuntimeDoes(t *testing.T) {
	box, url := newMailbox(t)
	r := begin(t, map[string]string{"ERROR_MAIL": "a@x.org", "SMTP_URL": url, "ROADWORTHY_WORKER": "web.1", "ROADWORTHY_SUPPLIES": "error.mail,log.syslog", "SYSLOG_URL": "udp://127.0.0.1:9"}, app.Options{Setup: handler(cart)})
	ask(t, r.url+"/cart")
	r.stop()
	if err := r.wait(t); err != nil || len(box.all()) != 0 || len(r.log.records(t, "panic in a handler")) != 1 {
		t.Errorf("%v, %d mails", err, len(box.all()))
	}
}

// The same fault is one kind whatever value it names, and another type or
// another place is another kind.
func TestAKindOfErrorIsATypeAtAPlace(t *testing.T) {
	box, url := newMailbox(t)
	r := begin(t, map[string]string{"ERROR_MAIL": "a@x.org", "SMTP_URL": url}, app.Options{Setup: func(a *app.App) (http.Handler, error) {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			a.Report(r.Context(), fmt.Errorf("no user %s", r.URL.Path[1:]))
			if r.URL.Path == "/eve" {
				a.Report(r.Context(), fmt.Errorf("look: %w", os.ErrNotExist))
				a.Report(r.Context(), fmt.Errorf("look: %w", &os.PathError{Op: "open", Path: "x", Err: os.ErrNotExist}))
			}
		}), nil
	}})
	ask(t, r.url+"/ann")
	poll(t, "the first mail", func() bool { return len(box.all()) == 1 })
	ask(t, r.url+"/bob")
	ask(t, r.url+"/eve")
	poll(t, "the mails of other kinds", func() bool { return len(box.all()) == 3 })
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	if all := box.all(); len(all) != 4 || !strings.Contains(all[3], "X-Roadworthy-Count: 2") || !strings.Contains(all[3], "no user") {
		t.Errorf("got %d mails: %q", len(all), all)
	}
	for _, record := range r.log.records(t, "error") {
		if stack := record["stack"].(string); strings.Contains(stack, "(*App).Report") || !strings.Contains(stack, "goroutine ") || !strings.Contains(stack, "mail_test.go") {
			t.Errorf("the stack of the caller begins elsewhere: %s", stack)
		}
	}
}

// A client that leaves is nobody's fault. What else went wrong is told.
func TestAClientThatLeavesIsNoError(t *testing.T) {
	box, url := newMailbox(t)
	came, told := make(chan struct{}), make(chan struct{})
	r := begin(t, map[string]string{"ERROR_MAIL": "a@x.org", "SMTP_URL": url}, app.Options{Setup: func(a *app.App) (http.Handler, error) {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(came)
			<-r.Context().Done()
			a.Report(r.Context(), fmt.Errorf("read: %w", r.Context().Err()))
			a.Report(r.Context(), &os.PathError{Op: "open", Path: "x", Err: os.ErrNotExist})
			a.Report(context.Background(), fmt.Errorf("our own: %w", context.Canceled))
			close(told)
		}), nil
	}})
	conn, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: shop\r\n\r\n")
	<-came
	conn.Close()
	<-told
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	if errs := r.log.records(t, "error"); len(errs) != 2 || len(box.all()) != 2 || strings.Contains(strings.Join(box.all(), ""), "read: context") {
		t.Errorf("%d mails about %v", len(box.all()), errs)
	}
}
