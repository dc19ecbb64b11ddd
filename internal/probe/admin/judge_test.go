package admin

import (
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func TestJudge(t *testing.T) {
	honest := Command{Name: "count", Started: true, Zero: true, Exit: "exit status 0", Artifact: true, Reached: []string{"db"}}
	with := func(change func(*Command)) Command { c := honest; change(&c); return c }
	for name, test := range map[string]struct {
		services int
		command  Command
		want     standard.Outcome
	}{
		"honest":                            {1, honest, standard.Pass},
		"not there":                         {1, with(func(c *Command) { c.Started = false }), standard.Fail},
		"it failed":                         {1, with(func(c *Command) { c.Zero = false }), standard.Fail},
		"another address":                   {1, with(func(c *Command) { c.Strange = []string{"tcp 127.0.0.1:6379"} }), standard.Fail},
		"a program of the machine":          {1, with(func(c *Command) { c.Artifact, c.Certain = false, true }), standard.Fail},
		"of which program is not known":     {1, with(func(c *Command) { c.Artifact = false }), standard.Unknown},
		"that reached nothing":              {1, with(func(c *Command) { c.Artifact, c.Reached = false, nil }), standard.Fail},
		"it reached nothing":                {1, with(func(c *Command) { c.Reached = nil }), standard.Fail},
		"it printed a setting":              {1, with(func(c *Command) { c.Reached, c.Value = nil, true }), standard.Pass},
		"no service, nothing printed":       {0, with(func(c *Command) { c.Reached = nil }), standard.Unknown},
		"no service, but a setting printed": {0, with(func(c *Command) { c.Reached, c.Value = nil, true }), standard.Pass},
	} {
		got := judge(Observations{Services: test.services, Commands: []Command{honest, test.command}})
		if len(got) != 1 || got[0].Outcome != test.want || (test.want != standard.Pass && got[0].Why == "") {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	if got := judge(Observations{}); got[0].Outcome != standard.NotApplicable || got[0].Why == "" {
		t.Errorf("none declared: got %+v", got)
	}
}
