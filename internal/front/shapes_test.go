package front_test

import (
	"fmt"
	"strings"
)

// shape is what a client sends, made of named parts. Each "#####" in it stands
// for the number of the case.
type shape struct {
	parts []string
	raw   string
}

func (s shape) String() string { return strings.Join(s.parts, " | ") }

type part struct{ name, text string }

// hidden is the request that a smuggler wants to get in.
const hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\nX-Case: #####\r\n\r\n"

// last asks to close, so that all replies can be read.
const last = "GET /last HTTP/1.1\r\nHost: a\r\nX-Case: #####\r\nConnection: close\r\n\r\n"

var (
	size    = fmt.Sprint(len(hidden))
	hexSize = fmt.Sprintf("%x", len(hidden))
	chunks  = hexSize + "\r\n" + hidden + "\r\n0\r\n\r\n"
)

// lengths are ways to say a length, coded and not.
func lengths() []part {
	list := []part{
		{"no length", ""},
		{"length", "Content-Length: " + size + "\r\n"},
		{"length 0", "Content-Length: 0\r\n"},
		{"length too long", "Content-Length: 9999\r\n"},
		{"length twice", "Content-Length: " + size + "\r\nContent-Length: " + size + "\r\n"},
		{"lengths differ", "Content-Length: 0\r\nContent-Length: " + size + "\r\n"},
		{"lengths differ, other order", "Content-Length: " + size + "\r\nContent-Length: 0\r\n"},
		{"length with space before the colon", "Content-Length : " + size + "\r\n"},
		{"length with tab before the colon", "Content-Length\t: " + size + "\r\n"},
		{"length without a space", "Content-Length:" + size + "\r\n"},
		{"length after a tab", "Content-Length:\t" + size + "\r\n"},
		{"length with underscore", "Content_Length: " + size + "\r\n"},
		{"length in small letters", "content-length: " + size + "\r\n"},
		{"length after a bare LF", "X-A: b\nContent-Length: " + size + "\r\n"},
		{"length after a bare CR", "X-A: b\rContent-Length: " + size + "\r\n"},
		{"length folded", "Content-Length:\r\n " + size + "\r\n"},
		{"length in a fold", "X-A: b\r\n Content-Length: " + size + "\r\n"},
		{"length with NUL in its name", "Content-Length\x00: " + size + "\r\n"},
	}
	for _, value := range []string{
		size + ", " + size, "0, " + size, size + ",", "+" + size, "-" + size, "-0", "0x" + hexSize, "0" + size, size + ".0", "5e1", "0b1",
		size + " " + size, size + ";", "", "99999999999999999999", "18446744073709551616", size + "\x0b", "\x0b" + size, size + "\x00", size + " ", "\"" + size + "\"", "٥٥", size + "\r",
	} {
		list = append(list, part{fmt.Sprintf("length %q", value), "Content-Length: " + value + "\r\n"})
	}
	return list
}

// codings are ways to name a transfer coding.
func codings() []part {
	const name = "Transfer-Encoding"
	list := []part{
		{"no coding", ""},
		{"chunked", name + ": chunked\r\n"},
		{"coding with space before the colon", name + " : chunked\r\n"},
		{"coding with tab before the colon", name + "\t: chunked\r\n"},
		{"coding without a space", name + ":chunked\r\n"},
		{"coding after a tab", name + ":\tchunked\r\n"},
		{"chunked twice", name + ": chunked\r\n" + name + ": chunked\r\n"},
		{"chunked, then identity", name + ": chunked\r\n" + name + ": identity\r\n"},
		{"identity, then chunked", name + ": identity\r\n" + name + ": chunked\r\n"},
		{"chunked, then cow", name + ": chunked\r\nTransfer-encoding: cow\r\n"},
		{"coding with underscore", "Transfer_Encoding: chunked\r\n"},
		{"coding with NUL in its name", name + "\x00: chunked\r\n"},
		{"coding with NUL before its name", "\x00" + name + ": chunked\r\n"},
		{"coding folded", name + ":\r\n chunked\r\n"},
		{"coding folded with a tab", name + ":\r\n\tchunked\r\n"},
		{"coding after a bare LF", "X-A: b\n" + name + ": chunked\r\n"},
		{"coding after a bare CR", "X-A: b\r" + name + ": chunked\r\n"},
		{"coding in a fold", "X-A: b\r\n " + name + ": chunked\r\n"},
		{"coding ended by a bare LF", name + ": chunked\nX-A: b\r\n"},
		{"coding after a quotation mark", "X-A: \"b\r\n" + name + ": chunked\r\nX-B: \"\r\n"},
		{"TE", "TE: chunked\r\n"},
		{"coding and TE", name + ": chunked\r\nTE: trailers\r\n"},
	}
	for _, value := range []string{
		"Chunked", "CHUNKED", "chun\u212aed", "xchunked", "chunkedx", "chunk", "identity", "chunked, identity", "identity, chunked", "gzip, chunked", "chunked, gzip", "chunked, chunked", "gzip",
		"chunked;q=1", "\"chunked\"", "'chunked'", "chunked ", "chunked\t", "chunked\x0b", "\x0bchunked", "\x0cchunked", "chunked\x00", "chunked\r", "chunked,", ",chunked", "", "chu nked", "chunked chunked", "[chunked]", "\xffchunked", "\u00a0chunked",
	} {
		list = append(list, part{fmt.Sprintf("coding %q", value), name + ": " + value + "\r\n"})
	}
	return list
}

