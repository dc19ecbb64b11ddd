package runner_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench/dnssink"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/runner"
)

// pebble is a certificate authority that speaks ACME, in a module of its own
// so that nobody else has to load it.
var pebble = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "rw")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "pebble")
	build := exec.Command("go", "build", "-o", path, "github.com/letsencrypt/pebble/v2/cmd/pebble")
	build.Dir = filepath.Join(here, "../../tools/pebble")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return os.ReadFile(path)
})

// authority is a running pebble. It validates by name and port, and each name
// below .test is this machine.
type authority struct {
	t         *testing.T
	directory string
	roots     string // file that its own server is known by
	issuer    *x509.CertPool
	output    string
	cmd       *exec.Cmd
}

// account is known to an authority: its key identifier, and its MAC key in
// base64url.
type account struct{ id, key string }

func accountsOf(list []account) map[string]string {
	keys := map[string]string{}
	for _, a := range list {
		keys[a.id] = a.key
	}
	return keys
}

// openAuthority starts one that asks at these ports, and gives certificates of
// a validity in seconds; only to these accounts, where there are any.
func openAuthority(t *testing.T, httpPort, tlsPort, validity int, accounts ...account) *authority {
	t.Helper()
	binary, err := pebble()
	if err != nil {
		t.Skipf("the certificate authority cannot be built: go -C tools/pebble mod download (%v)", err)
	}
	dir := t.TempDir()
	own := certificate(t, dir)
	address, management := freeAddress(t), freeAddress(t)
	a := &authority{t: t, directory: "https://" + address + "/dir", roots: filepath.Join(dir, "cert.pem"), output: filepath.Join(dir, "output")}
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": address, "managementListenAddress": management, "httpPort": httpPort, "tlsPort": tlsPort,
		"certificate": a.roots, "privateKey": filepath.Join(dir, "key.pem"), "keyAlgorithm": "ecdsa",
		"retryAfter":                     map[string]int{"authz": 1, "order": 1}, // seconds
		"externalAccountBindingRequired": len(accounts) > 0, "externalAccountMACKeys": accountsOf(accounts),
		"profiles": map[string]any{"default": map[string]any{"description": "of the test", "validityPeriod": validity}},
	}})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "config.json"), config, 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "pebble"), binary, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	output, err := os.Create(a.output)
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	a.cmd = exec.Command(filepath.Join(dir, "pebble"), "-config", filepath.Join(dir, "config.json"), "-dnsserver", nameServer(t))
	a.cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_VA_ALWAYS_VALID=0", "PEBBLE_AUTHZREUSE=0")
	a.cmd.Stdout, a.cmd.Stderr = output, output
	a.cmd = started(t, a.cmd)
	t.Cleanup(a.end)
	a.issuer = a.issuerRoots("https://"+management+"/roots/0", own)
	return a
}

// issuerRoots asks, once the authority answers, by what its certificates are
// known.
func (a *authority) issuerRoots(url string, own *x509.CertPool) *x509.CertPool {
	a.t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: own}, DisableKeepAlives: true}
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		reply, err := client.Get(url)
		if err == nil {
			text, err := io.ReadAll(reply.Body)
			reply.Body.Close()
			pool := x509.NewCertPool()
			if err != nil || !pool.AppendCertsFromPEM(text) {
				a.t.Fatalf("the authority's root is %q, %v", text, err)
			}
			return pool
		}
		if time.Now().After(end) {
			a.t.Fatalf("the authority does not answer: %v\n%s", err, a.log())
		}
	}
}

// end kills it: it keeps nothing.
func (a *authority) end() {
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
}

func (a *authority) log() string {
	text, _ := os.ReadFile(a.output)
	return string(text)
}

// orders is how many certificates were asked for.
func (a *authority) orders() int { return strings.Count(a.log(), " orders in the db") }

// nameServer knows the names of the test.
func nameServer(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	names := dnssink.New(dnssink.Options{})
	for _, name := range []string{"app.test", "www.app.test", "other.test"} {
		names.Set(name, netip.MustParseAddr("127.0.0.1"))
	}
	names.Serve(listener)
	t.Cleanup(func() { names.Close() })
	return listener.Addr().String()
}

func freeAddress(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", freePort(t))
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return int(a.Port())
}

// shake makes one handshake for a name, and returns what the server showed.
func (a *authority) shake(address, name string) (*x509.Certificate, error) {
	dialer := &net.Dialer{Timeout: 60 * time.Second}
	conn, err := tls.DialWithDialer(dialer, "tcp", address, &tls.Config{ServerName: name, RootCAs: a.issuer})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0], nil
}

// settings let a master get its certificates here.
func (a *authority) settings(listen, folder string, more ...string) map[string]string {
	set := map[string]string{
		"listen": listen, "tls.domains": "app.test,www.app.test", "tls.directory": a.directory, "tls.roots": a.roots, "tls.folder": folder, "tls.email": "ops@app.test",
	}
	for i := 0; i+1 < len(more); i += 2 {
		set[more[i]] = more[i+1]
	}
	return set
}

