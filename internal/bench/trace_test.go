package bench

import "testing"

func TestUnquote(t *testing.T) {
	for given, want := range map[string]string{
		`/usr/share/a.crt`:                 "/usr/share/a.crt",
		`/certs/F\305\221tan\303\272s.crt`: "/certs/Főtanús.crt",
		`/x\tb\n\\n \"q\" \76`:             "/x\tb\n\\n \"q\" >",
		`/x\x3ey\0`:                        "/x>y\x00",
		`/ends\`:                           `/ends\`,
	} {
		if got := unquote(given); got != want {
			t.Errorf("%s gives %q, want %q", given, got, want)
		}
	}
}
