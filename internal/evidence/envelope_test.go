package evidence

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

func TestEnvelopeHasOneForm(t *testing.T) {
	key := testKey("signer")
	payload := []byte(`{"a":"??>>"}`) // 12 bytes; its base64 has a plus sign or a slash
	good, err := seal(key, payload)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := unseal(good, key.Public()); err != nil || !bytes.Equal(got, payload) {
		t.Fatalf("%q, %v", got, err)
	}
	encoded := base64.StdEncoding.EncodeToString(payload)
	signature := key.sign(dsse.PAE(payloadType, payload))
	sig := base64.StdEncoding.EncodeToString(signature)
	if !strings.HasSuffix(sig, "==") {
		t.Fatal("a signature has trailing bits")
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	trailing := sig[:85] + string(alphabet[strings.IndexByte(alphabet, sig[85])|1]) + "=="
	if loose, err := base64.StdEncoding.DecodeString(trailing); err != nil || !bytes.Equal(loose, signature) {
		t.Fatal("the trailing bits change the signature")
	}
	id := key.Public().ID()
	form := `{"payloadType":"` + payloadType + `","payload":"%s","signatures":[{"keyid":"%s","sig":"%s"}]}`
	for name, bad := range map[string]string{
		"trailing bits":     fmt.Sprintf(form, encoded, id, trailing),
		"URL encoding":      fmt.Sprintf(form, base64.URLEncoding.EncodeToString(payload), id, sig),
		"line feed":         fmt.Sprintf(form, encoded[:4]+`\n`+encoded[4:], id, sig),
		"no padding":        fmt.Sprintf(form, encoded, id, strings.TrimRight(sig, "=")),
		"no key id":         fmt.Sprintf(form, encoded, "", sig),
		"upper case id":     fmt.Sprintf(form, encoded, strings.ToUpper(id), sig),
		"another id":        fmt.Sprintf(form, encoded, testKey("other").Public().ID(), sig),
		"escape":            strings.Replace(string(good), "payloadType", `payload\u0054ype`, 1),
		"other case":        strings.Replace(string(good), "payloadType", "PayloadType", 1),
		"other type":        strings.Replace(string(good), payloadType, "application/json", 1),
		"space":             strings.Replace(string(good), ":", ": ", 1),
		"line feed at end":  string(good) + "\n",
		"second document":   string(good) + "{}",
		"another key":       strings.Replace(string(good), "{", `{"x":1,`, 1),
		"key twice":         strings.Replace(string(good), "{", `{"payload":"",`, 1),
		"no signature":      `{"payloadType":"` + payloadType + `","payload":"` + encoded + `","signatures":[]}`,
		"signature twice":   strings.Replace(string(good), "]", `,{"keyid":"`+id+`","sig":"`+sig+`"}]`, 1),
		"empty signature":   fmt.Sprintf(form, encoded, id, ""),
		"long signature":    fmt.Sprintf(form, encoded, id, base64.StdEncoding.EncodeToString(append(signature, 0))),
		"other payload":     fmt.Sprintf(form, base64.StdEncoding.EncodeToString([]byte("{}")), id, sig),
		"null":              "null",
		"nothing":           "",
		"many signatures":   `{"signatures":[` + strings.Repeat("{},", 1<<20) + `{}]}`,
		"signature of less": fmt.Sprintf(form, encoded, id, base64.StdEncoding.EncodeToString(key.sign(payload))),
	} {
		if got, err := unseal([]byte(bad), key.Public()); err == nil {
			t.Errorf("%s: accepted, payload %q", name, got)
		}
	}
	if base64.URLEncoding.EncodeToString(payload) == encoded {
		t.Error("the payload does not tell the two alphabets apart")
	}
	if _, err := unseal(good, testKey("other").Public()); err == nil {
		t.Error("another key verifies it")
	}
}

// S of an ed25519 signature plus the order of the group verifies in lenient
// libraries (RFC 8032 section 5.1.7 forbids it): a second signature for free.
func TestSignatureHasOneForm(t *testing.T) {
	key := testKey("signer")
	payload := []byte("{}")
	signature := key.sign(dsse.PAE(payloadType, payload))
	order := [32]byte{
		0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 31: 0x10,
	}
	carry := 0
	for i, b := range order {
		carry += int(signature[32+i]) + int(b)
		signature[32+i] = byte(carry)
		carry >>= 8
	}
	data, err := encodeEnvelope(payload, key.Public(), signature)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unseal(data, key.Public()); err == nil {
		t.Error("S beyond the order of the group is accepted")
	}
}

// A signer may sign anything; what is not exactly a check is refused all the
// same, so that two readers never see two things in it.
func TestSignedStatementIsReadStrictly(t *testing.T) {
	key := testKey("signer")
	genuine := parts(t, written(t, key, sample(t)))
	payload, err := unseal(genuine[0].data, key.Public())
	if err != nil {
		t.Fatal(err)
	}
	resign := func(i int, payload string) []byte {
		t.Helper()
		all := parts(t, written(t, key, sample(t)))
		if all[i].data, err = seal(key, []byte(payload)); err != nil {
			t.Fatal(err)
		}
		return assembled(t, all)
	}
	opened(t, resign(0, string(payload)), key.Public()) // the method is sound
	for _, c := range [][2]string{
		{`"verdicts":[`, `"Verdicts":[],"verdicts":[`},
		{`"verdicts":[`, `"verdicts":[],"verdicts":[`},
		{`"dirty":true`, `"dirty":true,"dirty":false`},
		{`"dirty":true`, `"dirty":"true"`},
		{`"dirty":true`, `"dirty":null`},
		{`"dirty":true`, `"dirty":true,"note":1`},
		{`"environment":"bench"`, `"environment":"bench","x":1`},
		{`"environment":"bench"`, `"environment":""`},
		{`"_type":"https://in-toto.io/Statement/v1"`, `"_type":"https://in-toto.io/Statement/v0.1"`},
		{`"predicateType":"` + CheckType, `"predicateType":"https://example.com/check/v2`},
		{`"subject":[{`, `"subject":[{"name":"other","digest":{"sha256":"` + string(DigestOf(nil)) + `"}},{`},
		{`"subject":[{`, `"subject":[{"uri":"https://example.com",`},
		{`"subject":[{"digest":{`, `"subject":[{"digest":{"sha512":"00",`},
		{`"name":"guestbook"}]`, `"name":""}]`},
		{`"claim":"log.stdout.form"`, `"claim":"log.stdout.arrives"`},
		{`"outcome":"pass"`, `"outcome":"PASS"`},
		{`05:06:07.089Z`, `05:06:07.089+00:00`},
		{`05:06:07.089Z`, `05:06:07.0890Z`},
		{`05:06:07.089Z`, `06:06:07.089+01:00`},
		{`"seed":"9`, `"seed":"09`},
		{`"size":28`, `"size":28.5`},
		{`"size":28`, `"size":-28`},
		{`"size":28`, `"size":29`},
		{`"size":28`, `"size":1e300`},
		{`"size":28`, `"size":536870913`},
		{`"media_type":"application/json"`, `"media_type":"text/html"`},
		{`"name":"mail/1.eml"`, `"name":"../1.eml"`},
		{`"probe":"log.stdout"`, `"probe":"log.zzz"`},
		{`"probe":"log.stdout"`, `"probe":"log.syslog"`},
		{`"kernel":"6.18"`, `"kernel":` + strings.Repeat("[", 40) + strings.Repeat("]", 40)},
		{`"kernel":"6.18"`, `"kernel":{}`},
	} {
		changed := strings.Replace(string(payload), c[0], c[1], 1)
		if changed == string(payload) {
			t.Fatalf("the payload does not hold %s", c[0])
		}
		refused(t, resign(0, changed), "%s", c[1])
	}
	for _, other := range []string{"", "null", "{}", "[]", "\xff", string(payload) + "{}", "{" + strings.Repeat(" ", 100)} {
		refused(t, resign(0, other), "payload %q", other)
		refused(t, resign(1, other), "test result %q", other)
	}
	result, err := unseal(genuine[1].data, key.Public())
	if err != nil {
		t.Fatal(err)
	}
	opened(t, resign(1, string(result)), key.Public())
	refused(t, resign(1, strings.Replace(string(result), resultFailed, resultPassed, 1)), "test result says passed")
	refused(t, resign(1, string(payload)), "statement in place of the test result")
	if !json.Valid(payload) {
		t.Error("payload is not JSON")
	}
}

func TestDigests(t *testing.T) {
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for text, ok := range map[string]bool{
		empty: true, "sha256:" + empty: true, "": false, "sha256:": false, "sha512:" + empty: false,
		strings.ToUpper(empty): false, empty[1:]: false, empty + "0": false, "g" + empty[1:]: false,
	} {
		d, err := ParseDigest(text)
		if ok != (err == nil) || ok && d != DigestOf(nil) {
			t.Errorf("%q: %q, %v", text, d, err)
		}
	}
	one := map[string][]byte{"a/def.yaml": []byte("x"), "b/def.yaml": []byte("y")}
	// printf x >a/def.yaml; printf y >b/def.yaml; sha256sum a/def.yaml b/def.yaml | sha256sum
	if got := DefinitionsDigest(one); got != definitionsXY {
		t.Errorf("definitions digest %s", got)
	}
	one["b/def.yaml"] = []byte("z")
	if DefinitionsDigest(one) == definitionsXY {
		t.Error("a changed definition has the same digest")
	}
}

const definitionsXY = Digest("117cbabc6054604f015c894d9e6d7e0489e56d772bdfd6052f49909c9bce0c0b")
