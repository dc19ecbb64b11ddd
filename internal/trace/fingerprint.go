package trace

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// fingerprintVersion changes with what goes into a fingerprint, so that those
// of two versions are never compared.
const fingerprintVersion = "1"

// topFrames of the application, from the throw on, make the fingerprint.
const topFrames = 5

// Fingerprint names the fault that a trace shows: it is the same for each
// occurrence, in each release, and different for others. It is made of the
// language, the type and the innermost frames that are the application's:
// functions and files, without line numbers and without the folder of the
// release. A trace without such frames has its message in their place, without
// numbers, identifiers and quoted texts.
//
// The root is the application's folder, absolute; "" where it is not known,
// and then all is the application's that is not known for a library. The text
// is "1:" with 16 hexadecimal digits; the number is the version.
func (t Trace) Fingerprint(root string) string {
	parts := []string{t.Language, t.Type}
	for _, f := range t.innermostFirst() {
		if len(parts) == 2+topFrames {
			break
		}
		if t.inApp(f, root) {
			parts = append(parts, stableFile(f.File, root)+" "+stableFunction(f.Function))
		}
	}
	if len(parts) == 2 {
		parts = append(parts, "message", stableMessage(t.Message))
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return fingerprintVersion + ":" + hex.EncodeToString(sum[:8])
}

// maxTitle bounds a title, in runes.
const maxTitle = 160

// Where returns the innermost frame within the application, as
// "file:line in function"; "" where there is none. The root is that of
// [Trace.Fingerprint], and is left out of the file.
func (t Trace) Where(root string) string {
	for _, f := range t.innermostFirst() {
		if !t.inApp(f, root) {
			continue
		}
		file := strings.TrimPrefix(strings.TrimPrefix(f.File, root), "/")
		switch {
		case file == "":
			return f.Function
		case f.Function == "":
			return fmt.Sprintf("%s:%d", file, f.Line)
		}
		return fmt.Sprintf("%s:%d in %s", file, f.Line, f.Function)
	}
	return ""
}

// Title says in one line what happened: "Type: message".
func (t Trace) Title() string {
	message, _, _ := strings.Cut(strings.TrimSpace(t.Message), "\n")
	title := t.Type
	switch {
	case title == "":
		title = message
	case message != "":
		title += ": " + message
	}
	if title == "" {
		title = t.Language + " stack trace"
	}
	if runes := []rune(title); len(runes) > maxTitle {
		title = string(runes[:maxTitle-1]) + "…"
	}
	return strings.ToValidUTF8(title, "\uFFFD")
}

// innermostFirst orders the frames from the throw on; Python alone puts it
// last.
func (t Trace) innermostFirst() []Frame {
	if t.Language != Python {
		return t.Frames
	}
	frames := make([]Frame, 0, len(t.Frames))
	for _, f := range slices.Backward(t.Frames) {
		frames = append(frames, f)
	}
	return frames
}

// libraries are parts of the paths of code that is not the application's.
var libraries = []string{
	"/site-packages/", "/dist-packages/", "/lib/python", "<frozen ", "/node_modules/", "node:", "/vendor/", "/gems/", "/usr/lib/ruby/", "/lib/ruby/", "<internal:",
	"/usr/local/go/src/", "/usr/lib/go", "/pkg/mod/", "/rustc/", "/.cargo/registry/", "[internal function]", "/usr/share/php/", "/_/src/", "<__array_function__",
}

// libraryFunctions begin the names of functions of runtimes, by language.
var libraryFunctions = map[string][]string{
	Java:   {"java.", "javax.", "jdk.", "sun.", "com.sun.", "kotlin.", "kotlinx.", "scala.", "jakarta."},
	DotNet: {"System.", "Microsoft."},
	Go:     {"runtime.", "runtime/", "panic", "net/http.", "testing.", "reflect.", "sync.", "internal/"},
	Rust:   {"core::", "std::", "alloc::", "rust_begin_unwind", "__rust", "<core::", "<alloc::", "<std::", "<usize as core"},
}

// inApp reports whether a frame is of the application.
func (t Trace) inApp(f Frame, root string) bool {
	for _, part := range libraries {
		if strings.Contains(f.File, part) {
			return false
		}
	}
	function := f.Function
	if t.Language == Java {
		if module, rest, ok := strings.Cut(function, "/"); ok {
			if strings.HasPrefix(module, "java.") || strings.HasPrefix(module, "jdk.") {
				return false
			}
			function = rest
		}
	}
	for _, prefix := range libraryFunctions[t.Language] {
		if strings.HasPrefix(function, prefix) {
			return false
		}
	}
	if f.File == "" && (t.Language == Node || t.Language == PHP) {
		return false
	}
	path := strings.TrimPrefix(f.File, "file://")
	if root == "" || !strings.HasPrefix(path, "/") || strings.Contains(path, "/releases/") {
		return true
	}
	return strings.HasPrefix(path, strings.TrimSuffix(root, "/")+"/")
}

// stableFile cuts what changes from release to release: the root, or the
// folders above where the root is not known.
func stableFile(file, root string) string {
	file = strings.TrimPrefix(file, "file://")
	if rest, ok := strings.CutPrefix(file, strings.TrimSuffix(root, "/")+"/"); ok && root != "" {
		return rest
	}
	if _, rest, ok := strings.Cut(file, "/releases/"); ok {
		if _, below, ok := strings.Cut(rest, "/"); ok {
			return below
		}
	}
	if !strings.HasPrefix(file, "/") {
		return strings.TrimPrefix(file, "./")
	}
	parts := strings.Split(file, "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/")
}

// numbered are parts of function names that compilers number: lambdas and
// proxies of Java, hashes of Rust, addresses.
var numbered = regexp.MustCompile(`\$\d+|\$\$Lambda[$/\w]*|::h[0-9a-f]{16}$|0x[0-9a-f]+|Accessor\d+|\(.*\)$`)

func stableFunction(function string) string {
	return numbered.ReplaceAllStringFunc(function, func(part string) string {
		if part[0] == '$' {
			return "$"
		}
		return ""
	})
}

// varying are parts of messages that differ between occurrences.
var varying = regexp.MustCompile(`"[^"\n]*"|'[^'\n]*'|` + "`[^`\n]*['`]" + `|\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b|\b0x[0-9a-fA-F]+\b|\b[0-9a-fA-F]{8,}\b|\d+(\.\d+)*`)

// maxMessage bounds how much of a message goes into a fingerprint.
const maxMessage = 1 << 10

func stableMessage(message string) string {
	message = message[:min(len(message), maxMessage)]
	return strings.TrimSpace(varying.ReplaceAllString(message, "?"))
}
