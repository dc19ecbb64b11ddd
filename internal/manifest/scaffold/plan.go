package scaffold

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// plan is a proposal before it is written.
type plan struct {
	facts      *facts
	stack      stack
	name       line
	processes  []line
	release    []string
	releaseBy  string
	file       line           // the variable that names the configuration file; "" for none
	table      map[string]row // of the settings, by variable; nil for none
	settings   []setting
	candidates []service // services that something tells of; no name yet
	services   []service
	unknown    []string // settings whose effect is not known
	token      string   // the setting of the status route's token, "" for none
	status     string   // its path, "" for none
	faults     []fault
	traffic    []line // steps, without names
	admin      []line
	system     []string
	run        bool // it runs under roadworthy run
	notes      []string
}

// line is a key, its value as text, and why.
type line struct{ name, value, why string }

// placeholder stands where nothing tells the command.
const placeholder = "./CHANGE-ME"

func newPlan(f *facts, folder string) *plan {
	p := &plan{facts: f}
	p.findName(folder)
	p.stack = detect(f, p.name.value)
	p.notes = append(p.notes, p.stack.notes...)
	p.findProcesses()
	p.findSettings()
	p.findStatus()
	p.findRun()
	p.findFaults()
	p.findTraffic()
	p.findCommands()
	p.findSystem()
	if len(p.unknown) > 0 {
		p.note("What these settings change is not known: %s. Say it with effect, service or reply, or remove them.", strings.Join(p.unknown, ", "))
	}
	if f.bounded {
		p.note("The folder is large: only a part of its sources was looked at.")
	}
	return p
}

func (p *plan) note(format string, args ...any) {
	p.notes = append(p.notes, fmt.Sprintf(format, args...))
}

var (
	goModule = regexp.MustCompile(`(?m)^module[ \t]+"?([^\s"]+)`)
	majorVer = regexp.MustCompile(`/v[0-9]+$`)
)

// findName takes the name that the project gives itself, else the folder's.
func (p *plan) findName(folder string) {
	p.name = line{"name", sanitize(folder), "the folder's name"}
	if m := goModule.FindStringSubmatch(p.facts.files["go.mod"]); m != nil {
		path := strings.Split(majorVer.ReplaceAllString(m[1], ""), "/")
		if name := sanitize(path[len(path)-1]); name != "" {
			p.name = line{"name", name, "go.mod"}
		}
	} else if name := packageName(p.facts.files["package.json"]); name != "" {
		p.name = line{"name", name, "package.json"}
	}
	if p.name.value == "" {
		p.name = line{"name", "app", "the folder's name cannot be used"}
	}
}

func packageName(text string) string {
	var p struct {
		Name string `json:"name"`
	}
	if json.Unmarshal([]byte(text), &p) != nil {
		return ""
	}
	return sanitize(p.Name[strings.LastIndexByte(p.Name, '/')+1:])
}

// sanitize makes a name of the manifest from any text, "" where it cannot.
func sanitize(text string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(text))
	clean = strings.TrimLeft(clean, "-0123456789")
	return strings.TrimRight(clean[:min(len(clean), 63)], "-")
}

// findProcesses takes the Procfile, else the Dockerfile, else what is usual.
func (p *plan) findProcesses() {
	p.release, p.releaseBy = p.stack.release, "usual for "+p.stack.says
	if p.stack.releaseFrom != "" {
		p.releaseBy = p.stack.releaseFrom
	}
	for _, process := range procfile(p.facts.files["Procfile"]) {
		name := sanitize(process[0])
		switch {
		case !fits(process[1]) || name == "" || slices.ContainsFunc(p.processes, func(l line) bool { return l.name == name }):
			p.note("The line %s of the Procfile is left out.", clean(process[0]))
		case name == "release":
			p.release, p.releaseBy = []string{process[1]}, "Procfile"
		default:
			p.processes = append(p.processes, line{name, process[1], "Procfile"})
		}
	}
	if slices.ContainsFunc(p.processes, func(l line) bool { return l.name == "web" }) {
		return
	}
	web, guess := line{"web", p.stack.web, "guessed from " + p.stack.from}, p.stack.webFrom == ""
	if !guess {
		web.why = p.stack.webFrom
	}
	if command := dockerWeb(p.facts.files["Dockerfile"]); fits(command) {
		web = line{"web", command, "Dockerfile"}
		p.note("processes.web is the Dockerfile's command: its paths are those of the image, write those of the folder.")
	}
	switch {
	case !fits(web.value):
		web = line{"web", placeholder, "nothing tells how it is run"}
		p.note("How the application is run is not known: write the command as processes.web.")
	case guess && web.why != "Dockerfile":
		p.note("processes.web is guessed: %s.", clean(web.value))
	}
	p.processes = append([]line{web}, p.processes...)
}

// fits tells whether a command can stand in a manifest in one line.
func fits(command string) bool {
	return strings.TrimSpace(command) != "" && len(command) <= 1000
}
