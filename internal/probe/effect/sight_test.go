package effect

import "testing"

func TestMore(t *testing.T) {
	level := func(lines, frames int) Sight { return Sight{Level: &Level{Sessions: 4, Lines: lines, Frames: frames}} }
	workers := func(number, processes, slow, busy, parallel int) Sight {
		return Sight{Workers: &Workers{Number: number, Processes: processes, Slow: slow, Busy: busy, Parallel: parallel}}
	}
	for name, test := range map[string]struct {
		a, b Sight
		want bool
	}{
		"one more line for each session":   {level(8, 0), level(4, 0), true},
		"one line short of that":           {level(7, 0), level(4, 0), false},
		"fewer":                            {level(4, 0), level(8, 0), false},
		"frames do not count beside lines": {level(8, 90), level(8, 0), false},
		"frames alone":                     {level(3, 4), level(3, 0), true},
		"too few frames":                   {level(3, 3), level(3, 0), false},
		"more processes at work":           {workers(4, 5, 8, 4, 4), workers(2, 3, 8, 2, 4), true},
		"more threads at work":             {workers(4, 1, 8, 1, 4), workers(2, 1, 8, 1, 2), true},
		"idle processes":                   {workers(4, 5, 8, 2, 2), workers(2, 3, 8, 2, 2), false},
		"a slow request that holds nobody": {workers(4, 5, 8, 2, 8), workers(2, 3, 8, 2, 8), true},
		"a slow request that holds nobody, and a busy machine": {workers(4, 5, 8, 1, 4), workers(2, 3, 8, 1, 8), true},
		"the same number all the same":                         {workers(4, 3, 8, 2, 8), workers(2, 3, 8, 2, 8), false},
		"one holds nobody, the other one not":                  {workers(4, 5, 8, 2, 8), workers(2, 3, 8, 3, 8), true},
		"no slow request":                                      {workers(4, 5, 0, 0, 0), workers(2, 3, 0, 0, 0), true},
		"no slow request, one process":                         {workers(4, 4, 0, 0, 0), workers(2, 3, 0, 0, 0), false},
		"the smaller number":                                   {workers(2, 5, 0, 0, 0), workers(4, 3, 0, 0, 0), false},
		"different kinds":                                      {level(9, 0), workers(1, 1, 0, 0, 0), false},
		"no measure":                                           {Sight{Shown: true}, Sight{}, false},
	} {
		if got := test.a.More(test.b); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if (Sight{Level: &Level{}}).More(Sight{Level: &Level{}}) {
		t.Error("no session, and more lines")
	}
}

func TestSight(t *testing.T) {
	if !(Sight{Shown: true}).Only() || (Sight{Shown: true, Other: true}).Only() || (Sight{}).Only() {
		t.Error("Only is wrong")
	}
	if !(Sight{Level: &Level{}}).Measured() || !(Sight{Workers: &Workers{}}).Measured() || (Sight{}).Measured() {
		t.Error("Measured is wrong")
	}
	if (Level{Lines: 4, Sessions: 4}).Silent() || !(Level{Lines: 3, Sessions: 4}).Silent() {
		t.Error("Silent is wrong")
	}
}