// post is a request to which a field can be added.
func post(fields, body string) string {
	return "POST / HTTP/1.1\r\nHost: a\r\nX-Case: #####\r\n" + fields + "\r\n" + body
}

// framed are all lengths beside all codings, for two methods and versions.
func framed() []shape {
	var all []shape
	for _, start := range []string{"POST / HTTP/1.1", "GET / HTTP/1.1", "POST / HTTP/1.0", "PUT /x HTTP/1.1"} {
		for _, length := range lengths() {
			for _, coding := range codings() {
				for _, body := range []part{{"hidden as the body", hidden}, {"hidden in a chunk", chunks}, {"hidden after the last chunk", "0\r\n\r\n" + hidden}} {
					fields := length.text + coding.text
					if len(all)%2 == 1 {
						fields = coding.text + length.text
					}
					if strings.HasSuffix(start, "1.0") {
						fields += "Connection: keep-alive\r\n"
					}
					all = append(all, shape{
						[]string{start, length.name, coding.name, body.name},
						start + "\r\nHost: a\r\nX-Case: #####\r\n" + fields + "\r\n" + body.text,
					})
				}
			}
		}
	}
	return all
}

// chunked are bodies in chunks that are not quite right.
func chunked() []shape {
	var all []shape
	long := strings.Repeat("a", 5000)
	sizes := []string{
		hexSize, strings.ToUpper(hexSize), "0" + hexSize, "00000" + hexSize, strings.Repeat("0", 40) + hexSize, "0x" + hexSize, "+" + hexSize, "-" + hexSize, " " + hexSize, hexSize + " ", hexSize + "\t",
		hexSize + ";a", hexSize + ";a=b", hexSize + ";a=\"b\"", hexSize + ";a=\"\r\n\"", hexSize + ";", hexSize + " ;a", hexSize + "; a", hexSize + ";a\rb", hexSize + "\r", hexSize + "\n", hexSize + ";a\n", hexSize + ";\x00", hexSize + ";" + long, hexSize + "\x00",
		"", "g", hexSize + "h", "3_2", hexSize + ",", "f" + strings.Repeat("f", 15) + "1", "1" + strings.Repeat("0", 16), "7" + strings.Repeat("f", 15), "8000000000000000", hexSize + " /x HTTP/1.1", hexSize + "\u00a0",
	}
	ends := []part{{"CR LF", "\r\n"}, {"bare LF", "\n"}, {"bare CR", "\r"}, {"nothing", ""}, {"XX", "XX"}, {"CR LF twice", "\r\n\r\n"}, {"one byte more", "X\r\n"}}
	lasts := []part{
		{"0", "0\r\n\r\n"}, {"00", "00\r\n\r\n"}, {"0 with an extension", "0;x=y\r\n\r\n"}, {"0 with bare LF", "0\n\n"}, {"0 with one bare LF", "0\r\n\n"}, {"0 with bare CR", "0\r\r"}, {"-0", "-0\r\n\r\n"}, {"0 and a space", "0 \r\n\r\n"},
		{"0x0", "0x0\r\n\r\n"}, {"0 alone", "0\r\n"}, {"none", ""},
	}
	for _, field := range []string{
		"X-Sum: 7\r\n", "Content-Length: 5\r\n", "Content_Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Host: evil\r\n", "X-Request-Id: forged-by-a-client\r\n", "X-Forwarded-For: 6.6.6.6\r\n", "Connection: close\r\n", "X-A : b\r\n", "Content-Length : 5\r\n", " X-A: b\r\n", "X-A: b\r\n c\r\n",
		"X-A: b\n", "X-A: b\rX-B: c\r\n", "X-A: b\x00\r\n", "X-A\r\n", ": b\r\n", "X\x00A: b\r\n", "X-A: b\r\nX-A: c\r\n", "X-A: " + long + "\r\n", "GET /hidden HTTP/1.1\r\nHost: a\r\n",
	} {
		lasts = append(lasts, part{fmt.Sprintf("trailer %.40q", field), "0\r\n" + field + "\r\n"})
	}
	for _, size := range sizes {
		for _, end := range ends {
			for _, final := range lasts {
				all = append(all, shape{
					[]string{fmt.Sprintf("chunk size %.40q", size), "chunk ended by " + end.name, "last chunk " + final.name},
					post("Transfer-Encoding: chunked\r\n", size+"\r\n"+hidden+end.text+final.text),
				})
			}
		}
	}
	return all
}

