package front

import (
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/front/upstream"
)

// trusts reports whether the peer is a proxy that is believed.
func (f *Front) trusts(r *http.Request) (addr string, trusted bool) {
	addr, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr, overUnixSocket(r) // who may connect is the file's mode
	}
	if len(f.options.Trusted) == 0 {
		return addr, false
	}
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return addr, false
	}
	ip = ip.Unmap().WithZone("")
	for _, prefix := range f.options.Trusted {
		if prefix.Contains(ip) {
			return addr, true
		}
	}
	return addr, false
}

// overUnixSocket reports whether a request came by a unix socket. That its peer
// has no address does not say so: a TCP peer that has reset has none either.
func overUnixSocket(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && local.Network() == "unix"
}

// requestID returns the client's id when a trusted proxy sent a sane one, and
// 128 random bits in hex otherwise.
func (x *exchange) requestID() string {
	if given := x.r.Header["X-Request-Id"]; x.trusted && len(given) == 1 && saneID(given[0]) {
		return given[0]
	}
	var text [32]byte
	if _, err := io.ReadFull(x.front.options.Random, x.random[:]); err != nil {
		return "unknown"
	}
	hex.Encode(text[:], x.random[:])
	return string(text[:])
}

func saneID(id string) bool {
	if len(id) < 8 || len(id) > 128 {
		return false
	}
	for i := range len(id) {
		b := id[i]
		if (b < 'a' || b > 'z') && (b < 'A' || b > 'Z') && (b < '0' || b > '9') && strings.IndexByte("-_.:=+/@", b) < 0 {
			return false
		}
	}
	return true
}

// endsConnection reports whether the connection must end with this request. Of
// a transfer coding beside a length, or one in HTTP/1.0, net/http keeps one and
// forgets the other; another proxy may have kept the other one, and what follows
// would be a request to us and a body to it. As no trace is left of such a pair,
// all that may have been one count (RFC 9112, sections 6.1 and 6.3). PRI is how
// HTTP/2 begins, which is not served without TLS.
func endsConnection(r *http.Request) bool {
	return r.Method == "PRI" || r.ProtoMajor == 1 && (r.ProtoMinor == 0 || len(r.TransferEncoding) > 0)
}

// target returns the request target in origin form, as it came: an absolute
// one loses its scheme and host (RFC 9112, section 3.2.2). An asterisk is for
// OPTIONS alone.
func target(r *http.Request) (string, bool) {
	uri := r.RequestURI
	if len(uri) > 0 && uri[0] != '/' && uri != "*" {
		_, after, ok := strings.Cut(uri, "://")
		if !ok {
			return "", false
		}
		at := strings.IndexAny(after, "/?#")
		switch {
		case at < 0:
			uri = "/"
		case after[at] == '/':
			uri = after[at:]
		default:
			uri = "/" + after[at:]
		}
	}
	if uri == "*" && r.Method != http.MethodOptions || r.Method == "PRI" {
		return "", false
	}
	return uri, upstream.ValidTarget(uri) && r.Method != http.MethodConnect
}

// ours reports whether a field, by its canonical name, is the front's to say.
// Names that differ only in underscores would be the same to a CGI-like
// application, so they are ours too.
func ours(name string) bool {
	if strings.IndexByte(name, '_') >= 0 {
		name = textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(name, "_", "-"))
	}
	switch name {
	case "Host", "Forwarded", "X-Real-Ip", "X-Request-Id", "X-Request-Start", "Proxy", "Content-Length", "Expect":
		return true
	}
	return strings.HasPrefix(name, "X-Forwarded-") || upstream.HopByHop(name)
}

// kept reports whether a field of ours goes through when a trusted proxy sent it.
func kept(name string) bool {
	switch name {
	case "Forwarded", "X-Real-Ip":
		return true
	case "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host":
		return false // written anew
	}
	return strings.HasPrefix(name, "X-Forwarded-")
}

// endToEnd returns the fields of a request's trailer that a worker may see: a
// trailer is not the place to frame, route, encode or vouch for a request (RFC
// 9110, section 6.5.1), and whoever merges it with the head would believe it.
func endToEnd(trailer http.Header) http.Header {
	if len(trailer) == 0 {
		return nil
	}
	passed := http.Header{}
	for name, values := range trailer {
		switch name {
		case "Authorization", "Cookie", "Content-Encoding", "Content-Range", "Content-Type":
			continue
		}
		bad := func(value string) bool { return !upstream.ValidField(name, value) }
		if !ours(name) && upstream.ValidField(name, "") && !slices.ContainsFunc(values, bad) {
			passed[name] = values
		}
	}
	return passed
}

// appendHead writes the request for the worker, from the request line to the
// empty line.
func (x *exchange) appendHead(dst []byte) []byte {
	r := x.r
	dst = upstream.AppendStart(dst, r.Method, x.target, r.Host)
	listed := listedFields(r.Header["Connection"])
	for name, values := range r.Header {
		if ours(name) && (!x.trusted || !kept(name)) || listed != nil && slices.Contains(listed, name) {
			continue
		}
		for _, value := range values {
			dst = upstream.AppendField(dst, name, value)
		}
	}
	dst = x.appendForwarded(dst)
	dst = upstream.AppendField(dst, "X-Request-Id", x.id)
	dst = append(dst, "X-Request-Start: t="...)
	dst = strconv.AppendInt(dst, x.start.UnixMilli(), 10)
	dst = append(dst, "\r\n"...)
	dst = x.appendFraming(dst)
	return append(dst, "\r\n"...)
}

func (x *exchange) appendFraming(dst []byte) []byte {
	r := x.r
	switch {
	case x.upgrade:
		return append(dst, "Connection: Upgrade\r\nUpgrade: websocket\r\n"...)
	case x.stream && x.expect:
		dst = append(dst, "Expect: 100-continue\r\n"...)
	}
	for name := range endToEnd(r.Trailer) {
		dst = upstream.AppendField(dst, "Trailer", name)
	}
	if x.stream || len(x.body) > 0 {
		return upstream.AppendLength(dst, r.ContentLength)
	}
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return upstream.AppendLength(dst, 0)
	}
	if r.ContentLength == 0 && r.Header["Content-Length"] != nil {
		return upstream.AppendLength(dst, 0)
	}
	return dst
}

func (x *exchange) appendForwarded(dst []byte) []byte {
	r := x.r
	proto, host := "http", r.Host
	if r.TLS != nil {
		proto = "https"
	}
	dst = append(dst, "X-Forwarded-For: "...)
	if x.trusted {
		for _, value := range r.Header["X-Forwarded-For"] {
			dst = append(append(dst, value...), ", "...)
		}
		proto = firstOr(r.Header["X-Forwarded-Proto"], proto)
		host = firstOr(r.Header["X-Forwarded-Host"], host)
	}
	dst = append(append(dst, x.client...), "\r\n"...)
	dst = upstream.AppendField(dst, "X-Forwarded-Proto", proto)
	return upstream.AppendField(dst, "X-Forwarded-Host", host)
}

func firstOr(values []string, otherwise string) string {
	if len(values) == 0 || values[0] == "" {
		return otherwise
	}
	return values[0]
}

// listedFields returns the canonical names that Connection fields list.
func listedFields(values []string) []string {
	var listed []string
	for _, value := range values {
		for option := range strings.SplitSeq(value, ",") {
			option = textproto.TrimString(option)
			if option != "" && !strings.EqualFold(option, "close") && !strings.EqualFold(option, "keep-alive") {
				listed = append(listed, textproto.CanonicalMIMEHeaderKey(option))
			}
		}
	}
	return listed
}
