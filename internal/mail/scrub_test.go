package mail

import (
	"strings"
	"testing"
)

func TestSecretsAreCutAndTheRestStays(t *testing.T) {
	s := NewScrubber([]string{"pa/ss wörd", "abc"})
	for text, want := range map[string]string{
		"connect with pa/ss wörd now":                                             "connect with [scrubbed] now",
		"url pa%2Fss+w%C3%B6rd x":                                                 "url [scrubbed] x",
		"abc is too short":                                                        "abc is too short",
		"Authorization: Bearer abcdefgh12345678":                                  "Authorization: [scrubbed]",
		"\"Cookie\": \"session=1; other=2\", \"Host\": \"x\"":                     "\"Cookie\": [scrubbed], \"Host\": \"x\"",
		"'HTTP_COOKIE': 'sessionid=1', 'A': 1":                                    "'HTTP_COOKIE': [scrubbed], 'A': 1",
		"password=hunter2&name=bob":                                               "password=[scrubbed]&name=bob",
		"{'db_password': 'hunter 2', 'user': 'bob'}":                              "{'db_password': [scrubbed], 'user': 'bob'}",
		"{\"apiKey\":\"x\\\"y\",\"n\":1}":                                         "{\"apiKey\":[scrubbed],\"n\":1}",
		"SECRET_KEY = b'django'":                                                  "SECRET_KEY = [scrubbed]",
		":password=>\"x y\", :id=>3":                                              ":password=>[scrubbed], :id=>3",
		"redis://:hush@cache:6379/0":                                              "redis://[scrubbed]@cache:6379/0",
		"postgres://u:p@ss@db/x and more":                                         "postgres://[scrubbed]@db/x and more",
		"AKIAIOSFODNN7EXAMPLE":                                                    "[scrubbed]",
		"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY9":                               "[scrubbed]",
		"push with ghp_aaaaBBBBcccc1111dddd2222eeee3333ffff":                      "push with [scrubbed]",
		"jwt eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSM":                        "jwt [scrubbed]",
		"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nx": "[scrubbed]\nx",
		// what must stay, for it is what people read a trace for
		"InvalidToken: expired":                           "InvalidToken: expired",
		"KeyError: 'token'":                               "KeyError: 'token'",
		"commit 9fceb02d0ae598e95dc970b74767f19372d61af8": "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
		"File \"/srv/app/Shop/models/Cart2Items/total.py\", line 42, in total":                              "File \"/srv/app/Shop/models/Cart2Items/total.py\", line 42, in total",
		"/usr/lib/python3/dist-packages/django/db/backends/postgresql/base.py":                              "/usr/lib/python3/dist-packages/django/db/backends/postgresql/base.py",
		"at com.example.shop.CartServiceImpl$$EnhancerBySpringCGLIB$$1a2b3c.total(CartServiceImpl.java:42)": "at com.example.shop.CartServiceImpl$$EnhancerBySpringCGLIB$$1a2b3c.total(CartServiceImpl.java:42)",
		"goroutine 1 [running]:\nmain.main()\n\t/srv/main.go:3 +0x1d":                                       "goroutine 1 [running]:\nmain.main()\n\t/srv/main.go:3 +0x1d",
		"see https://example.org/a@b": "see https://example.org/a@b",
	} {
		got := s.Scrub(text)
		if got != want {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
		if again := s.Scrub(got); again != got {
			t.Errorf("%q is cut again: %q", got, again)
		}
	}
}

func FuzzScrub(f *testing.F) {
	f.Add("password=x", "secret")
	f.Fuzz(func(t *testing.T, text, secret string) {
		got := NewScrubber([]string{secret}).Scrub(text)
		if len(secret) >= minSecret && !strings.Contains(scrubbed, secret) && strings.Contains(got, secret) && !strings.Contains(got, scrubbed) {
			t.Errorf("%q stays in %q", secret, got)
		}
	})
}

func BenchmarkScrub(b *testing.B) {
	s := NewScrubber([]string{"sw0rdfish"})
	text := strings.Repeat(fault().Text, 20)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		s.Scrub(text)
	}
}

