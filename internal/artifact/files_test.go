package artifact

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestScanFilesFindsWhatAFolderHolds(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	secret := "API_TOKEN=" + "q7Wm3xTzR9" + "kPv2LsYb8d\n"
	write("src/main.py", "print('hello')\n")
	write("conf/.env", "PORT=80\n"+secret)
	write("tests/.env", "OTHER_TOKEN="+"Zx8vQ2mN4w"+"Rt6yHj1kLp\n")
	write("large.env", secret+strings.Repeat("#", int(scanBounds.blob)))
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link.env")); err != nil {
		t.Fatal(err)
	}
	h, err := ScanFiles(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if h.Blobs != 3 || h.Larger != 1 || h.Complete || len(h.Missed) != 1 {
		t.Errorf("read %d files, %d too large, complete %t, missed %q", h.Blobs, h.Larger, h.Complete, h.Missed)
	}
	if len(h.Findings) != 2 {
		t.Fatalf("found %+v, want two", h.Findings)
	}
	if f := h.Findings[0]; f.Path != "conf/.env" || f.Line != 2 || f.Kind != "env" || f.Fixture || f.Commit != "" {
		t.Errorf("first finding: %+v", f)
	}
	if f := h.Findings[1]; f.Path != "tests/.env" || !f.Fixture {
		t.Errorf("second finding: %+v", f)
	}
	for _, f := range h.Findings {
		if strings.Contains(f.Redacted, "q7Wm") || strings.Contains(f.Redacted, "Zx8v") {
			t.Errorf("the finding holds its secret: %+v", f)
		}
	}
}

func TestScanFilesRefusesWhatIsNoFolder(t *testing.T) {
	if _, err := ScanFiles(t.Context(), filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("an absent folder was scanned")
	}
}
