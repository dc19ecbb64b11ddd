package logstdout

import (
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func logged(n int) []Request {
	list := make([]Request, n)
	for i := range list {
		list[i] = Request{Target: "/?q=x", Status: 200, Logged: true, After: 0.1}
	}
	return list
}

func TestJudge(t *testing.T) {
	silent := append(logged(3), Request{Target: "/?q=lost", Status: 200})
	for name, test := range map[string]struct {
		record   Observations
		requests standard.Outcome
		files    standard.Outcome
	}{
		"honest":                         {Observations{Requests: logged(4), Searched: 2}, standard.Pass, standard.Pass},
		"nothing was recorded":           {Observations{}, standard.Unknown, standard.Unknown},
		"one request is missing":         {Observations{Requests: silent}, standard.Fail, standard.Pass},
		"an unanswered one says nothing": {Observations{Requests: append(logged(2), Request{Err: "EOF"})}, standard.Pass, standard.Pass},
		"none was answered":              {Observations{Requests: []Request{{Err: "EOF"}}}, standard.Unknown, standard.Unknown},
		"too much to keep":               {Observations{Requests: silent, Dropped: 1}, standard.Unknown, standard.Pass},
		"too much, but all is there":     {Observations{Requests: logged(2), Dropped: 1}, standard.Pass, standard.Pass},
		"a file holds two nonces":        {Observations{Requests: logged(2), Files: []File{{Path: "/tmp/a.log", Nonces: 2}}}, standard.Pass, standard.Fail},
		"a file holds one nonce":         {Observations{Requests: logged(2), Files: []File{{Path: "/tmp/a.log", Nonces: 1}}}, standard.Pass, standard.Unknown},
		"a session of the last page":     {Observations{Requests: logged(2), Files: []File{{Path: "/tmp/a", Nonces: 1, Newest: true}}}, standard.Pass, standard.Pass},
		"a session and a log":            {Observations{Requests: logged(2), Files: []File{{Path: "/tmp/a", Nonces: 1, Newest: true}, {Path: "/tmp/a.log", Nonces: 3}}}, standard.Pass, standard.Fail},
		"a file only grows":              {Observations{Requests: logged(2), Files: []File{{Path: "/tmp/a.gz", Growing: true}}}, standard.Pass, standard.Unknown},
		"a file was not searched whole":  {Observations{Requests: logged(2), Partly: []string{"/tmp/big"}}, standard.Pass, standard.Unknown},
		"a nonce weighs more than size":  {Observations{Requests: logged(2), Partly: []string{"/tmp/big"}, Files: []File{{Nonces: 2}}}, standard.Pass, standard.Fail},
	} {
		got := judge(test.record)
		if len(got) != 2 || got[0].Outcome != test.requests || got[1].Outcome != test.files {
			t.Errorf("%s: got %+v", name, got)
		}
		for _, f := range got {
			if f.Outcome != standard.Pass && f.Why == "" {
				t.Errorf("%s: %s gives no reason", name, f.Claim)
			}
		}
	}
}
