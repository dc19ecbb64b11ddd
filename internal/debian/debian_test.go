package debian_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/debian"
)

const status = `Package: libc6
Status: install ok installed
Priority: optional

Package: coreutils
Essential: yes
Status: install ok installed
Priority: required
Pre-Depends: libc6 (>= 2.34)

Package: python3
Status: install ok installed
Priority: optional
Depends: python3-minimal (= 3.11), mail-transport-agent | nothing
Description: text
 continued: not a field

Package: python3-minimal
Status: install ok installed

Package: postfix
Status: install ok installed
Provides: mail-transport-agent

Package: gone
Status: deinstall ok config-files
Priority: required
`

func system(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for path, content := range map[string]string{
		"var/lib/dpkg/status":              status,
		"var/lib/dpkg/info/libc6:x.list":   "/lib/libc.so\n/lib\n",
		"var/lib/dpkg/info/python3.list":   "/usr/bin/python3.11\n",
		"var/lib/dpkg/info/coreutils.list": "/bin/ls\n",
		"usr/bin/python3.11":               "",
	} {
		file := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("python3.11", filepath.Join(root, "usr/bin/python3")); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestOwnersAreFoundThroughLinksAndMergedFolders(t *testing.T) {
	d, err := debian.Read(system(t))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/lib/libc.so": "libc6", "/usr/lib/libc.so": "libc6", "/usr/bin/ls": "coreutils",
		"/usr/bin/python3": "python3", "/usr/local/bin/x": "",
	} {
		if got, ok := d.Owner(path); got != want || ok != (want != "") {
			t.Errorf("%s: got %q %v", path, got, ok)
		}
	}
}

func TestNeedsFollowsDependenciesAndWhatProvidesThem(t *testing.T) {
	d, err := debian.Read(system(t))
	if err != nil {
		t.Fatal(err)
	}
	needs := d.Needs("python3")
	for _, name := range []string{"python3", "python3-minimal", "postfix"} {
		if !needs[name] {
			t.Errorf("%s is missing in %v", name, needs)
		}
	}
	if len(needs) != 3 {
		t.Errorf("got %v", needs)
	}
	if base := d.Base(); !base["coreutils"] || !base["libc6"] || base["python3"] || base["gone"] {
		t.Errorf("got %v", base)
	}
}

func TestASystemWithoutDpkgIsSaidToBeOne(t *testing.T) {
	if _, err := debian.Read(t.TempDir()); !errors.Is(err, debian.ErrNoDatabase) {
		t.Errorf("got %v", err)
	}
}
