package dependencies

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/debian"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// TestAStrangerBehindManyFilesIsSeen opens what an interpreter reads anyway
// before it opens a file of nobody.
func TestAStrangerBehindManyFilesIsSeen(t *testing.T) {
	traced := bench.Traced{Files: []string{"/app/main.py"}}
	for i := range 300 {
		traced.Files = append(traced.Files, fmt.Sprintf("/usr/lib/locale/C.utf8/%d", i))
	}
	traced.Files = append(traced.Files, "/opt/stranger/data.bin")
	o := Observations{Replies: 1, Packages: map[string]Package{}}
	o.attribute(&bench.Bench{Manifest: &manifest.Manifest{}}, &debian.Database{}, traced)
	if f := declared(o); f.Outcome != standard.Fail || !strings.Contains(f.Seen, "/opt/stranger/data.bin") {
		t.Errorf("got %+v", f)
	}
}

func TestWhatBelongsToAnInterpreter(t *testing.T) {
	local := filepath.Join(t.TempDir(), ".local") // a prefix that is everybody's
	for _, file := range []string{
		"bin/python3.12", "bin/tool", "lib/python3.12/os.py", "lib/libpython3.12.so.1.0", "lib/pythonic/x.py", "lib/other/x.so",
		"include/python3.12/x.h", "share/other/x",
	} {
		path := filepath.Join(local, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(local, "bin/python3.12")
	got := installed(filepath.Join(local, "bin/python3"), program)
	for i, path := range got {
		got[i] = strings.TrimPrefix(path, local+"/")
	}
	want := []string{"bin/python3", "bin/python3.12", "lib/libpython3.12.so.1.0", "lib/python3.12", "include/python3.12"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := installed("/opt/node/bin/node", "/opt/node/bin/node"); !slices.Equal(got, []string{"/opt/node"}) {
		t.Errorf("a folder of its own: got %q", got)
	}
}

func TestAScriptNamesItsInterpreter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "script")
	for line, want := range map[string]string{
		"#!/usr/bin/env node\n": "node", "#!/usr/bin/python3 -I\nx": "/usr/bin/python3", "#!/usr/bin/env -S ruby\n": "ruby", "\x7fELF": "", "": "",
	} {
		if err := os.WriteFile(path, []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := interpreterOf(path); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}
