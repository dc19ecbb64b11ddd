package front_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
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

	"github.com/roadworthy-dev/roadworthy/internal/front"
)

// certify writes a certificate for localhost with this serial number.
func certify(t *testing.T, folder string, serial int64) front.CertificateFiles {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := front.CertificateFiles{Certificate: filepath.Join(folder, "cert.pem"), Key: filepath.Join(folder, "key.pem")}
	for path, block := range map[string]*pem.Block{files.Certificate: {Type: "CERTIFICATE", Bytes: der}, files.Key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func serveTLS(t *testing.T, r *rig, config *tls.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- r.ServeTLS(l, config) }()
	t.Cleanup(func() {
		r.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func TestHTTP2OverTLSAndNewCertificates(t *testing.T) {
	r := start(t, front.Options{})
	r.worker("web.1", func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		fmt.Fprintf(w, "%s %s %s %s", q.Proto, q.RequestURI, q.Header.Get("X-Forwarded-Proto"), body)
	})
	folder := t.TempDir()
	var moved time.Duration
	certificates, err := front.LoadCertificates(func() time.Time { return time.Now().Add(moved) }, certify(t, folder, 1))
	if err != nil {
		t.Fatal(err)
	}
	address := serveTLS(t, r, certificates.Config())
	ask := func(path, body string) (*http.Response, string) {
		web := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		defer web.CloseIdleConnections()
		reply, err := web.Post("https://"+address+path, "text/plain", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		text, _ := io.ReadAll(reply.Body)
		return reply, string(text)
	}
	reply, text := ask("/a;b?c", "body")
	if reply.ProtoMajor != 2 || text != "HTTP/1.1 /a;b?c https body" {
		t.Errorf("got %s %q", reply.Proto, text)
	}
	if large := strings.Repeat("x", 300<<10); true {
		if _, text = ask("/large", large); !strings.HasSuffix(text, large) || len(text) > len(large)+100 {
			t.Errorf("a large body came back with %d bytes", len(text))
		}
	}
	certify(t, folder, 2)
	moved = time.Hour / 2
	if reply, _ = ask("/", ""); reply.TLS.PeerCertificates[0].SerialNumber.Int64() != 2 {
		t.Error("the new certificate is not served")
	}
	if err := os.WriteFile(filepath.Join(folder, "cert.pem"), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	moved = time.Hour * 3 / 4
	if reply, _ = ask("/", ""); reply.TLS.PeerCertificates[0].SerialNumber.Int64() != 2 || certificates.Err() == nil {
		t.Errorf("a broken file: %v", certificates.Err())
	}
}

func TestPlainRequestsAreSentToHTTPS(t *testing.T) {
	r := start(t, front.Options{RedirectHTTP: true})
	r.worker("web.1", func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	reply, _ := r.do("GET", "/a//b?c", "")
	if reply.StatusCode != http.StatusPermanentRedirect || reply.Header.Get("Location") != "https://127.0.0.1/a//b?c" {
		t.Errorf("got %d %q", reply.StatusCode, reply.Header.Get("Location"))
	}
	if reply, _ = r.do("GET", "/live", ""); reply.StatusCode != http.StatusOK {
		t.Errorf("live: %d", reply.StatusCode)
	}
}

func TestTooManyConnectionsAreTurnedAway(t *testing.T) {
	r := start(t, front.Options{Limits: front.Limits{Connections: 2}})
	a, _ := r.dial("")
	r.dial("")
	_, third := r.dial("")
	if text, _ := io.ReadAll(third); !strings.Contains(string(text), "F25") {
		t.Errorf("got %q", text)
	}
	a.Close()
	r.worker("web.1", func(http.ResponseWriter, *http.Request) {})
	until(t, "a place is free again", func() bool {
		conn, err := net.Dial("tcp", r.addr)
		if err != nil {
			return false
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		return strings.HasPrefix(readHead(bufio.NewReader(conn)), "HTTP/1.1 200")
	})
}

func TestSlowHeadsAreCut(t *testing.T) {
	r := start(t, front.Options{Deadlines: front.Deadlines{Header: 100 * time.Millisecond}})
	r.worker("web.1", func(http.ResponseWriter, *http.Request) {})
	conn, reader := r.dial("GET / HTTP/1.1\r\n")
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				_, _ = io.WriteString(conn, "X-A: b\r\n") // never ends
			}
		}
	}()
	_, err := reader.ReadByte()
	close(stop)
	<-done
	if err == nil {
		t.Error("it was answered")
	}
}
