package scaffold

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// notOneOff are words behind a program that serve, wait for a person or may
// destroy something: they are no one-off commands to propose.
var notOneOff = []string{
	"serve", "server", "start", "run", "runserver", "web", "worker", "help", "version", "test", "shell", "console", "repl", "drop", "reset", "delete",
	"purge", "destroy", "flush", "install", "build", "dev", "watch", "init",
}

var (
	migration  = regexp.MustCompile(`^((db|database)[:-])?(migrate|upgrade)$`)
	djangoTask = regexp.MustCompile(`^(?:.*/)?management/commands/([a-z]\w*)\.py$`)
	program    = regexp.MustCompile(`\.(?:js|mjs|cjs|py|rb|php)$`)
)

// findCommands looks for one-off commands: those that the usage of the web
// process lists, and Django's. What migrates runs once per release too.
func (p *plan) findCommands() {
	if python := p.stack.django; python != "" {
		for _, name := range p.facts.sources {
			if m := djangoTask.FindStringSubmatch(name); m != nil {
				p.oneOff(m[1], python+"manage.py ", name)
			}
		}
	}
	base := ""
	for _, l := range p.processes {
		if l.name == "web" && !strings.ContainsAny(l.value, "|&;<>()`$\n") {
			base = programOf(l.value)
		}
	}
	if base != "" && utf8.ValidString(base) {
		p.usage(base)
	}
	if len(p.release) > 0 {
		if !slices.ContainsFunc(p.admin, func(l line) bool { return l.name == "migrate" }) && strings.Contains(p.release[0], "migrat") {
			p.admin = append([]line{{"migrate", p.release[0], "as for each release"}}, p.admin...)
		}
		return
	}
	for _, l := range p.admin {
		if migration.MatchString(lastWord(l.value)) {
			p.release, p.releaseBy = []string{l.value}, l.why
		}
	}
}

func lastWord(command string) string {
	words := strings.Fields(command)
	if strings.HasPrefix(words[len(words)-1], "-") && len(words) > 1 { // migrate --noinput
		return words[len(words)-2]
	}
	return words[len(words)-1]
}

// programOf returns the part of a command that names the program: up to its
// script, or the first word.
func programOf(command string) string {
	words := strings.Fields(command)
	for i, word := range words {
		if program.MatchString(word) {
			return strings.Join(words[:i+1], " ")
		}
	}
	if len(words) == 0 || slices.Contains([]string{"node", "npm", "npx", "sh", "bash", "bundle", "php", "java"}, words[0]) || slices.Contains(words, "-m") {
		return ""
	}
	return words[0]
}

// usage reads lines such as "guestbook migrate    bring the database up to
// date" in comments and in the README, and takes the words that a source
// names too.
func (p *plan) usage(base string) {
	words := strings.Fields(base)
	last := regexp.QuoteMeta(path.Base(words[len(words)-1]))
	form := regexp.MustCompile("(?m)^[\\s/*#$>;`-]*(?:\\S+ )?(?:\\./|bin/)*" + last + " ([a-z][a-z0-9:_-]*)(?:`|[ \\t]{2,}\\S.*|[ \\t]*)$")
	for _, name := range slices.Concat(p.facts.sources, []string{"README.md", "README", "README.rst"}) {
		text := p.facts.texts[name] + p.facts.files[name]
		for _, at := range form.FindAllStringSubmatchIndex(text, -1) {
			if word := group(text, at, 1); p.facts.names(word) {
				p.oneOff(word, base+" ", place(name, text, at[2]))
			}
		}
	}
}

// oneOff adds a command, unless it is there already or none to propose.
func (p *plan) oneOff(word, base, where string) {
	name := sanitize(word)
	known := slices.ContainsFunc(p.admin, func(l line) bool { return l.name == name })
	if !known && name != "" && !slices.Contains(notOneOff, word) {
		p.admin = append(p.admin, line{name, base + word, where})
	}
}