// singles are shapes of their own, and the plain forms of the combined ones.
func singles() []shape {
	var all []shape
	add := func(kind, text, raw string) {
		all = append(all, shape{[]string{fmt.Sprintf("%s %.60q", kind, text)}, raw})
	}
	for _, line := range []string{
		"GET / HTTP/1.1", "HEAD / HTTP/1.1", "DELETE / HTTP/1.1", "OPTIONS * HTTP/1.1", "GET * HTTP/1.1", "CONNECT a:80 HTTP/1.1", "CONNECT / HTTP/1.1", "TRACE / HTTP/1.1", "PATCH / HTTP/1.1", "get / HTTP/1.1", "G@T / HTTP/1.1", "G,T / HTTP/1.1", "QUERY / HTTP/1.1", "PRI * HTTP/2.0",
		"GET http://b/x HTTP/1.1", "GET http://b HTTP/1.1", "GET http://b?y HTTP/1.1", "GET HTTP://B/x HTTP/1.1", "GET https://b/x HTTP/1.1", "GET ftp://b/x HTTP/1.1", "GET http://u:p@b/x HTTP/1.1", "GET http:///x HTTP/1.1", "GET http://b:99999/x HTTP/1.1", "GET http:/x HTTP/1.1", "GET http://b/\rx HTTP/1.1", "GET http://a b/x HTTP/1.1", "GET http://b#/x HTTP/1.1", "GET http://b\\@c/x HTTP/1.1",
		"GET //evil/x HTTP/1.1", "GET /a b HTTP/1.1", "GET /a\tb HTTP/1.1", "GET /\x00 HTTP/1.1", "GET /\x7f HTTP/1.1", "GET /\x01 HTTP/1.1", "GET /ü HTTP/1.1", "GET /\xff HTTP/1.1", "GET /#x HTTP/1.1", "GET /a\\b HTTP/1.1", "GET /../x HTTP/1.1", "GET /%00 HTTP/1.1", "GET /%0d%0aX:y HTTP/1.1", "GET /%zz HTTP/1.1", "GET /?a=%0a HTTP/1.1", "GET ?x HTTP/1.1", "GET x HTTP/1.1", "GET  HTTP/1.1", "GET / HTTP/1.1 ", "GET /  HTTP/1.1", "GET  / HTTP/1.1", "GET\t/\tHTTP/1.1", " GET / HTTP/1.1", "\r\nGET / HTTP/1.1", "\nGET / HTTP/1.1", "\r\n\r\nGET / HTTP/1.1", "\rGET / HTTP/1.1",
		"GET / HTTP/1.0", "GET / HTTP/1.2", "GET / HTTP/2.0", "GET / HTTP/0.9", "GET / HTTP/3", "GET / HTTP/1", "GET / http/1.1", "GET / HTTP/01.1", "GET / HTTP/1.10", "GET / HTTP/1.1\x00", "GET / HTTP/1,1", "GET / XTTP/1.1", "GET /#####", "GET", "GET / HTTP/1.1 HTTP/1.1", "GET / HTTP/1.1\r", "GET / HTTP/1.1\nX-B: c", "GET / HTTP/1.1\rX-B: c", "\x16\x03\x01",
	} {
		add("line", line, line+"\r\nHost: a\r\nX-Case: #####\r\n\r\n")
	}
	for _, host := range []string{
		"", "Host: a\r\nHost: b\r\n", "Host: a\r\nHost: a\r\n", "Host: a, b\r\n", "Host: a b\r\n", "Host: \r\n", "Host:a\r\n", "Host : a\r\n", "Host:\r\n a\r\n", "Host: a\x00\r\n", "Host: a@b\r\n", "Host: a/b\r\n", "Host: a#b\r\n", "Host: a?b\r\n", "Host: a:80\r\n", "Host: a:x\r\n", "Host: [::1]\r\n", "Host: a\nX-B: c\r\n", "Host: a\rX-B: c\r\n", "Host: ü\r\n", "Host: a\r\nhost: b\r\n", "Host: <a>\r\n", "Host: a\tb\r\n",
	} {
		add("host", host, "GET / HTTP/1.1\r\n"+host+"X-Case: #####\r\n\r\n")
		add("host and an absolute target,", host, "GET http://b/x HTTP/1.1\r\n"+host+"X-Case: #####\r\n\r\n")
	}
	for _, field := range []string{
		"X-A: \x00\r\n", "X-A: a\x00b\r\n", "X-A: \x01\r\n", "X-A: \x7f\r\n", "X-A: \x0b\r\n", "X-A: \xff\r\n", "X-A: a\rb\r\n", "X-A: a\r\r\n", "X-A: a\nX-B: b\r\n", "X-A: a\r\n b\r\n", "X-A: a\r\n\tb\r\n", "X-A:\r\n b\r\n", "X-A\r\n", ": a\r\n", " : a\r\n", " X-A: a\r\n", "X A: a\r\n", "X-A : a\r\n", "X-A\t: a\r\n", "X-A\x00: a\r\n", "X\xffA: a\r\n", "X(A): a\r\n", "X@A: a\r\n", "\"X-A\": a\r\n", "X_A: a\r\n", "X.A: a\r\n", "X-A:: a\r\n", "X-A:\r\n", "X-A: GET /hidden HTTP/1.1\r\n", "X-A: a\r\n\r", "X-A: a\r\n\n", "X-Request-Id: a\r\n", "X-Request-Id: a\r\nX-Request-Id: b\r\n", "X_Request_Id: a\r\n", "X-A: " + strings.Repeat("a", 7000) + "\r\n", strings.Repeat("X-A: a\r\n", 300),
	} {
		add("field", field, post(field, ""))
		add("field of a GET", field, "GET / HTTP/1.1\r\nHost: a\r\nX-Case: #####\r\n"+field+"\r\n")
	}
	for _, option := range []string{"Content-Length", "Transfer-Encoding", "Host", "X-Request-Id", "close, Content-Length", "keep-alive, Content-Length", "X-Case", "content-length", "Content-Length, Transfer-Encoding", "Connection", "\x00", "close\x00", "Upgrade", "close", "closed", "keep-alive, close", "close\r\nConnection: keep-alive"} {
		field := "Connection: " + option + "\r\n"
		add("option with a length,", option, post(field+"Content-Length: "+size+"\r\n", hidden))
		add("option with chunks,", option, post(field+"Transfer-Encoding: chunked\r\n", chunks))
		add("option with neither,", option, post(field, ""))
	}
	for _, value := range []string{"100-continue", "100-Continue", " 100-continue", "100-continue, x", "x", "", "100-continue\r\nExpect: 100-continue", "100-continue\r\nExpect: x", "100 continue", "200-ok", "100-continue\x00"} {
		field := "Expect: " + value + "\r\n"
		add("expectation with a length,", value, post(field+"Content-Length: "+size+"\r\n", hidden))
		add("expectation with length 0,", value, post(field+"Content-Length: 0\r\n", hidden))
		add("expectation with chunks,", value, post(field+"Transfer-Encoding: chunked\r\n", chunks))
		add("expectation of HTTP/1.0,", value, "POST / HTTP/1.0\r\nHost: a\r\nX-Case: #####\r\nConnection: keep-alive\r\n"+field+"Content-Length: "+size+"\r\n\r\n"+hidden)
		add("expectation of a GET,", value, "GET / HTTP/1.1\r\nHost: a\r\nX-Case: #####\r\n"+field+"\r\n")
	}
	const websocket = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
	for _, upgrade := range []string{
		"Connection: Upgrade\r\nUpgrade: websocket\r\n" + websocket, "Upgrade: websocket\r\n" + websocket, "Connection: Upgrade\r\nUpgrade: h2c\r\n", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n", "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n", "Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n", "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n", "Connection: Upgrade\r\nUpgrade: \x0bwebsocket\r\n", "Connection: Upgrade, Content-Length\r\nUpgrade: websocket\r\n",
	} {
		start := "GET / HTTP/1.1\r\nHost: a\r\nX-Case: #####\r\n" + upgrade
		add("upgrade", upgrade, start+"\r\n")
		add("upgrade with a length,", upgrade, start+"Content-Length: "+size+"\r\n\r\n"+hidden)
		add("upgrade with chunks,", upgrade, start+"Transfer-Encoding: chunked\r\n\r\n"+chunks)
		add("upgrade of a POST,", upgrade, post(upgrade+"Content-Length: "+size+"\r\n", hidden))
	}
	get := "GET /one HTTP/1.1\r\nHost: a\r\nX-Case: #####\r\n\r\n"
	for _, row := range []part{
		{"two", get + get}, {"five", strings.Repeat(get, 5)}, {"a body, then one", post("Content-Length: 5\r\n", "12345") + get}, {"a body and an empty line, then one", post("Content-Length: 5\r\n", "12345\r\n") + get}, {"a body and two empty lines, then one", post("Content-Length: 5\r\n", "12345\r\n\r\n") + get},
		{"an empty line between", get + "\r\n" + get}, {"a bare LF between", get + "\n" + get}, {"a byte too many", post("Content-Length: 5\r\n", "123456") + get}, {"a body that was not announced", post("", "12345") + get}, {"chunks, then one", post("Transfer-Encoding: chunked\r\n", "5\r\n12345\r\n0\r\n\r\n") + get}, {"HEAD with a body", "HEAD / HTTP/1.1\r\nHost: a\r\nX-Case: #####\r\nContent-Length: " + size + "\r\n\r\n" + hidden},
		{"bare LF everywhere", strings.ReplaceAll(get, "\r\n", "\n")}, {"bare CR everywhere", strings.ReplaceAll(get, "\r\n", "\r")}, {"a head that ends with LF LF", "GET / HTTP/1.1\r\nHost: a\r\nX-Case: #####\n\n"}, {"a head that ends with CR LF LF", "GET / HTTP/1.1\r\nHost: a\r\nX-Case: #####\r\n\n"}, {"a head that never ends", "GET / HTTP/1.1\r\nHost: a\r\nX-Case: #####\r\n"},
		{"HTTP/1.0 without keep-alive, then one", "GET / HTTP/1.0\r\nHost: a\r\nX-Case: #####\r\n\r\n" + get}, {"HTTP/1.0 with keep-alive, then one", "GET / HTTP/1.0\r\nHost: a\r\nX-Case: #####\r\nConnection: keep-alive\r\n\r\n" + get}, {"close, then one", "GET / HTTP/1.1\r\nHost: a\r\nX-Case: #####\r\nConnection: close\r\n\r\n" + get},
		{"HTTP/0.9", "GET /#####\r\n"}, {"an empty body in chunks", post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n") + get}, {"one byte in each chunk", post("Transfer-Encoding: chunked\r\n", strings.Repeat("1\r\na\r\n", 200)+"0\r\n\r\n") + get}, {"long extensions", post("Transfer-Encoding: chunked\r\n", strings.Repeat("1;"+strings.Repeat("e", 2000)+"\r\na\r\n", 20)+"0\r\n\r\n") + get},
	} {
		add("row:", row.name, row.text)
	}
	return all
}

// corpus returns all single shapes, each part of the combined ones beside plain
// ones, and about so many further combinations, the same ones each time.
func corpus(more int) []shape {
	all := singles()
	for _, family := range [][]shape{framed(), chunked()} {
		kept := map[string]bool{}
		var rest []shape
		for _, s := range family {
			fresh := false
			for _, name := range s.parts {
				fresh = fresh || !kept[name]
				kept[name] = true
			}
			if fresh {
				all = append(all, s)
			} else {
				rest = append(rest, s)
			}
		}
		if more > 0 {
			// A stride that shares no factor with the tables meets every pair before long.
			step := max(1, 2*len(rest)/more) | 1
			for i := 0; i < len(rest); i += step {
				all = append(all, rest[i])
			}
		}
	}
	return all
}
