package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// site is the pages on a real listener, without the frame of package app.
type site struct {
	*testing.T
	site   *Site
	url    string
	client *http.Client
	log    *bytes.Buffer
	errors []string // that were reported
}

func newSite(t *testing.T) *site {
	s := &site{T: t, log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.site = &Site{Title: "Tea & Cake", Tokens: []string{"old", "token"}, Sessions: Sessions{"key"}, Entries: migrated(t), Log: log,
		Report: func(_ context.Context, err error) { s.errors = append(s.errors, err.Error()) }}
	server := httptest.NewServer(s.site.Handler())
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.url, s.client = server.URL, &http.Client{Jar: jar}
	return s
}

// do sends a request and returns the status and the body of the last reply.
func (s *site) do(method, path string, form url.Values, headers ...string) (*http.Response, string) {
	s.Helper()
	request, err := http.NewRequest(method, s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.Fatal(err)
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := s.client.Do(request)
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.Fatal(err)
	}
	return response, string(body)
}

// want checks a reply for its status and for parts of its body.
func (s *site) want(response *http.Response, body string, status int, parts ...string) {
	s.Helper()
	if response.StatusCode != status {
		s.Errorf("status %d, want %d: %s", response.StatusCode, status, body)
	}
	for _, part := range parts {
		if !strings.Contains(body, part) {
			s.Errorf("%q is not in %s", part, body)
		}
	}
}

func TestGuestSignsTheBook(t *testing.T) {
	s := newSite(t)
	response, body := s.do("GET", "/", nil)
	s.want(response, body, 200, "<h1>Tea &amp; Cake</h1>", "Nobody has written yet", ">Remember<", `value=""`)
	response, body = s.do("POST", "/name", url.Values{"name": {"  Ada <3 "}})
	s.want(response, body, 200, `value="Ada &lt;3"`, ">Change<", "Write something, Ada &lt;3")
	response, body = s.do("POST", "/entries", url.Values{"message": {"<b>Hello</b>"}})
	s.want(response, body, 200, "<p>&lt;b&gt;Hello&lt;/b&gt;</p><small>Ada &lt;3, ")
	s.client.Jar, _ = cookiejar.New(nil)
	response, body = s.do("POST", "/entries", url.Values{"message": {"boo"}})
	s.want(response, body, 200, "<p>boo</p><small>Anonymous, ", `value=""`)
	response, body = s.do("POST", "/entries", url.Values{"message": {" \t"}})
	s.want(response, body, 422, "The message is empty.")
	if n, err := s.site.Entries.(*Store).Count(t.Context()); n != 2 || err != nil {
		t.Errorf("%d entries, %v", n, err)
	}
}

func TestForgedCookiesAreIgnored(t *testing.T) {
	sessions := Sessions{"key"}
	w := httptest.NewRecorder()
	sessions.SetName(w, httptest.NewRequest("GET", "/", nil), "Ada ☕")
	good := w.Result().Cookies()[0]
	if !good.HttpOnly || good.SameSite != http.SameSiteLaxMode || good.Secure || good.MaxAge != 31536000 {
		t.Errorf("the cookie is %v", good)
	}
	value, signature, _ := strings.Cut(good.Value, ".")
	for cookie, want := range map[string]string{
		good.Value: "Ada ☕", value: "", value + ".": "", "x" + good.Value: "", good.Value + "x": "", "." + signature: "", "": "",
		value + "." + Sessions{"other"}.signature(value): "", "?." + sessions.signature("?"): "",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(&http.Cookie{Name: cookieName, Value: cookie})
		if got := sessions.Name(r); got != want {
			t.Errorf("%q gives %q, want %q", cookie, got, want)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Forwarded-Proto", "https")
	w = httptest.NewRecorder()
	sessions.SetName(w, r, "Ada")
	if !w.Result().Cookies()[0].Secure {
		t.Error("a cookie of https is not secure")
	}
}

func TestPrivateRoutesNeedTheToken(t *testing.T) {
	s := newSite(t)
	_, unknown := s.do("GET", "/unknown", nil)
	for _, path := range []string{"/slow", "/fault"} {
		for _, header := range []string{"", "Bearer ", "Bearer toke", "Bearer tokens", "Bearer TOKEN", "token", "bearer token"} {
			response, body := s.do("GET", path, nil, "Authorization", header)
			if response.StatusCode != 404 || body != unknown {
				t.Errorf("%s with %q: %d %s", path, header, response.StatusCode, body)
			}
		}
	}
	for _, token := range s.site.Tokens {
		response, body := s.do("GET", "/slow", nil, "Authorization", "Bearer "+token)
		s.want(response, body, 200, "a second")
	}
	s.site.Tokens = nil
	response, body := s.do("GET", "/slow", nil, "Authorization", "Bearer ")
	s.want(response, body, 404)
}

// broken is a store that is down.
type broken struct{}

func (broken) Add(context.Context, Entry) error             { return errors.New("no ink") }
func (broken) Latest(context.Context, int) ([]Entry, error) { return nil, errors.New("no paper") }

func TestStoreIsDown(t *testing.T) {
	s := newSite(t)
	s.site.Entries = broken{}
	response, body := s.do("GET", "/", nil)
	s.want(response, body, 500, "Something went wrong")
	response, body = s.do("POST", "/entries", url.Values{"message": {"Hello"}})
	s.want(response, body, 500, "Something went wrong")
	if got := strings.Join(s.errors, ", "); got != "GET /: no paper, POST /entries: no ink" {
		t.Errorf("the errors are %s", got)
	}
}

func TestRequestsAreBounded(t *testing.T) {
	s := newSite(t)
	response, body := s.do("POST", "/entries", url.Values{"message": {strings.Repeat("é", 2000)}})
	s.want(response, body, 200, "<p>"+strings.Repeat("é", 1000)+"</p>")
	response, body = s.do("POST", "/entries", url.Values{"message": {strings.Repeat("x", 70<<10)}})
	s.want(response, body, 422)
	response, body = s.do("POST", "/name", url.Values{"name": {"Eve"}}, "Sec-Fetch-Site", "cross-site")
	s.want(response, body, 403)
	response, _ = s.do("GET", "/", nil)
	if response.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(response.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("the headers are %v", response.Header)
	}
	for _, part := range []string{`level=DEBUG msg="entries read" count=1`, `level=DEBUG msg="entry added" length=2000`} {
		if !strings.Contains(s.log.String(), part) {
			t.Errorf("%s is not in %s", part, s.log)
		}
	}
}