// names tells whether a source names a word as a text or as a key.
func (f *facts) names(word string) bool {
	form := regexp.MustCompile("[\"'`]" + regexp.QuoteMeta(word) + "[\"'`]|(?m:^|[{,])\\s*" + regexp.QuoteMeta(word) + `\s*[:(]`)
	return slices.ContainsFunc(f.sources, func(name string) bool { return form.MatchString(f.texts[name]) })
}

// spawned are the ways to start another program, by a name in quotes.
var spawned = regexp.MustCompile("(?:spawn|spawnSync|execFile|execFileSync|execvp|execlp|Popen|check_output|check_call|subprocess\\.run|exec\\.Command|exec\\.CommandContext)\\((?:ctx,\\s*)?\\s*\\[?\\s*[\"'`]([a-z][\\w.-]*)[\"'`]")

// programs are the packages of Debian that hold programs which applications
// start, without those of every system.
var programs = map[string]string{
	"logger": "bsdutils", "convert": "imagemagick", "magick": "imagemagick", "identify": "imagemagick", "ffmpeg": "ffmpeg", "pdftotext": "poppler-utils",
	"pdftoppm": "poppler-utils", "git": "git", "curl": "curl", "wkhtmltopdf": "wkhtmltopdf", "pg_dump": "postgresql-client", "psql": "postgresql-client",
	"mysqldump": "mariadb-client", "redis-cli": "redis-tools", "gs": "ghostscript", "pandoc": "pandoc", "dot": "graphviz", "rsync": "rsync",
	"ssh": "openssh-client", "sendmail": "default-mta", "zip": "zip", "unzip": "unzip", "tesseract": "tesseract-ocr",
}

// modules are the packages of Debian that hold modules of Python.
var modules = map[string]string{
	"django": "python3-django", "psycopg2": "python3-psycopg2", "psycopg": "python3-psycopg", "yaml": "python3-yaml", "gunicorn": "python3-gunicorn",
	"redis": "python3-redis", "flask": "python3-flask", "requests": "python3-requests", "jinja2": "python3-jinja2", "sqlalchemy": "python3-sqlalchemy",
	"MySQLdb": "python3-mysqldb", "pymysql": "python3-pymysql", "lxml": "python3-lxml", "PIL": "python3-pil", "bottle": "python3-bottle",
	"tornado": "python3-tornado", "aiohttp": "python3-aiohttp", "fastapi": "python3-fastapi", "uvicorn": "python3-uvicorn", "celery": "python3-celery",
	"markdown": "python3-markdown", "dateutil": "python3-dateutil", "cryptography": "python3-cryptography", "waitress": "python3-waitress",
	"whitenoise": "python3-whitenoise", "werkzeug": "python3-werkzeug", "dotenv": "python3-dotenv", "toml": "python3-toml", "pydantic": "python3-pydantic",
}

var importForm = regexp.MustCompile(`(?m)^[ \t]*(?:import|from)[ \t]+([A-Za-z_]\w*)`)

// findSystem lists packages of the operating system: the interpreter that the
// web process names, the modules it imports from the system, and the programs
// it starts.
func (p *plan) findSystem() {
	p.system = slices.Clone(p.stack.system)
	var more []string
	for _, name := range p.facts.sources {
		for _, m := range spawned.FindAllStringSubmatch(p.facts.texts[name], -1) {
			more = append(more, programs[m[1]])
		}
		if p.stack.ofSystem && extension(name) == ".py" {
			for _, m := range importForm.FindAllStringSubmatch(p.facts.texts[name], -1) {
				if !p.facts.local(m[1]) {
					more = append(more, modules[m[1]])
				}
			}
		}
	}
	slices.Sort(more)
	for _, name := range slices.Compact(more) {
		if name != "" && !slices.Contains(p.system, name) {
			p.system = append(p.system, name)
		}
	}
}

// local tells whether a module of Python is the application's own.
func (f *facts) local(module string) bool {
	return slices.ContainsFunc(f.sources, func(name string) bool {
		return name == module+".py" || strings.HasSuffix(name, "/"+module+".py") || strings.HasPrefix(name, module+"/")
	})
}
