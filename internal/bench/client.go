package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// Request is one HTTP request to the application.
type Request struct {
	Method string
	Target string // path and query
	Header map[string]string
	Body   []byte
	Type   string        // content type of the body
	Fresh  bool          // on a connection of its own
	Within time.Duration // time limit; default 30 s
}

// Reply is what came back, or why nothing did.
type Reply struct {
	Method   string        `json:"method"`
	Target   string        `json:"target"`
	Status   int           `json:"status"` // 0 where nothing came back
	Header   http.Header   `json:"header,omitempty"`
	Body     string        `json:"body,omitempty"` // at most 1 MiB, made valid UTF-8
	Err      string        `json:"err,omitempty"`  // "" where the reply is whole
	Open     bool          `json:"open,omitempty"` // of a Wire: the end of the connection alone ended its body (RFC 9112, section 6.3)
	Nonce    string        `json:"nonce,omitempty"`
	Started  time.Time     `json:"started"`
	Duration time.Duration `json:"duration"` // until the last byte
	Local    string        `json:"-"`        // our end of its connection, "IP:port"; "" where there was none
}

// Outcome says in a few words how a request ended.
func (r Reply) Outcome() string {
	if r.Err != "" {
		return r.Err
	}
	return strconv.Itoa(r.Status) + " " + http.StatusText(r.Status)
}

// OK reports whether a whole reply came back with a status below 400.
func (r Reply) OK() bool { return r.Err == "" && r.Status > 0 && r.Status < 400 }

const maxBody = 1 << 20

// Client sends requests to one or several processes of a boot, in turn, with
// one cookie jar. It is not safe for several goroutines; Do is stateless
// enough to be called by several when no cookies matter.
type Client struct {
	boot    *Boot
	targets []*Process
	next    int
	jar     http.CookieJar
	pooled  *http.Transport // connections are used again, as browsers do
	single  *http.Transport // each request has one of its own
	forms   []form          // of the last page
}

// Client makes a client for the given processes, in turn.
func (b *Boot) Client(targets ...*Process) *Client {
	c := newClient(b.Dial, targets)
	c.boot = b
	if b.overTLS() {
		c.jar = tlsJar{c.jar}
	}
	return c
}

func newClient(dial func(ctx context.Context, port string) (net.Conn, error), targets []*Process) *Client {
	jar, _ := cookiejar.New(nil) // fails never without options
	c := &Client{targets: targets, jar: jar}
	c.pooled = &http.Transport{
		DisableCompression: true, MaxIdleConnsPerHost: 64,
		// The host name of the URL is the port: connections are pooled per process.
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return dial(ctx, port)
		},
	}
	c.single = c.pooled.Clone()
	c.single.DisableKeepAlives = true
	return c
}

// Dial opens a connection to a port of the application.
func (b *Boot) Dial(ctx context.Context, port string) (net.Conn, error) {
	return b.sandbox.Dial(ctx, "tcp", "127.0.0.1:"+port, b.front)
}

// Close closes the idle connections.
func (c *Client) Close() { c.pooled.CloseIdleConnections() }

// Cookies returns the client's cookies, as a header value.
func (c *Client) Cookies() string {
	var list []string
	for _, cookie := range c.jar.Cookies(c.url(c.targets[0], "/")) {
		list = append(list, cookie.Name+"="+cookie.Value)
	}
	return strings.Join(list, "; ")
}

func (c *Client) url(p *Process, target string) *url.URL {
	u, err := url.Parse(target)
	if err != nil {
		u = &url.URL{Path: target}
	}
	u.Scheme, u.Host = "http", "127.0.0.1:"+strconv.Itoa(p.Port)
	return u
}

// Get requests a path.
func (c *Client) Get(ctx context.Context, target string) Reply {
	return c.Do(ctx, Request{Method: http.MethodGet, Target: target})
}

// Do sends one request to the next process in turn. The nonce of the request
// is in X-Request-Id and in the user agent.
func (c *Client) Do(ctx context.Context, request Request) Reply {
	p := c.targets[c.next%len(c.targets)]
	if len(c.targets) > 1 {
		c.next++
	}
	return c.To(ctx, p, request)
}

// To sends one request to a process. It may be called by several goroutines.
func (c *Client) To(ctx context.Context, p *Process, request Request) Reply {
	reply := Reply{Method: request.Method, Target: request.Target, Started: time.Now()}
	if request.Within == 0 {
		request.Within = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, request.Within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, request.Method, c.url(p, request.Target).String(), bytes.NewReader(request.Body))
	if err != nil {
		reply.Err = err.Error()
		return reply
	}
	request = c.boot.forwarded(request, p.Port)
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)")
	if request.Type != "" {
		req.Header.Set("Content-Type", request.Type)
	}
	for name, value := range request.Header {
		req.Header.Set(name, value)
		if strings.EqualFold(name, "Host") {
			req.Host = value
		}
	}
	reply.Nonce = req.Header.Get("X-Request-Id")
	c.receive(req, request.Fresh, &reply)
	reply.Duration = time.Since(reply.Started)
	return reply
}

