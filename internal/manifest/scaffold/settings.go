package scaffold

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// maxSettings bounds the settings that a proposal lists.
const maxSettings = 40

// ambient are variables that the surroundings set, not the application's own.
var ambient = []string{
	"HOME", "PATH", "USER", "PWD", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "TERM", "CI", "HOSTNAME", "NODE_ENV", "RAILS_ENV",
	"RACK_ENV", "APP_ENV", "DJANGO_SETTINGS_MODULE", "PYTHONPATH", "GOPATH", "GOMAXPROCS", "JAVA_HOME", "NO_COLOR", "VIRTUAL_ENV",
	"LISTEN_FDS", "LISTEN_PID", "NOTIFY_SOCKET", "BUNDLE_GEMFILE",
}

// setting is one line under config.settings.
type setting struct {
	name, key      string // key is "" where the file does not hold it
	service, value string // the service that it names, and the form of its value
	reply          string // the request whose reply shows it
	why            string
}

// yaml writes the value of the line.
func (s setting) yaml() string {
	var parts []string
	for _, part := range [][2]string{{"key", keyText(s.key)}, {"service", s.service}, {"value", s.value}, {"reply", s.reply}} {
		if part[1] != "" {
			parts = append(parts, part[0]+": "+part[1])
		}
	}
	if s.key != "" && len(parts) == 1 {
		return keyText(s.key)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// keyText writes a key, "" for none.
func keyText(key string) string {
	if key == "" {
		return ""
	}
	return text(key)
}

// service is one line under services.
type service struct {
	name    string
	kind    manifest.ServiceType
	why     string
	durable bool
	apart   bool // it runs by itself: a file that composes containers names it
}

// drivers tell a service by what an application depends on: package names in
// dependency files, images in compose files.
var drivers = []struct {
	kind manifest.ServiceType
	form *regexp.Regexp
}{
	{manifest.Postgres, regexp.MustCompile(`(?i)jackc/pgx|lib/pq\b|psycopg|asyncpg|"pg"|"postgres"|['"]pg['"]|org\.postgresql|ext-pgsql|pdo_pgsql|image:\s*["']?\S*postg`)},
	{manifest.MariaDB, regexp.MustCompile(`(?i)go-sql-driver/mysql|mysqlclient|pymysql|"mysql2?"|['"]mysql2['"]|mysql-connector|mariadb-java|pdo_mysql|image:\s*["']?\S*(mysql|mariadb)`)},
	{manifest.SQLite, regexp.MustCompile(`(?i)modernc\.org/sqlite|mattn/go-sqlite3|better-sqlite3|"sqlite3"|['"]sqlite3['"]|sqlite-jdbc|aiosqlite`)},
	{manifest.Redis, regexp.MustCompile(`(?i)redis/go-redis|gomodule/redigo|(?m:^redis\b)|"(io)?redis"|['"]redis['"]|jedis|lettuce|predis|image:\s*["']?\S*(redis|valkey)`)},
}

// dependencyFiles are where drivers are looked for, in order.
var dependencyFiles = []string{
	"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml", "go.mod", "requirements.txt", "pyproject.toml",
	"package.json", "Gemfile", "pom.xml", "build.gradle", "build.gradle.kts", "composer.json",
}

// databases are the kinds that DATABASE_URL can name.
var databases = []manifest.ServiceType{manifest.Postgres, manifest.MariaDB, manifest.SQLite}

// parts are the variables that hold one part of a service's address each.
var parts = regexp.MustCompile(`^(PG|DB_|DATABASE_|POSTGRES_|MYSQL_|MARIADB_|REDIS_|SMTP_|MAIL_)(HOST|PORT|USER|USERNAME|PASSWORD|PASS|NAME|DATABASE|DB)$`)

var partValues = map[string]string{
	"HOST": "$host", "PORT": "$port", "USER": "$user", "USERNAME": "$user", "PASSWORD": "$password", "PASS": "$password",
	"NAME": "$database", "DATABASE": "$database", "DB": "$database",
}

var partKinds = map[string][]manifest.ServiceType{
	"PG": {manifest.Postgres}, "POSTGRES_": {manifest.Postgres}, "DB_": databases, "DATABASE_": databases,
	"MYSQL_": {manifest.MariaDB}, "MARIADB_": {manifest.MariaDB}, "REDIS_": {manifest.Redis}, "SMTP_": {manifest.SMTP}, "MAIL_": {manifest.SMTP},
}

var (
	exampleLine = regexp.MustCompile(`(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)=`)
	shellUse    = regexp.MustCompile(`\$\{?([A-Z_][A-Z0-9_]*)`)
)

// allVariables joins what sources read, what .env.example lists and what
// commands use.
func (p *plan) allVariables() map[string]string {
	all := maps.Clone(p.facts.variables)
	for _, file := range []string{".env.example", ".env.sample"} {
		for _, m := range exampleLine.FindAllStringSubmatchIndex(p.facts.files[file], -1) {
			first(all, p.facts.files[file][m[2]:m[3]], file, p.facts.files[file], m[2])
		}
	}
	for name, r := range p.table {
		if _, ok := all[name]; !ok {
			all[name] = r.where
		}
	}
	for name, where := range p.facts.named {
		if _, ok := all[name]; !ok {
			all[name] = where + " names it"
		}
	}
	for _, process := range p.processes {
		for _, m := range shellUse.FindAllStringSubmatch(process.value, -1) {
			if _, ok := all[m[1]]; !ok {
				all[m[1]] = "the command of " + process.name
			}
		}
	}
	maps.DeleteFunc(all, func(name, _ string) bool { return slices.Contains(ambient, name) })
	return all
}

// findSettings fills the settings, and the services that they need.
func (p *plan) findSettings() {
	if p.table = p.facts.tagged(); p.table == nil {
		p.table = p.facts.findTable()
	}
	p.findServices()
	all := p.allVariables()
	p.findFile(all)
	names := slices.SortedFunc(maps.Keys(all), compareNames)
	for i, name := range names {
		if i == maxSettings {
			p.note("Only %d of %d environment variables are listed.", maxSettings, len(names))
			break
		}
		p.settings = append(p.settings, p.setting(name, all[name]))
	}
	p.restServices()
	if _, ok := all["PORT"]; !ok {
		p.note("Nothing reads PORT: the bench tells the application by it where to listen. Declare the setting that does with effect: port.")
	}
}

// fileVariable is the usual name of a variable that names a file of settings.
var fileVariable = regexp.MustCompile(`^([A-Z0-9_]+_)?CONFIG(_FILE|_PATH)?$`)

// findFile takes the variable that names the configuration file, if there is
// exactly one, out of the settings.
func (p *plan) findFile(all map[string]string) {
	if variable, where := p.facts.sdkFile(); variable != "" {
		p.file = line{variable, "yaml", where}
		return
	}
	var found []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if fileVariable.MatchString(name) {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		return
	}
	format, where := p.facts.formatOf(found[0])
	p.file = line{found[0], format, all[found[0]] + "; guessed from its name"}
	if format != "" {
		p.file.why = all[found[0]] + "; " + where
	}
	delete(all, found[0])
	if format == "" || p.table == nil {
		p.note("%s is taken to name a file of the same settings: say its format, YAML if nothing is said, and the key of each setting in it.", found[0])
	}
}

// compareNames puts the names with a meaning first, in the order of the table.
func compareNames(a, b string) int {
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}

func rank(name string) int {
	i := slices.IndexFunc(manifest.Conventions, func(c manifest.Convention) bool { return c.Name == name })
	if i < 0 {
		return len(manifest.Conventions)
	}
	return i
}
