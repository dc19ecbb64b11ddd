package bench

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// forwardedProto is what a proxy that speaks TLS with the clients adds.
const forwardedProto = "X-Forwarded-Proto"

// overTLS tells whether requests come as from a proxy that speaks TLS with the clients.
func (b *Boot) overTLS() bool {
	return b != nil && b.bench != nil && b.bench.Manifest.Behind == manifest.BehindHTTPS
}

// AsForwarded adds to a request of raw bytes what the proxy in front would add.
func (b *Boot) AsForwarded(request string) string {
	if b.overTLS() {
		request = strings.Replace(request, "\r\nHost:", "\r\n"+forwardedProto+": https\r\nHost:", 1)
	}
	return request
}

// forwarded is the request with the headers that a browser and the proxy in
// front add over TLS. The referer is one that frameworks ask for there, where
// a form is sent without an origin.
func (b *Boot) forwarded(r Request, port int) Request {
	if !b.overTLS() {
		return r
	}
	header := map[string]string{forwardedProto: "https"}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header["Referer"] = fmt.Sprintf("https://127.0.0.1:%d/", port)
	}
	maps.Copy(header, r.Header)
	r.Header = header
	return r
}

// tlsJar keeps and gives cookies as over TLS, those marked Secure as well.
type tlsJar struct{ http.CookieJar }

func (j tlsJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.CookieJar.SetCookies(secured(u), cookies)
}

func (j tlsJar) Cookies(u *url.URL) []*http.Cookie { return j.CookieJar.Cookies(secured(u)) }

func secured(u *url.URL) *url.URL {
	secure := *u
	secure.Scheme = "https"
	return &secure
}

// sentToTLS reports whether a reply sends the client to the same page over TLS.
func sentToTLS(reply Reply) bool {
	at, err := url.Parse(reply.Header.Get("Location"))
	same, ok := redirect(reply)
	target, parsed := url.Parse(reply.Target)
	return ok && err == nil && parsed == nil && at.Scheme == "https" && same == target.RequestURI()
}

// wantsTLS is the problem of an application that answers over TLS alone.
func (p *Process) wantsTLS(reply Reply) error {
	m := p.boot.bench.Manifest
	fix := "add behind: https to " + m.Path
	if p.boot.overTLS() {
		fix = "let it believe " + forwardedProto + " of a proxy at a private address"
	}
	return &problem.Problem{
		Code: "RW-B05", Summary: "the application redirects its first page to https", At: strings.Join(p.Args, " "),
		Got:  fmt.Sprintf("%s, location %s", reply.Outcome(), reply.Header.Get("Location")),
		Want: "an answer over HTTP, as from a proxy that speaks TLS with the clients", Fix: fix, Cause: ErrNotStarted,
	}
}