func (c *Client) receive(req *http.Request, fresh bool, reply *Reply) {
	client := http.Client{
		Transport: c.pooled, Jar: c.jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	// A request that changes something cannot be sent twice (RFC 9110 section
	// 9.2.2): it must not meet a connection that is being closed.
	if fresh || req.Method == http.MethodPost || req.Method == http.MethodPatch {
		client.Transport = c.single
	}
	trace := &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) { reply.Local = got.Conn.LocalAddr().String() }}
	res, err := client.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err != nil {
		reply.Err = plainError(err)
		return
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	reply.Status, reply.Header = res.StatusCode, res.Header
	reply.Body = strings.ToValidUTF8(string(body), "\uFFFD")
	if err != nil {
		reply.Err = plainError(err)
	}
}

// plainError drops the method and URL that net/http puts before its errors.
func plainError(err error) string {
	text := err.Error()
	if wrapped, ok := err.(*url.Error); ok { //nolint:errorlint // the outermost only
		text = wrapped.Err.Error()
	}
	return text
}

// Step sends one declared step: $nonce stands for nonce, $NAME for the value
// of a setting. A form is completed with the hidden fields of the last page,
// which is how frameworks carry their tokens. Redirects after a form are
// followed like a browser does; every reply is returned.
func (c *Client) Step(ctx context.Context, step manifest.Step, nonce string) []Reply {
	return c.StepWith(ctx, step, nonce, nil)
}

// StepWith is Step with further headers.
func (c *Client) StepWith(ctx context.Context, step manifest.Step, nonce string, header map[string]string) []Reply {
	request := c.request(step, nonce)
	maps.Copy(request.Header, header)
	reply := c.Do(ctx, request)
	replies := []Reply{reply}
	for range 5 {
		target, ok := redirect(reply)
		if !ok {
			break
		}
		reply = c.Do(ctx, Request{Method: http.MethodGet, Target: target, Header: header})
		replies = append(replies, reply)
	}
	c.forms = formsOf(reply)
	return replies
}

func (c *Client) request(step manifest.Step, nonce string) Request {
	expand := func(text string) string { return c.boot.Expand(text, nonce) }
	r := Request{Method: step.Method, Target: expand(step.Path), Header: map[string]string{}}
	for name, value := range step.Headers {
		r.Header[name] = expand(value)
	}
	switch {
	case step.JSON != "":
		r.Body, r.Type = []byte(expand(step.JSON)), "application/json"
		if token := c.csrfCookie(); token != "" {
			r.Header["X-CSRFToken"] = token
		}
	case step.Form != nil:
		fields := url.Values{}
		for _, field := range c.hidden(step.Path) {
			fields.Set(field[0], field[1])
		}
		for _, field := range step.Form {
			fields.Set(field[0], expand(field[1]))
		}
		r.Body, r.Type = []byte(fields.Encode()), "application/x-www-form-urlencoded"
	}
	return r
}

func (c *Client) csrfCookie() string {
	for _, cookie := range c.jar.Cookies(c.url(c.targets[0], "/")) {
		if strings.Contains(strings.ToLower(cookie.Name), "csrf") || strings.EqualFold(cookie.Name, "XSRF-TOKEN") {
			return cookie.Value
		}
	}
	return ""
}

// Expand puts the nonce and the values of settings into a text of the manifest.
func (b *Boot) Expand(text, nonce string) string {
	return manifest.Expand(text, func(name string) (string, bool) {
		if name == "nonce" {
			return nonce, true
		}
		value, ok := b.Values.Set[name]
		return value, ok
	})
}

// Session runs the whole declared traffic once and returns every reply.
func (c *Client) Session(ctx context.Context, nonce string) []Reply {
	var replies []Reply
	for _, step := range c.boot.bench.Manifest.Traffic {
		replies = append(replies, c.Step(ctx, step, nonce)...)
	}
	return replies
}

// StatusRequest is the declared request for the status route with a token;
// "" leaves the header out.
func (b *Boot) StatusRequest(token string) Request {
	status := b.bench.Manifest.Status
	r := Request{Method: http.MethodGet, Target: status.Path, Header: map[string]string{}}
	if token != "" {
		name, form, _ := strings.Cut(status.Header, ":")
		r.Header[strings.TrimSpace(name)] = strings.ReplaceAll(strings.TrimSpace(form), "$token", token)
	}
	return r
}

// Describe says a request in a few words, without what is secret in it.
func (r Request) Describe() string { return fmt.Sprintf("%s %s", r.Method, r.Target) }