func TestNoPartOfASecretIsLeftAtACut(t *testing.T) {
	const secret = "correct-horse-battery"
	s := NewScrubber([]string{secret, "correct-horses"})
	for cut := 1; cut < len(secret); cut++ {
		title := Event{Title: strings.Repeat("x", maxWords-len(ellipsis)-cut) + secret + strings.Repeat("y", 99)}.capped().Title
		half := maxText/2 - 20
		text := Event{Text: strings.Repeat("x", half-cut) + secret + strings.Repeat("y", maxText) + secret + strings.Repeat("z", half-cut)}.capped().Text
		for _, torn := range []string{title, text} {
			got := s.Scrub(torn)
			before, _, _ := strings.Cut(strings.TrimLeft(got, "x"), "…")
			before = strings.TrimSpace(before)
			_, after, _ := strings.Cut(strings.TrimRight(got, "z"), "cut …\n")
			if len(before) >= minSecret || len(after) >= minSecret {
				t.Errorf("cut after %d bytes: %q and %q are left", cut, before, after)
			}
		}
	}
	for _, text := range []string{"the correct-ho", "is correct-horse… so it is", "x… correct"} {
		if got := s.Scrub(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// What quotes long lines cuts each at its end, in the middle of the text.
func TestNoPartOfASecretIsLeftAtTheEndOfALine(t *testing.T) {
	s := NewScrubber([]string{"correct-horse-battery"})
	for text, want := range map[string]string{
		"its last output:\n  a correct-horse…\n  b\n":     "its last output:\n  a …\n  b\n",
		"correct…\ncorrect-horse-batter…":                 "…\n…",
		"correct-…\n" + seam + "battery correct-horse…\n": "…\n" + seam + " …\n",
		"correct-…" + seam + "…\ncorrect-" + seam + "x":   "…" + seam + "…\n" + seam + "x",
		"still correct-horse\nand … correct-\nx…\n":       "still correct-horse\nand … correct-\nx…\n",
	} {
		if got := s.Scrub(text); got != want {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
	}
}

// Of secrets of which one begins or ends another one, no part is left either.
func TestNoPartOfASecretIsLeftWhereAnotherOneBeginsIt(t *testing.T) {
	const long = "correct-horse-battery-staple"
	for text, short := range map[string]string{"x correct-horse-battery-st…": "correct-horse", "x " + seam + "se-battery-staple y": "battery-staple"} {
		if got := NewScrubber([]string{short, long}).Scrub(text); strings.Contains(got, "-") {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// What shows by its form shows where the end of the form was cut off, too.
func TestSecretsWithoutAnEndAreCut(t *testing.T) {
	s := NewScrubber(nil)
	for text, want := range map[string]string{
		"use postgres://shop:hunt…\nb":                      "use postgres://[scrubbed]…\nb",
		"redis://:hunt…":                                    "redis://[scrubbed]…",
		"{\"db_password\": \"hunter 2 and…\n}":              "{\"db_password\": [scrubbed]\n}",
		"token='a b…" + seam + "x":                          "token=[scrubbed]" + seam + "x",
		"\"Cookie\": \"session=1; other…\nb":                "\"Cookie\": [scrubbed]\nb",
		"password=hunt…":                                    "password=[scrubbed]",
		"see https://example.org/shop…":                     "see https://example.org/shop…",
		"see postgres://shop…\npassword=\"a\" b…":           "see postgres://shop…\npassword=[scrubbed] b…",
		"api_key=b'ab…\nraise Error(\"wrong token: \" + t)": "api_key=[scrubbed]\nraise Error(\"wrong token: \" + t)",
		"the secret: \"it …":                                "the secret: [scrubbed]",
	} {
		got := s.Scrub(text)
		if got != want {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
		if again := s.Scrub(got); again != got {
			t.Errorf("%q is cut again: %q", got, again)
		}
	}
}
