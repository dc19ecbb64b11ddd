package replay

import (
	"fmt"
	"strings"
	"testing"
)

func page(own, body string) Raw {
	return Raw{Method: "GET", Target: "/", Status: 200, Type: "text/html", Body: body + own}
}

func TestNormaliseLeavesOutWhatIsNoiseOrSecret(t *testing.T) {
	names := Names{"s3cret-value": "SECRET_KEY", "abc": "SHORT"}
	body := `hi NONCE1234567890a <a href="http://127.0.0.1:1234/x">s3cret-value abc</a> took 12 ms, Mon, 02 Jan 2026 10:11:12 GMT token=Zm9vYmFyYmF6MTIzNDU2Nzg5`
	r := Normalise(Raw{Method: "POST", Target: "/a?x=NONCE1234567890a", Status: 200, Body: body, Cookies: []string{"b", "a"}}, "NONCE1234567890a", names)
	text := strings.Join(r.Pieces, " ")
	for _, gone := range []string{"s3cret-value", "NONCE", "1234/", "12 ms", "10:11", "Zm9v"} {
		if strings.Contains(text, gone) {
			t.Errorf("%q is still in %q", gone, text)
		}
	}
	for _, kept := range []string{"$nonce", "$SECRET_KEY", "abc", "$host/x", "$duration", "$word"} {
		if !strings.Contains(text, kept) {
			t.Errorf("%q is not in %q", kept, text)
		}
	}
	if r.Own != 1 || r.Carried || !r.Cookie || r.Request != "POST /a?x=$nonce" || !strings.Contains(r.Head, `["a" "b"]`) {
		t.Errorf("got %+v", r)
	}
}

func TestNormaliseIsBounded(t *testing.T) {
	long := Normalise(page("N", strings.Repeat("line of text\n", 5000)+strings.Repeat("x", 100000)), "N", nil)
	size := 0
	for _, p := range long.Pieces {
		size += len(p)
	}
	if len(long.Pieces) > maxPieces || size > maxPieces*(maxPiece+10) {
		t.Fatalf("%d pieces, %d bytes", len(long.Pieces), size)
	}
	other := Normalise(page("N", strings.Repeat("line of text\n", 5000)+strings.Repeat("x", 99999)+"y"), "N", nil)
	if len(Differences([]Session{{long}}, Session{other})) == 0 {
		t.Error("a difference behind the bound is not seen")
	}
}

func session(bodies ...string) Session {
	var s Session
	for i, b := range bodies {
		s = append(s, Normalise(Raw{Step: i, Method: "GET", Target: "/", Status: 200, Body: b}, "OWN0", nil))
	}
	return s
}

func TestDifferences(t *testing.T) {
	plain := []Session{session("visits: 1, hello", "x\nOWN0\nrandom 5"), session("visits: 1, hello", "x\nOWN0\nrandom 7")}
	for name, c := range map[string]struct {
		run  Session
		want string
	}{
		"equal":           {session("visits: 1, hello", "x\nOWN0\nrandom 9"), ""},
		"counter":         {session("visits: 2, hello", "x\nOWN0\nrandom 9"), "visits: 2"},
		"own text gone":   {session("visits: 1, hello", "x\nnobody\nrandom 9"), "0 times instead of 1"},
		"own text twice":  {session("visits: 1, hello", "x\nOWN0\nOWN0"), "2 times instead of 1"},
		"one piece fewer": {session("visits: 1, hello", "x OWN0"), "1 pieces"},
		"a reply fewer":   {session("visits: 1, hello"), "no such reply"},
		"a reply more":    {append(session("visits: 1, hello", "x\nOWN0\nrandom 9"), Reply{Request: "GET /more"}), "no plain run had"},
	} {
		t.Run(name, func(t *testing.T) {
			got := fmt.Sprint(Differences(plain, c.run))
			if c.want == "" && got != "[]" || !strings.Contains(got, c.want) {
				t.Errorf("got %s, want %q", got, c.want)
			}
		})
	}
}

func TestDifferencesInStatusErrorAndHead(t *testing.T) {
	plain := []Session{{{Request: "GET /", Status: 200, Head: "a"}}}
	for _, c := range []struct {
		reply Reply
		want  string
	}{
		{Reply{Request: "GET /", Status: 200, Head: "a"}, "[]"},
		{Reply{Request: "GET /", Status: 403, Head: "a"}, "status 403 instead of 200"},
		{Reply{Request: "GET /", Err: "reset"}, "reset"},
		{Reply{Request: "GET /", Status: 200, Head: "b"}, "b instead of a"},
	} {
		if got := fmt.Sprint(Differences(plain, Session{c.reply})); !strings.Contains(got, c.want) {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestDifferencesWhereLengthVaries(t *testing.T) {
	plain := []Session{session("a\nb\nnews 1"), session("a\nb\nnews 1\nnews 2")}
	if d := Differences(plain, session("a\nb")); len(d) != 1 || !strings.Contains(d[0].What, "news 1") {
		t.Errorf("got %v", d)
	}
	if d := Differences(plain, session("z\nb\na\nnews 1\nq")); len(d) != 0 {
		t.Errorf("got %v", d)
	}
}

func TestUnsteadyAndCarries(t *testing.T) {
	if u := Unsteady([]Session{session("OWN0"), session("")}); len(u) != 1 {
		t.Errorf("got %v", u)
	}
	if u := Unsteady([]Session{session("OWN0 1"), session("OWN0 2")}); len(u) != 0 {
		t.Errorf("got %v", u)
	}
	if Unsteady(nil) != nil || Differences(nil, session("x")) != nil {
		t.Error("nothing recorded says something")
	}
	if Carries(session("a")) || !Carries(session("OWN0")) || !Carries(Session{{Cookie: true}}) {
		t.Error("Carries is wrong")
	}
	sent := Normalise(Raw{Method: "POST", Target: "/", Sent: "m=OWN0", Body: "OWN0"}, "OWN0", nil)
	if Carries(Session{sent}) {
		t.Error("an echo carries nothing")
	}
}

func TestDepartingSettledRefused(t *testing.T) {
	plain := []Session{session("a"), session("a")}
	odd, good := session("b"), session("a")
	for _, c := range []struct {
		runs    []Session
		count   int
		settled bool
	}{
		{nil, 0, true},
		{[]Session{good}, 0, true},
		{[]Session{odd}, 1, false},
		{[]Session{odd, good}, 1, false},
		{[]Session{good, odd, odd}, 2, true},
	} {
		count, first := Departing(plain, c.runs)
		if count != c.count || (count > 0) != (first.What != "") || Settled(plain, c.runs, 3) != c.settled {
			t.Errorf("%d runs: got %d, %v, %t", len(c.runs), count, first, !c.settled)
		}
	}
	for _, c := range []struct {
		reply Reply
		want  string
	}{
		{Reply{Status: 200}, ""},
		{Reply{Status: 399}, ""},
		{Reply{Request: "GET /", Status: 400}, "GET / was answered with status 400"},
		{Reply{Request: "GET /", Status: 200, Err: "cut"}, "GET / was answered with status 200 cut"},
		{Reply{Request: "GET /"}, "GET / was answered with status 0"},
	} {
		if got := Refused([]Session{{{Status: 200}}, {c.reply}}); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
