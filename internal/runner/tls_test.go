package runner_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/runner"
)

// certificate writes a fresh pair for 127.0.0.1 and returns what trusts it.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, data := range map[string][]byte{"cert.pem": chain, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(chain)
	return pool
}

// The front speaks TLS and HTTP/2 with certificates from files, takes over new
// ones, and leads plain HTTP there.
func TestTLSFromFiles(t *testing.T) {
	dir := t.TempDir()
	first := certificate(t, dir)
	plain := freePort(t)
	r := startTLS(t, map[string]string{
		"tls.certificate": filepath.Join(dir, "cert.pem"), "tls.key": filepath.Join(dir, "key.pem"), "tls.plain": fmt.Sprintf("127.0.0.1:%d", plain),
	}, first)
	reply := r.getTLS(first)
	if reply.ProtoMajor != 2 {
		t.Errorf("got %s, want HTTP/2", reply.Proto)
	}
	second := certificate(t, dir)
	r.await("the new certificate", func() bool {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(r.url, "http://"), &tls.Config{RootCAs: second})
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	redirect, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/a?b=c", plain))
	if err != nil {
		t.Fatal(err)
	}
	defer redirect.Body.Close()
	if to := redirect.Header.Get("Location"); redirect.StatusCode != http.StatusPermanentRedirect || !strings.HasPrefix(to, "https://127.0.0.1") || !strings.HasSuffix(to, "/a?b=c") {
		t.Errorf("got %d to %q", redirect.StatusCode, to)
	}
}

func (r *running) getTLS(roots *x509.CertPool) *http.Response {
	r.t.Helper()
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	reply, err := client.Get(strings.Replace(r.url, "http://", "https://", 1) + "/")
	if err != nil {
		r.t.Fatal(err)
	}
	defer reply.Body.Close()
	if body, err := io.ReadAll(reply.Body); err != nil || string(body) != "hello" {
		r.t.Errorf("got %q, %v", body, err)
	}
	return reply
}

func startTLS(t *testing.T, set map[string]string, roots *x509.CertPool) *running {
	t.Helper()
	t.Chdir("testdata")
	return startWith(t, languages["python"], set, func(r *running) bool {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(r.url, "http://"), &tls.Config{RootCAs: roots})
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
}

func TestACertificateThatCannotBeReadIsTold(t *testing.T) {
	t.Chdir("testdata")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	config, err := runner.Load(runner.Options{
		Command: []string{"python3", "app.py"}, Environ: os.Environ(),
		Flags: map[string]string{"listen": "127.0.0.1:0", "tls.certificate": "/nowhere/cert.pem", "tls.key": "/nowhere/key.pem"},
	})
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if p, ok := problem.Of(runner.Run(t.Context(), config, null, nil)); !ok || p.Code != "RW-R02" || p.At != "/nowhere/cert.pem" {
		t.Errorf("got %v", p)
	}
}
