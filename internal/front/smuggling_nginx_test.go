package front_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const nginxConfig = `daemon off; master_process off; worker_processes 1;
pid FOLDER/nginx.pid; error_log FOLDER/error.log crit;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path FOLDER/body; proxy_temp_path FOLDER/proxy; fastcgi_temp_path FOLDER/fastcgi; uwsgi_temp_path FOLDER/uwsgi; scgi_temp_path FOLDER/scgi;
	client_header_timeout 1s; client_body_timeout 1s; keepalive_timeout 1s; lingering_close off;
	large_client_header_buffers 4 64k;
	upstream worker { server WORKER; keepalive 64; }
	server {
		listen unix:FOLDER/front;
		server_name a;
		location / {
			proxy_pass http://worker;
			proxy_http_version 1.1;
			proxy_next_upstream off;
			proxy_set_header Connection "";
			proxy_set_header Host $host;
			proxy_set_header X-Request-Id $request_id;
		}
	}
}
`

// startNginx starts Debian's nginx as a proxy before the worker, on a socket in
// a folder of its own: no port of somebody else's can be in the way.
func startNginx(t *testing.T, worker string) (dial func() (net.Conn, error)) {
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		path = "/usr/sbin/nginx" // not in everybody's PATH
	}
	if _, err := os.Stat(path); err != nil {
		t.Skip("nginx is missing: apt-get install nginx-light")
	}
	folder, err := os.MkdirTemp("", "nginx") // t.TempDir is too long for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(folder, "conf")
	if err := os.WriteFile(config, []byte(strings.NewReplacer("FOLDER", folder, "WORKER", worker).Replace(nginxConfig)), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path, "-p", folder, "-c", config, "-e", filepath.Join(folder, "error.log"))
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		os.RemoveAll(folder)
	})
	dial = func() (net.Conn, error) { return net.Dial("unix", filepath.Join(folder, "front")) }
	until(t, "nginx listens", func() bool {
		conn, err := dial()
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
	return dial
}

// difference is a kind of shape of which one proxy lets fewer requests through.
type difference struct {
	who    string // see compare
	shapes string // a regular expression on their names
	reason string
}

var differences = []difference{
	{"we close", `hunked|coding|chunk`, "net/http forgets a length beside chunks, after which RFC 9112, section 6.1, wants the connection closed; nginx refuses the pair and goes on after chunks alone"},
	{"we close", `HTTP/1\.0`, "net/http forgets a coding in HTTP/1.0, after which the connection has to be closed too"},
	{"we close", `"close\\r\\nConnection: keep-alive"`, "close is listed: it wins with us, the last field with nginx"},

	{"we refuse", `^chunk size "(30|30 )" .*last chunk (0 with bare LF|0 alone|trailer (" X|": b|"GET|"X-A\\r|"X-A: b\\x00|"X\\x00A))`, "a trailer that is not made of fields; nginx throws trailers away unread"},
	{"we refuse", `^chunk size "30;a=b" .*last chunk trailer " X`, "the same"},
	{"we refuse", `last chunk trailer "X-A: a{30}`, "a trailer of more than 4 KiB"},
	{"we refuse", `chunk ended by bare LF|^chunk size "30\\n"`, "a bare LF among chunks"},
	{"we refuse", `^chunk size "0{40}`, "more than 16 digits, be they zeros"},
	{"we refuse", `^chunk size "30 (;a|/x)`, "bytes after the size and a space, which nginx passes over; a proxy that takes the line for a request's would see another request"},
	{"we refuse", `^chunk size "30;a{30}|"long extensions"`, "extensions of more bytes than the data"},
	{"we refuse", `^expectation.*"(x|100 continue|200-ok)"`, "an expectation that cannot be met (RFC 9110, section 10.1.1); nginx passes over it"},
	{"we refuse", `^(field|upgrade).*(\\x01|\\x7f|\\v)`, "a control character in a value"},
	{"we refuse", `^field.*"X-A: a\\r\\r\\n"|^POST .*length "48\\r"`, "CR CR LF"},
	{"we refuse", `^field.*"(X-A\\r\\n|X\(A\)|X@A|X\\xffA|\\"X-A\\")`, "a line without a colon, or a name that is no token; nginx leaves the field out"},
	{"we refuse", `^field of a GET "X-A: a\\r\\n\\n"|^row: "(an empty line|a bare LF) between"|^line "(\\r|\\n)+GET`, "an empty line before a request that follows no POST"},
	{"we refuse", `^host.*Host: (<a>|a#b|a\?b|a@b|ü)`, "a host with a character that none has"},
	{"we refuse", `"GET /#+"|"HTTP/0\.9"`, "HTTP/0.9"},
	{"we refuse", `^line "(GET  / HTTP|GET /  HTTP|GET / HTTP/1.1 "|GET / HTTP/1\.10)`, "a request line with further spaces, or a version of three digits"},

	{"nginx", `a fold|folded|^field.*("( :| X-A)|\\r\\n( |\\t)b|X-A:\\r\\n b)|Host:\\r\\n a`, "an obsolete fold: we replace it by a space (RFC 9112, section 5.2)"},
	{"nginx", `length twice`, "one length, told twice (RFC 9110, section 8.6)"},
	{"nginx", `length after a tab`, "a tab before a value, which is allowed"},
	{"nginx", `^POST / HTTP/1.1 .*length.*(chunked|coding)`, "a length beside chunks: the chunks count, and then the connection is closed"},
	{"nginx", `^(POST / HTTP/1\.0 .*(chunked|coding))`, "a coding in HTTP/1.0: the length counts, and then the connection is closed"},
	{"nginx", `^expectation.*100-continue\\r\\nExpect`, "two expectations, of which the first counts"},
	{"nginx", `^host.*"Host: \\r\\n"`, "an empty host, which is allowed"},
	{"nginx", `^line "(GET /%00|GET /\.\./x)`, "a path that nginx would not look for on a disk; we do not interpret it"},
	{"nginx", `^line "GET http:(///x|//u:p@b/x)`, "an absolute target without a host, or with a user, which does not go on"},
	{"nginx", `^line "OPTIONS \*`, "a question to the front, which net/http answers with an empty 200"},
	{"nginx", `^line "(TRACE|get)`, "a method that is the application's to refuse"},
	{"nginx", `^option.*"closed"`, "nginx takes it for close"},
	{"nginx", `^row: "(a byte too many|a body that was not announced)"`, "a method with digits, which is allowed: it begins where the length said, for nginx too"},
}

// compare says who let fewer requests through, the others being the same ones:
// "", "we refuse", "we close" (after a request that was answered), "nginx", or
// "neither" when they are not the same.
func compare(ours, theirs passed) string {
	n, m := len(ours.reached), len(theirs.reached)
	least := min(n, m)
	switch {
	case !slices.Equal(ours.reached[:least], theirs.reached[:least]):
		return "neither"
	case n > m:
		return "nginx"
	case n == m:
		return ""
	}
	final := ours.replies[strings.LastIndex(ours.replies, "HTTP/1.")+1:]
	if n > 0 && strings.Contains(final, "X-Served: ") && strings.Contains(final, "Connection: close") {
		return "we close"
	}
	return "we refuse"
}

// TestSmugglingBesideNginx sends the same shapes to nginx and to our front. Each
// may refuse what the other takes, for a reason that is told above; but what
// both let through must be the same requests, with the same bounds.
func TestSmugglingBesideNginx(t *testing.T) {
	t.Parallel()
	worker := newRecorder(t, true)
	dial := startNginx(t, worker.listener.Addr().String())
	shapes := corpus(120)
	begin := time.Now()
	theirs := fire(t, worker, shapes, 64, dial)
	patient := impatient
	patient.Header, patient.KeepAlive, patient.BodyGrace = time.Second, time.Second, time.Second
	ours := behindUs(t, shapes, patient, 64)
	for _, wrong := range worker.wrong {
		t.Errorf("nginx sent its worker %s", wrong)
	}
	used, of, same := make([]bool, len(differences)), make([]*regexp.Regexp, len(differences)), 0
	for j, d := range differences {
		of[j] = regexp.MustCompile(d.shapes)
	}
	for i, s := range shapes {
		who := compare(ours[i], theirs[i])
		if who == "" {
			same++
			continue
		}
		told := false
		for j, d := range differences {
			if d.who == who && of[j].MatchString(s.String()) {
				used[j], told = true, true
			}
		}
		if !told {
			t.Errorf("%s: fewer pass: %s; behind us %q, behind nginx %q; we said %.60q, nginx %.60q", s, who, ours[i].reached, theirs[i].reached, ours[i].replies, theirs[i].replies)
		}
	}
	for j, d := range differences {
		if !used[j] {
			t.Errorf("there is no difference at %s, by which %s", d.shapes, d.who)
		}
	}
	t.Logf("%d shapes in %v: the same for %d", len(shapes), time.Since(begin).Round(time.Millisecond), same)
}
