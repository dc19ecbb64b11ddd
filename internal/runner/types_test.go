package runner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Process types beside web run as often as they are counted, and web alone is
// behind the front.
func TestProcessTypesHaveTheirCounts(t *testing.T) {
	app, err := filepath.Abs("testdata/app.py")
	if err != nil {
		t.Fatal(err)
	}
	folder(t, map[string]string{
		"roadworthy.yaml": "name: shop\nrun: {counts: [mailer=2, clock=0]}\nprocesses:\n  web: sh -c 'PORT=$0 exec python3 " + app + "' $PORT" +
			"\n  mailer: sh -c 'echo mailing as $ROADWORTHY_WORKER; sleep 3600'\n  clock: sh -c 'echo tick; sleep 3600'\ntraffic: [GET /]\n",
	})
	r := startHere(t, nil, nil, "PATH="+os.Getenv("PATH"))
	r.await("all processes", func() bool { return serving(r.status()) == 5 })
	count := map[string]int{}
	for _, w := range r.status().Workers {
		name, _, _ := strings.Cut(w.ID, ".")
		count[name]++
	}
	if count["web"] != 3 || count["mailer"] != 2 || count["clock"] != 0 {
		t.Errorf("got %v", count)
	}
	r.await("what they say", func() bool {
		return strings.Contains(r.log(), "mailing as mailer.1") && strings.Contains(r.log(), "mailing as mailer.2")
	})
	if strings.Contains(r.log(), "tick") {
		t.Error("a type that is counted 0 times runs")
	}
	if err := r.reload(); err != nil {
		t.Error(err)
	}
}
