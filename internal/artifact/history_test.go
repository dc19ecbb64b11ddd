package artifact

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash/crc32"
	mathrand "math/rand/v2"
	"strings"
	"testing"
)

// Secrets are made when the test runs: none is in this repository.
const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

func randomText(alphabet string, n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(alphabet[mathrand.IntN(len(alphabet))])
	}
	return b.String()
}

func gitHubToken() string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	body := randomText(letters, 30)
	sum, check := crc32.ChecksumIEEE([]byte(body)), ""
	for range 6 {
		check, sum = string(digits[sum%62])+check, sum/62
	}
	return "ghp" + "_" + body + check
}

func privateKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func awsKeys() (id, key string) {
	return "AKIA" + randomText("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16), "aB3" + randomText(letters+"/+", 37)
}

func TestScanHistoryFindsWhatWasRemoved(t *testing.T) {
	token, key := gitHubToken(), privateKey(t)
	id, secret := awsKeys()
	repo := newRepo(t, map[string]string{"README": "hello\n"})
	first := addCommit(t, repo, map[string]string{"ci/deploy.sh": "#!/bin/sh\n# upload\nTOKEN=" + token + "\n"})
	addCommit(t, repo, map[string]string{"ci/deploy.sh": "#!/bin/sh\n# upload\n# more\nTOKEN=" + token + "\n", "keys/server.pem": key})
	addCommit(t, repo, map[string]string{"ci/deploy.sh": "#!/bin/sh\n", "tests/a_test.cfg": "x: " + key[:40] + "\n"})
	git(t, repo, "rm", "-q", "keys/server.pem")
	third := addCommit(t, repo, nil)
	git(t, repo, "checkout", "-q", "-b", "side", first)
	side := addCommit(t, repo, map[string]string{"testdata/aws": "id = " + id + "\nkey = " + secret + "\n", ".env": "A=1\nDB_PASSWORD=Xk29-vQz-77\n"})
	git(t, repo, "checkout", "-q", "main")
	if head := git(t, repo, "rev-parse", "HEAD"); head != third {
		t.Fatal("the branches are not as meant")
	}
	history, err := ScanHistory(t.Context(), repo, nil)
	must(t, err)
	want := []Finding{
		{side, ".env", 2, "env", "DB_PASSWORD=…", false, 1},
		{first, "ci/deploy.sh", 3, "github", "ghp_… (40 characters)", false, 2},
		{git(t, repo, "rev-parse", "main~2"), "keys/server.pem", 1, "private-key", "-----BEGIN PRIVATE KEY-----…", false, 1},
		{side, "testdata/aws", 2, "aws", "AKIA… with its secret (40 characters)", true, 1},
	}
	if fmt.Sprint(history.Findings) != fmt.Sprint(want) {
		t.Errorf("got\n%+v\nwant\n%+v", history.Findings, want)
	}
	if !history.Complete || history.Blobs != 8 || history.Bytes == 0 {
		t.Errorf("complete %v %q, %d blobs, %d bytes", history.Complete, history.Missed, history.Blobs, history.Bytes)
	}
	raw, err := json.Marshal(history)
	must(t, err)
	for _, hidden := range []string{token[4:], id[4:], secret, "Xk29-vQz-77", key[30:60]} {
		if strings.Contains(string(raw), hidden) {
			t.Errorf("the result holds the secret %q", hidden)
		}
	}
}

func TestSecretsHaveTheirFullForm(t *testing.T) {
	id, key := awsKeys()
	pemKey := privateKey(t)
	body := gitHubToken()[4:]
	for name, c := range map[string]struct{ path, content, want string }{
		"private key":              {"k", pemKey, "private-key"},
		"key in JSON":              {"k.json", `{"private_key": "` + strings.ReplaceAll(pemKey, "\n", `\n`) + `"}`, "private-key"},
		"RSA key":                  {"k", strings.ReplaceAll(pemKey, "PRIVATE", "RSA PRIVATE"), "private-key"},
		"PGP key":                  {"k", "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\n" + strings.Split(pemKey, "\n")[1] + "\n", "private-key"},
		"public key":               {"k", strings.ReplaceAll(pemKey, "PRIVATE", "PUBLIC"), ""},
		"encrypted key":            {"k", strings.ReplaceAll(pemKey, "PRIVATE", "ENCRYPTED PRIVATE"), ""},
		"encrypted RSA key":        {"k", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n" + pemKey[28:], ""},
		"key in prose":             {"k.md", "A file that starts with -----BEGIN PRIVATE KEY----- is a key.\n", ""},
		"key of dots":              {"k.md", "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n", ""},
		"key that is an example":   {"k.md", "-----BEGIN PRIVATE KEY-----\nEXAMPLE" + strings.Split(pemKey, "\n")[1] + "\n", ""},
		"AWS pair":                 {"c", "aws_access_key_id=" + id + "\naws_secret_access_key=" + key + "\n", "aws"},
		"AWS id alone":             {"c", "id " + id + "\n", ""},
		"AWS id and a commit":      {"c", id + " " + strings.Repeat("0a1b", 10) + "\n", ""},
		"AWS documentation":        {"c", "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n", ""},
		"AWS id, example key":      {"c", id + " wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n", ""},
		"GitHub":                   {"c", "ghs" + "_" + body, "github"},
		"GitHub, wrong checksum":   {"c", "ghp" + "_" + body[:35] + string(letters[(strings.IndexByte(letters, body[35])+1)%62]), ""},
		"GitHub, longer word":      {"c", "ghp" + "_" + body + "x", ""},
		"GitHub fine-grained":      {"c", "github_pat" + "_" + randomText(letters, 22) + "_" + randomText(letters, 59), "github"},
		"GitLab":                   {"c", "t: glpat" + "-" + randomText(letters, 20) + "\n", "gitlab"},
		"GitLab of one letter":     {"c", "t: glpat" + "-" + strings.Repeat("x", 20) + "\n", ""},
		"GitLab too short":         {"c", "t: glpat" + "-" + randomText(letters, 19) + "\n", ""},
		"Slack":                    {"c", "xoxb" + "-482915637041-719350284613-" + randomText(letters, 24), "slack"},
		"Slack web hook":           {"c", "https://hooks.slack" + ".com/services/T" + randomText("ABC123", 9) + "/B" + randomText("ABC123", 9) + "/" + randomText(letters, 24), "slack"},
		"Slack in a manual":        {"c", "https://hooks.slack" + ".com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX", ""},
		"Stripe":                   {"c", "sk_live" + "_" + randomText(letters, 24), "stripe"},
		"Stripe in a manual":       {"c", "sk_live" + "_" + strings.Repeat("x", 24), ""},
		"fine-grained in a manual": {"c", "github_pat" + "_" + strings.Repeat("X", 22) + "_" + strings.Repeat("Y", 59), ""},
		"Stripe test key":          {"c", "sk_test" + "_" + randomText(letters, 24), ""},
		"env":                      {"app/.env.production", "export SESSION_SECRET=\"q8Zr-77xY-pplm\" # keep\r\n", "env"},
		"env, bare name":           {"prod.env", "PASSWORD='h7sK2kd9'\n", "env"},
		"env with a token":         {".env", "GH_TOKEN=ghp" + "_" + body + "\n", "github"},
		"env with AWS":             {".env", "AWS_ACCESS_KEY_ID=" + id + "\nAWS_SECRET_ACCESS_KEY=" + key + "\n", "aws"},
		"not an env file":          {"settings.py", "SESSION_SECRET=q8Zr77xYpplm\n", ""},
		"env without secrets":      {".env", "PORT=8080\nDEBUG_LEVEL=q8Zr77xYpplm\n# API_KEY=q8Zr77xYpplm\n", ""},
		"env, comment behind":      {".env", "API_KEY= # q8Zr77xYpplm9\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			kinds := []string{}
			for _, s := range secretsIn(c.path, []byte(c.content)) {
				kinds = append(kinds, s.kind)
				if len(s.secret) < 8 || strings.Contains(s.redacted, s.secret) || len(s.redacted) > 80 {
					t.Errorf("redacted as %q", s.redacted)
				}
			}
			if got := strings.Join(kinds, " "); got != c.want {
				t.Errorf("got %q, want %q in\n%s", got, c.want, c.content)
			}
		})
	}
}

func TestPlaceholdersAreNotSecrets(t *testing.T) {
	for _, value := range []string{
		"", "''", "changeme", "change-me-1", "example", "your-api-key-1", "<token1234>", "${API_KEY_1}", "$API_KEY_22", "$(cat key1)", "xxxxxxxx1X",
		"{{ key_1_x }}", "postgres", "guestbook", "Secret1", "true", "12345678", "/run/secrets/key1", "./dev/key1.pem", "file:///run/k3y", "pk_live_a1b2c3d4",
		"test1111", "Password123", "replace-with-32-chars", "django-insecure-a1b2c3d4", "...", "a b c d 1 2 3",
	} {
		if found := secretsIn(".env", []byte("API_KEY="+value+"\n")); len(found) > 0 {
			t.Errorf("%q was taken for a secret", value)
		}
	}
	for _, name := range []string{"NEXT_PUBLIC_API_KEY", "STRIPE_PUBLISHABLE_KEY", "RECAPTCHA_SITE_KEY", "KEYBOARD", "TOKENS", "SECRET_NAME"} {
		if found := secretsIn(".env", []byte(name+"=q8Zr77xYpplm\n")); len(found) > 0 {
			t.Errorf("%s was taken for the name of a secret", name)
		}
	}
}

func TestGitHubChecksumOfAKnownToken(t *testing.T) {
	if !gitHubChecksum("ghp" + "_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17") { // published when the format was described
		t.Error("a token with the right checksum is refused")
	}
}

func TestScanHistorySaysWhatItMissed(t *testing.T) {
	repo := newRepo(t, map[string]string{"old": strings.Repeat("o", 400)})
	addCommit(t, repo, map[string]string{"new": strings.Repeat("n", 400), "large": strings.Repeat("l", 1000)})
	r, err := locate(repo)
	must(t, err)
	run := func(b bounds) History {
		t.Helper()
		history, err := (&scan{bounds: b, seen: map[secretKey]int{}}).run(t.Context(), r)
		must(t, err)
		return history
	}
	if h := run(bounds{100, 10_000, 10_000}); !h.Complete || h.Blobs != 3 || len(h.Missed) != 0 {
		t.Errorf("without bounds: %+v", h)
	}
	if h := run(bounds{100, 10_000, 500}); h.Complete || h.Blobs != 2 || h.Larger != 1 || !strings.Contains(fmt.Sprint(h.Missed), "1 versions of files are larger") {
		t.Errorf("large files: %+v", h)
	}
	if h := run(bounds{100, 500, 500}); h.Complete || h.Blobs != 1 || !strings.Contains(fmt.Sprint(h.Missed), "the oldest") {
		t.Errorf("bytes: %+v", h)
	}
	if h := run(bounds{1, 10_000, 10_000}); h.Complete || !strings.Contains(fmt.Sprint(h.Missed), "past the bound of 1") {
		t.Errorf("objects: %+v", h)
	}
	shallow := t.TempDir() + "/s"
	git(t, repo, "clone", "-q", "--depth=1", "file://"+repo, shallow)
	if h, err := ScanHistory(t.Context(), shallow, nil); err != nil || h.Complete || !strings.Contains(fmt.Sprint(h.Missed), "shallow") {
		t.Errorf("a shallow clone: %+v, %v", h, err)
	}
}

func TestScanHistoryEdges(t *testing.T) {
	wantCode(t, scanError(t, t.TempDir()), "RW-A01")
	empty := t.TempDir()
	git(t, empty, "init", "-q")
	if h, err := ScanHistory(t.Context(), empty, nil); err != nil || h.Blobs != 0 || !h.Complete {
		t.Errorf("an empty repository: %+v, %v", h, err)
	}
	repo := newRepo(t, map[string]string{"binary": "\x00" + privateKey(t), "name with spaces\nand a line": "PASSWORD=q8Zr77xYpplm"})
	if h, err := ScanHistory(t.Context(), repo, nil); err != nil || len(h.Findings) != 0 || h.Blobs != 2 {
		t.Errorf("got %+v, %v", h, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ScanHistory(ctx, repo, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func scanError(t *testing.T, dir string) error {
	t.Helper()
	_, err := ScanHistory(t.Context(), dir, nil)
	return err
}

func FuzzSecretsIn(f *testing.F) {
	f.Add(".env", "A_KEY=\"x")
	f.Add("k", "-----BEGIN PRIVATE KEY-----\\n")
	f.Fuzz(func(t *testing.T, name, content string) {
		for _, s := range secretsIn(name, []byte(content)) {
			if s.at < 0 || s.at >= len(content) || s.secret == "" || !strings.Contains(content, s.secret) {
				t.Errorf("found %+v", s)
			}
		}
	})
}