// private lists the files below a folder, which nobody else may read.
func private(t *testing.T, folder string) (names []string) {
	t.Helper()
	err := filepath.Walk(folder, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 && path != folder {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		if !info.IsDir() {
			names = append(names, info.Name())
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %s", path, info.Mode())
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// The first handshake gets a certificate that the authority gives after it has
// asked the front for the proof, over TLS or over plain HTTP; a restart uses it
// again; and nobody makes us ask for a name that is not ours.
func TestCertificatesComeByACME(t *testing.T) {
	for challenge, over := range map[string]struct{ tls, http bool }{"tls-alpn-01": {tls: true}, "http-01": {http: true}} {
		t.Run(challenge, func(t *testing.T) {
			t.Parallel()
			listen, plain, nowhere := freeAddress(t), freeAddress(t), portOf(t, freeAddress(t))
			httpPort, tlsPort := nowhere, nowhere
			if over.tls {
				tlsPort = portOf(t, listen)
			}
			if over.http {
				httpPort = portOf(t, plain)
			}
			a := openAuthority(t, httpPort, tlsPort, 86400)
			folder := filepath.Join(t.TempDir(), "certificates")
			set := a.settings(listen, folder, "tls.plain", plain, "limits.connections", "1000")
			p := launch(t, "", languages["python"], set, nil, nil)
			p.ready(2)
			begun := time.Now()
			first, err := a.shake(listen, "app.test")
			if err != nil {
				t.Fatalf("the first handshake: %v\n%s\n%s", err, tailOf(p.log()), tailOf(a.log()))
			}
			took := time.Since(begun)
			if asked := strings.Contains(a.log(), "Attempting to validate w/ HTTP"); asked != over.http {
				t.Errorf("asked over HTTP: %t, with %s", asked, challenge)
			}
			orders := a.orders()
			for range 3 {
				if again, err := a.shake(listen, "APP.test"); err != nil || again.SerialNumber.Cmp(first.SerialNumber) != 0 {
					t.Errorf("a later handshake: %v", err)
				}
			}
			if _, err := a.shake(listen, "other.test"); err == nil {
				t.Error("a name that is not ours was served")
			}
			if _, err := a.shake(listen, ""); err == nil {
				t.Error("no name at all was served")
			}
			if n := a.orders(); n != orders {
				t.Errorf("%d orders, want %d", n, orders)
			}
			names := private(t, folder)
			if joined := strings.Join(names, " "); !strings.Contains(joined, "app.test") || !strings.Contains(joined, "acme_account+key") {
				t.Errorf("kept are %q", names)
			}
			p.end()
			q := launch(t, "", languages["python"], set, nil, nil)
			q.ready(2)
			if again, err := a.shake(listen, "app.test"); err != nil || again.SerialNumber.Cmp(first.SerialNumber) != 0 {
				t.Errorf("after a restart: %v\n%s", err, tailOf(q.log()))
			}
			if n := a.orders(); n != orders {
				t.Errorf("%d orders after a restart, want %d", n, orders)
			}
			if strings.Contains(p.log()+q.log(), "trouble with a certificate") && over.tls {
				t.Errorf("the log tells of trouble:\n%s", p.log()+q.log())
			}
			t.Logf("the first handshake took %s, with %d orders", took.Round(time.Millisecond), orders)
		})
	}
}

// end stops the master in an orderly way.
func (p *program) end() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	p.awaitEnd()
}

// A certificate is renewed before it ends. Where the authority is away, the old
// one serves on, and people are told.
func TestCertificatesAreRenewed(t *testing.T) {
	t.Parallel()
	listen := freeAddress(t)
	a := openAuthority(t, 1, portOf(t, listen), 45) // renewed when 15 s are left
	box := openMailbox(t)
	p := launch(t, "", languages["python"], a.settings(listen, t.TempDir()), box.environ(), nil)
	p.ready(2)
	first, err := a.shake(listen, "app.test")
	if err != nil {
		t.Fatalf("the first handshake: %v\n%s\n%s", err, tailOf(p.log()), tailOf(a.log()))
	}
	second := first
	p.await("another certificate", func() bool {
		if second, err = a.shake(listen, "app.test"); err != nil {
			t.Fatalf("while it is renewed: %v\n%s", err, tailOf(p.log()))
		}
		return second.SerialNumber.Cmp(first.SerialNumber) != 0
	})
	left := time.Until(first.NotAfter)
	t.Logf("renewed %s before the end", left.Round(100*time.Millisecond))
	if left <= 0 {
		t.Error("it was renewed too late")
	}
	// Where an authority took so long, on a busy machine, that was trouble.
	if left > first.NotAfter.Sub(first.NotBefore)/8 && strings.Contains(p.log(), "trouble with a certificate") {
		t.Errorf("trouble was told before there was any:\n%s", tailOf(p.log()))
	}
	a.end()
	p.await("a renewal that fails", func() bool { return strings.Contains(p.log(), "the certificate authority cannot be reached") })
	third, err := a.shake(listen, "app.test")
	if err != nil || third.SerialNumber.Cmp(second.SerialNumber) != 0 {
		t.Errorf("with the authority away: %v, valid until %s, now %s", err, second.NotAfter, time.Now())
	}
	p.await("a mail", func() bool {
		_, _ = a.shake(listen, "app.test")
		return len(box.with("trouble with the certificate of app.test")) == 1
	})
}

// The next program goes on with the certificates, and asks for none.
func TestAnUpgradeKeepsItsCertificates(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program twice")
	}
	t.Parallel()
	fresh, err := builtNew()
	if err != nil {
		t.Fatal(err)
	}
	listen := freeAddress(t)
	a := openAuthority(t, 1, portOf(t, listen), 86400)
	p := launch(t, "", languages["python"], a.settings(listen, t.TempDir()), nil, nil)
	p.ready(2)
	first, err := a.shake(listen, "app.test")
	if err != nil {
		t.Fatalf("the first handshake: %v\n%s", err, tailOf(p.log()))
	}
	orders, workers := a.orders(), p.pids()
	p.replace(fresh)
	p.upgradeOnce(0)
	if again, err := a.shake(listen, "app.test"); err != nil || again.SerialNumber.Cmp(first.SerialNumber) != 0 {
		t.Errorf("after the upgrade: %v\n%s", err, tailOf(p.log()))
	}
	if n := a.orders(); n != orders || p.pids() != workers || p.status().Version != newVersion {
		t.Errorf("%d orders, want %d; workers %q, want %q; version %s", n, orders, p.pids(), workers, p.status().Version)
	}
}

// An authority that refuses is told in its own words.
func TestAnAuthorityThatRefusesIsTold(t *testing.T) {
	t.Parallel()
	listen := freeAddress(t)
	nowhere := portOf(t, freeAddress(t))
	a := openAuthority(t, nowhere, nowhere, 86400)
	box := openMailbox(t)
	p := launch(t, "", languages["python"], a.settings(listen, t.TempDir()), box.environ(), nil)
	p.ready(2)
	for range 3 {
		if _, err := a.shake(listen, "app.test"); err == nil {
			t.Fatal("a certificate was given without proof")
		}
	}
	p.await("a mail", func() bool { return len(box.all()) > 0 })
	if told := box.all(); len(told) != 1 || !strings.Contains(told[0].body, "Failed to connect to 127.0.0.1") {
		t.Errorf("the mail:\n%s", told[0].body)
	}
	if n := strings.Count(p.log(), "trouble with a certificate"); n != 1 {
		t.Errorf("the log tells %d times:\n%s", n, p.log())
	}
}

// An authority may give certificates to those only whom it knows from elsewhere.
func TestAnAuthorityMayAskForAnAccount(t *testing.T) {
	t.Parallel()
	listen := freeAddress(t)
	known := account{"kid-of-the-test", base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xfb, 0xef}, 24))}
	a := openAuthority(t, 1, portOf(t, listen), 86400, known)
	folder := t.TempDir()
	p := launch(t, "", languages["python"], a.settings(listen, folder), nil, nil)
	p.ready(2)
	if _, err := a.shake(listen, "app.test"); err == nil {
		t.Error("a certificate was given to somebody unknown")
	}
	p.await("what the authority says", func() bool { return strings.Contains(p.log(), "externalAccountBinding") })
	p.end()
	environ := []string{"TLS_EAB_ID=" + known.id, "TLS_EAB_KEY=" + known.key + "=="}
	q := launch(t, "", languages["python"], a.settings(listen, folder), environ, nil)
	q.ready(2)
	if _, err := a.shake(listen, "app.test"); err != nil {
		t.Errorf("with the account: %v\n%s", err, tailOf(q.log()))
	}
	if strings.Contains(q.log(), known.key) {
		t.Error("the key stands in the log")
	}
}

func TestWhatACMECannotProveIsRefused(t *testing.T) {
	t.Chdir("testdata")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]map[string]string{
		"a wildcard":          {"tls.domains": "*.app.test"},
		"an address":          {"tls.domains": "127.0.0.1"},
		"a name without dots": {"tls.domains": "localhost"},
		"plain HTTP":          {"tls.domains": "app.test", "tls.directory": "http://127.0.0.1/dir"},
		"no roots":            {"tls.domains": "app.test", "tls.roots": empty},
		"half an account":     {"tls.domains": "app.test", "tls.eab.id": "kid-1"},
		"a key of no letters": {"tls.domains": "app.test", "tls.eab.id": "kid-1", "tls.eab.key": "not/base64url+"},
		"absent roots":        {"tls.domains": "app.test", "tls.roots": "/nowhere/roots.pem"},
	} {
		set["listen"] = "127.0.0.1:0"
		config, err := runner.Load(runner.Options{Command: languages["python"], Environ: os.Environ(), Flags: set})
		if err == nil {
			err = runner.Run(t.Context(), config, null, nil)
		}
		var list problem.List
		if _, ok := problem.Of(err); !ok && !errors.As(err, &list) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
