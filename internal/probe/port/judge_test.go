package port

import (
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func good(port int, others ...Other) Boot {
	return Boot{Port: port, Answers: true, Status: 200, Own: true, Listener: "web", Others: others}
}

func TestJudge(t *testing.T) {
	fixed := Other{Port: 8000, Program: "python3", HTTP: true, Inside: 5}
	edit := func(b Boot, change func(*Boot)) Boot { change(&b); return b }
	for name, c := range map[string]struct {
		boots     []Boot
		want      standard.Outcome
		why, seen string
	}{
		"honest":           {[]Boot{good(1), good(2), good(3)}, standard.Pass, "", "status 200"},
		"nothing recorded": {nil, standard.Unknown, "not booted on three", ""},
		"two boots":        {[]Boot{good(1), good(2)}, standard.Unknown, "not booted on three", ""},
		"same port 0 1":    {[]Boot{good(1), good(1), good(3)}, standard.Unknown, "not booted on three", ""},
		"same port 1 2":    {[]Boot{good(1), good(2), good(2)}, standard.Unknown, "not booted on three", ""},
		"same port 0 2":    {[]Boot{good(1), good(2), good(1)}, standard.Unknown, "not booted on three", ""},
		"a fixed port": {[]Boot{good(1), edit(good(2), func(b *Boot) {
			b.Answers, b.Status, b.Listener, b.Own, b.Others = false, 0, "", false, []Other{{Port: 8080, Program: "web"}}
		}), good(3)}, standard.Fail, "nothing answered on port 2", "web listens on port 8080"},
		"ended": {[]Boot{good(1), good(2), edit(good(3), func(b *Boot) {
			b.Answers, b.Status, b.Exit, b.Tail = false, 0, "exit status 1", []string{"no PORT"}
		})}, standard.Fail, "nothing answered on port 3", "no PORT"},
		"status 503": {[]Boot{edit(good(1), func(b *Boot) { b.Answers, b.Status = false, 503 }), good(2), good(3)}, standard.Fail, "nothing answered", "status 503"},
		"somebody else listens": {[]Boot{good(1), good(2), edit(good(3), func(b *Boot) { b.Own, b.Listener = false, "nginx" })},
			standard.Fail, "does not hold the port", "nginx"},
		"nobody listens":           {[]Boot{good(1), good(2), edit(good(3), func(b *Boot) { b.Own, b.Listener = false, "" })}, standard.Fail, "does not hold", "nobody"},
		"fixed behind a forwarder": {[]Boot{good(1, fixed), good(2, Other{Port: 5}, fixed), good(3, fixed)}, standard.Fail, "only forwards", "15 connections"},
		"inner port that changes": {[]Boot{good(1, fixed), good(2, Other{Port: 8001, HTTP: true, Inside: 3}), good(3, Other{Port: 8002, HTTP: true, Inside: 3})},
			standard.Pass, "", "also listens on 8000"},
		"fixed but not HTTP":            {[]Boot{good(1, fixed), good(2, fixed), good(3, Other{Port: 8000, Inside: 1})}, standard.Pass, "", ""},
		"fixed but nobody goes there":   {[]Boot{good(1, fixed), good(2, fixed), good(3, Other{Port: 8000, HTTP: true})}, standard.Pass, "", ""},
		"the second other one is fixed": {[]Boot{good(1, Other{Port: 9}, fixed), good(2, fixed), good(3, fixed)}, standard.Fail, "only forwards", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := judge(Observations{Boots: c.boots})[0]
			if f.Claim != "port.given" || f.Outcome != c.want || !strings.Contains(f.Why, c.why) || !strings.Contains(f.Seen, c.seen) {
				t.Errorf("got %+v, want %s with %q and %q", f, c.want, c.why, c.seen)
			}
		})
	}
}

func TestSilenceSaysWhatThereWas(t *testing.T) {
	for _, c := range []struct {
		boot       Boot
		want, none string
	}{
		{Boot{Port: 1}, "no process listens on port 1", "it ended"},
		{Boot{Port: 1, Listener: "web"}, "web listens on port 1 but does not answer", "it ended"},
		{Boot{Port: 1, Exit: "exit status 2"}, "it ended with exit status 2", "last words"},
		{Boot{Port: 1, Tail: []string{"oh"}}, "its last words: oh", "it ended"},
	} {
		if got := c.boot.silence(); !strings.Contains(got, c.want) || strings.Contains(got, c.none) {
			t.Errorf("got %q, want %q and not %q", got, c.want, c.none)
		}
	}
}
